//! Phone numbers.

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat};

use crate::{Code, IdentityError};

/// A phone number in E.164 form, such as `+441514960453`. This form is shown and decides uniqueness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    const MAX_CHARACTERS: usize = 32;

    /// Takes a number with its country code; spaces and the usual punctuation between the digits
    /// are dropped. The number must be one that its country has assigned a range for.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let invalid = || {
            IdentityError::new(
                Code::InvalidPhoneNumber,
                "The phone number is not valid: it needs a plus sign and the country code, such \
                 as +441514960453.",
            )
        };
        let text = text.trim();
        // The library also reads letters, extensions and `tel:` links. They are not allowed in
        // identifiers.
        if !is_plain(text) {
            return Err(invalid());
        }
        let number = PhoneNumber::parse(text, None).map_err(|_| invalid())?;
        if !number.is_valid() {
            return Err(invalid());
        }
        Ok(Self(number.format_as(PhoneNumberFormat::E164).into_owned()))
    }

    /// How the numbers start that are typed with this start; `None` where no number starts so.
    pub fn canonical_start(start: &str) -> Option<String> {
        let is_kept = |c: &char| *c == '+' || c.is_ascii_digit();
        is_plain(start).then(|| start.chars().filter(is_kept).collect())
    }

    /// A number that was parsed before and is read from the table.
    pub fn restore(e164: String) -> Self {
        Self(e164)
    }

    /// The number in E.164 form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text has a plus sign before digits and the usual punctuation alone.
fn is_plain(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'.' | b'(' | b')');
    text.len() <= Phone::MAX_CHARACTERS
        && text
            .strip_prefix('+')
            .is_some_and(|rest| rest.bytes().all(is_allowed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn punctuation_is_dropped() {
        let phone = Phone::parse(" +44 (151) 496-0453 ").unwrap();
        assert_eq!(phone.as_str(), "+441514960453");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in [
            "",
            "+",
            "441514960453",
            "+1",
            "+999123456789",
            "tel:+441514960453",
            "+441514960453;ext=7",
            "+44151496CALL",
            "+４４１５１４９６０４５３",
            "+44151496045300000000",
        ] {
            assert!(Phone::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn the_start_of_a_number_is_its_plus_sign_and_digits() {
        assert_eq!(
            Phone::canonical_start("+44 (151").as_deref(),
            Some("+44151")
        );
        assert_eq!(Phone::canonical_start("+").as_deref(), Some("+"));
        for none in ["", "44", "+44x", "4+4", "+4+4"] {
            assert_eq!(Phone::canonical_start(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn a_canonical_number_is_a_fixed_point(text in "\\+(44 ?151 ?496|1 ?\\(?212\\)? ?555|49 ?30)[ .-]?[0-9]{4,8}") {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone.clone()));
            }
        }
    }
}

//! Usernames.

use precis_core::profile::PrecisFastInvocation as _;
use precis_profiles::UsernameCaseMapped;
use unicode_normalization::UnicodeNormalization as _;

use crate::{Code, IdentityError};

/// A username: the form as typed, which is shown, and the canonical one, which decides
/// uniqueness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username {
    shown: String,
    canonical: String,
}

impl Username {
    const MAX_CHARACTERS: usize = 64;
    /// The shortest phone numbers without an area code have seven digits.
    const DIGITS_OF_A_PHONE: usize = 7;

    /// Takes a username of 1…64 characters. Its canonical form is RFC 8265's `UsernameCaseMapped`
    /// profile. It holds no `@` and is no phone number, so that what a person types to sign in
    /// names one identifier only.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let canonical = Self::canonical_of(text).ok_or(IdentityError::new(
            Code::InvalidUserName,
            "The username is not valid: it needs 1 to 64 letters, digits or punctuation marks, no \
             space, no @, and must not read as a phone number.",
        ))?;
        Ok(Self {
            shown: text.to_owned(),
            canonical,
        })
    }

    fn canonical_of(text: &str) -> Option<String> {
        let fits = |text: &str| (1..=Self::MAX_CHARACTERS).contains(&text.chars().count());
        if !fits(text) {
            return None;
        }
        let canonical = UsernameCaseMapped::enforce(text).ok()?.into_owned();
        let stable = UsernameCaseMapped::enforce(canonical.as_str()).ok()? == canonical;
        (stable && fits(&canonical) && !canonical.contains('@') && !reads_as_phone(&canonical))
            .then_some(canonical)
    }

    /// How the canonical forms of the usernames start that are typed with this start; `None` where no
    /// username starts so.
    ///
    /// The profile judges whole names alone: the start of one may be a name that it refuses. So this
    /// maps as the profile does, character by character.
    pub fn canonical_start(start: &str) -> Option<String> {
        let lower = start.nfkc().flat_map(char::to_lowercase).nfc();
        let start: String = lower.collect();
        let is_allowed = |c: char| c != '@' && !c.is_whitespace() && !c.is_control();
        let fits = (1..=Self::MAX_CHARACTERS).contains(&start.chars().count());
        (fits && start.chars().all(is_allowed)).then_some(start)
    }

    /// A username that was parsed before and comes back from the table with its canonical form.
    pub fn restore(shown: String, canonical: String) -> Self {
        Self { shown, canonical }
    }

    /// The username as its owner typed it.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The form that decides uniqueness and look-up.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

fn reads_as_phone(text: &str) -> bool {
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    digits >= Username::DIGITS_OF_A_PHONE
        && text
            .chars()
            .all(|c| c.is_numeric() || matches!(c, '+' | '-' | '.' | '(' | ')'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_username_keeps_its_typed_form_beside_the_canonical_one() {
        let name = Username::parse("GraceHopper").unwrap();
        assert_eq!(name.as_str(), "GraceHopper");
        assert_eq!(name.canonical(), "gracehopper");
    }

    #[test]
    fn width_variants_are_one_username() {
        assert_eq!(Username::parse("ｇｒａｃｅ").unwrap().canonical(), "grace");
    }

    #[test]
    fn what_is_no_username_is_refused() {
        for bad in [
            "",
            " ",
            "a b",
            "grace@example.com",
            "grace＠example",
            "+441514960453",
            "4415149604",
            "0151-496.0453",
            "a\0",
            "a\u{202e}b",
            "a\u{200b}",
            "\u{265a}king",
            &"a".repeat(65),
        ] {
            assert!(Username::parse(bad).is_err(), "{bad:?} was taken");
        }
        assert!(Username::parse(&"a".repeat(64)).is_ok());
        assert!(Username::parse("agent-007").is_ok());
    }

    #[test]
    fn the_start_of_a_username_is_mapped_as_the_username_is() {
        for (typed, canonical) in [
            ("Grace", "grace"),
            ("\u{ff27}r", "gr"),
            ("E\u{301}", "\u{e9}"),
        ] {
            let start = Username::canonical_start(typed);
            assert_eq!(start.as_deref(), Some(canonical), "{typed}");
        }
        for none in ["", "a@", "a b", "a\0", &"a".repeat(65)] {
            assert_eq!(Username::canonical_start(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn a_canonical_username_is_a_fixed_point(text in "[\\PC]{1,24}") {
            if let Ok(name) = Username::parse(&text) {
                let again = Username::parse(name.canonical()).unwrap();
                prop_assert_eq!(again.canonical(), name.canonical());
            }
        }

        #[test]
        fn each_start_of_a_canonical_username_is_its_own(text in "[\\PC]{1,24}", length in 1_usize..24) {
            if let Ok(name) = Username::parse(&text) {
                let start: String = name.canonical().chars().take(length).collect();
                prop_assert_eq!(Username::canonical_start(&start), Some(start));
            }
        }

        #[test]
        fn ascii_case_variants_are_one_username(text in "[a-zA-Z0-9._-]{1,64}") {
            let canonical = |text: &str| Username::parse(text).map(|name| name.canonical);
            prop_assert_eq!(canonical(&text.to_ascii_uppercase()), canonical(&text));
        }
    }
}

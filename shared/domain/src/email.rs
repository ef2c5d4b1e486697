//! E-mail addresses.

use caseless::Caseless as _;
use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization as _;

use crate::{Code, IdentityError};

/// An e-mail address: the form as typed, which is shown, and the canonical one, which decides
/// uniqueness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    shown: String,
    canonical: String,
}

impl Email {
    /// RFC 5321's limit on a path, less its angle brackets.
    const MOST_CHARACTERS: usize = 254;

    /// Takes an address. Its canonical form is NFKC, full case folding, NFKC, with the domain as
    /// A-labels (users-api.md, section 3); two addresses with the same one are the same address.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let invalid = || {
            IdentityError::new(
                Code::InvalidEmail,
                "The e-mail address is not valid: it needs the form name@example.com, at most 254 \
                 characters.",
            )
        };
        let shown = text.trim();
        if shown.chars().count() > Self::MOST_CHARACTERS || shown.chars().any(is_unsafe) {
            return Err(invalid());
        }
        let canonical = canonical(shown).ok_or_else(invalid)?;
        let options = Options::default()
            .with_required_tld()
            .without_display_text()
            .without_domain_literal();
        if canonical.len() > Self::MOST_CHARACTERS
            || canonical.starts_with('"')
            || canonical.chars().any(is_unsafe)
            || EmailAddress::parse_with_options(&canonical, options).is_err()
        {
            return Err(invalid());
        }
        Ok(Self {
            shown: shown.to_owned(),
            canonical,
        })
    }

    /// An address that was parsed before and comes back from the table. It isn't folded again: a
    /// newer Unicode version must not move it away from its reservation.
    pub fn restore(shown: String, canonical: String) -> Self {
        Self { shown, canonical }
    }

    /// The address as its owner typed it.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Where mail to it goes, if mail can get there: its proof must be one of what is reserved, so
    /// that anything but ASCII is taken from the canonical form. Amazon SES takes A-labels in the
    /// domain and nothing but ASCII before it (API reference of SES v2, `Destination`).
    pub fn mailbox(&self) -> Option<&str> {
        let mailbox = if self.shown.is_ascii() {
            &self.shown
        } else {
            &self.canonical
        };
        mailbox.is_ascii().then_some(mailbox)
    }

    /// Whether mail to both spellings gets to one mailbox.
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        let both = self.mailbox().zip(other.mailbox());
        self == other || both.is_some() && self.canonical == other.canonical
    }

    /// The form that decides uniqueness and look-up.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

/// White space, control and formatting characters: they make an address look like another one.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}'
            | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
}

/// Folds until nothing changes any more; a few compatibility characters need a second round.
fn canonical(text: &str) -> Option<String> {
    const MOST_ROUNDS: usize = 4;
    let mut previous = fold(text)?;
    for _ in 0..MOST_ROUNDS {
        let next = fold(&previous)?;
        if next == previous {
            return Some(next);
        }
        previous = next;
    }
    None
}

fn fold(text: &str) -> Option<String> {
    let folded: String = text.nfkc().default_case_fold().nfkc().collect();
    let (local, domain) = folded.rsplit_once('@')?;
    let domain = idna::domain_to_ascii_strict(domain).ok()?;
    Some(format!("{local}@{domain}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical_of(text: &str) -> Option<String> {
        Email::parse(text).ok().map(|email| email.canonical)
    }

    #[test]
    fn an_address_keeps_its_typed_form_beside_the_canonical_one() {
        let email = Email::parse(" Jane.Doe+News@BÜCHER.example ").unwrap();
        assert_eq!(email.as_str(), "Jane.Doe+News@BÜCHER.example");
        assert_eq!(email.canonical(), "jane.doe+news@xn--bcher-kva.example");
    }

    #[test]
    fn full_width_and_sharp_s_fold_into_the_same_address() {
        assert_eq!(
            canonical_of("ＪＡＮＥ@example.com").as_deref(),
            Some("jane@example.com")
        );
        assert_eq!(
            canonical_of("straße@example.com"),
            canonical_of("STRASSE@example.com")
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(243));
        for bad in [
            "",
            "@",
            "jane",
            "jane@",
            "@example.com",
            "jane@example",
            "jane@@example.com",
            "jane doe@example.com",
            "jane@exa mple.com",
            "jane@example.com\0",
            "a\u{202e}b@example.com",
            "\"jane doe\"@example.com",
            "jane@[127.0.0.1]",
            "Jane <jane@example.com>",
            "jane@-example.com",
            "jane@example..com",
            "jane\n@example.com",
            "jane\u{200b}@example.com",
            &long,
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn an_address_may_have_254_characters() {
        let domain = |last: usize| {
            let labels = ["d".repeat(60), "e".repeat(60), "f".repeat(last)];
            format!("{}.example", labels.join("."))
        };
        let local = "a".repeat(64);
        let longest = format!("{local}@{}", domain(59));
        assert_eq!(longest.len(), 254);
        assert!(Email::parse(&longest).is_ok());
        assert!(Email::parse(&format!("{local}@{}", domain(60))).is_err());
        assert!(Email::parse(&format!("a{local}@example.com")).is_err());
    }

    proptest! {
        #[test]
        fn a_canonical_address_is_a_fixed_point(text in "[\\PC]{1,20}@[\\PC]{1,12}\\.[a-z]{2,6}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(canonical_of(email.canonical()), Some(email.canonical));
            }
        }

        #[test]
        fn all_case_and_compatibility_variants_are_one_address(
            local in "[a-zà-öø-ÿα-ρτ-ωа-яß0-9.+_-]{1,20}",
            domain in "[a-zäöü]{1,12}",
            wide in any::<bool>(),
        ) {
            let plain = format!("{local}@{domain}.example");
            let upper = plain.to_uppercase();
            let wide: String = if wide {
                upper.chars().map(full_width).collect()
            } else {
                upper.nfkd().collect()
            };
            if let Some(canonical) = canonical_of(&plain) {
                prop_assert_eq!(canonical_of(&upper), Some(canonical.clone()));
                prop_assert_eq!(canonical_of(&wide), Some(canonical));
            }
        }
    }

    fn full_width(c: char) -> char {
        match c {
            'A'..='Z' | '0'..='9' => char::from_u32(c as u32 + 0xfee0).unwrap_or(c),
            _ => c,
        }
    }
}

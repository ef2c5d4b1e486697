//! Passwords and their hashes. Neither shows its content when it is printed.

mod argon2id;
mod firebase;
mod hash;
mod new;
mod verify;

pub use hash::PasswordHash;
pub use new::{NewPassword, OldPassword};
pub use verify::{Verified, verify};

use std::borrow::Cow;
use std::collections::BTreeSet;

use precis_core::profile::Rules as _;
use precis_profiles::OpaqueString;
use secrecy::{ExposeSecret as _, SecretString};

use crate::identifier::folded;
use crate::{Code, Email, IdentityError, User, Username};

/// A new password, in the form in which the directory hashes it.
#[derive(Debug)]
pub struct Password(SecretString);

/// Whether a new password is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// At least 8 characters, not among the common ones, and none of the user's own names.
    Checked,
    /// Any that isn't empty: the caller asked to skip the checks.
    Skipped,
}

impl Password {
    const MIN_CHARACTERS: usize = 8;
    /// A limit, because hashing a longer one would cost a caller little and the service much.
    const MAX_CHARACTERS: usize = 128;

    /// Takes a new password of a user with these names.
    pub fn parse(text: &str, policy: Policy, names: &OwnNames) -> Result<Self, IdentityError> {
        let text = form(text);
        let characters = text.chars().count();
        let fewest = match policy {
            Policy::Checked => Self::MIN_CHARACTERS,
            Policy::Skipped => 1,
        };
        if characters < fewest {
            return Err(IdentityError::new(
                Code::PasswordTooShort,
                "The password needs at least 8 characters.",
            ));
        }
        if characters > Self::MAX_CHARACTERS {
            return Err(IdentityError::new(
                Code::PasswordTooLong,
                "The password may have at most 128 characters.",
            ));
        }
        if policy == Policy::Checked && is_common(&text) {
            return Err(IdentityError::new(
                Code::PasswordTooCommon,
                "The password is among those that attackers try first.",
            ));
        }
        if policy == Policy::Checked && names.0.contains(&folded(&text)) {
            return Err(IdentityError::new(
                Code::PasswordTooCommon,
                "The password must not be the username or an e-mail address of its account.",
            ));
        }
        Ok(Self(text.into_owned().into()))
    }

    /// Hashes the password as the directory hashes its own. Takes some tens of milliseconds on a
    /// full core.
    pub fn hash(&self, salt: [u8; 16]) -> PasswordHash {
        PasswordHash::of(self.0.expose_secret(), salt)
    }
}

/// The form in which passwords are hashed: what RFC 8265's profile `OpaqueString` maps a text to,
/// which is any space as U+0020, then NFC. A keyboard that sends decomposed letters types the same
/// password as one that doesn't.
///
/// The profile's check of characters is left out: its tables are of an older Unicode, and it would
/// refuse what newer keyboards type.
fn form(text: &str) -> Cow<'_, str> {
    let profile = OpaqueString::new();
    let spaced = profile.additional_mapping_rule(text);
    let composed = spaced.and_then(|text| profile.normalization_rule(text));
    composed.unwrap_or(Cow::Borrowed(text))
}

/// The names of a user that others may know. Guesses start with them.
#[derive(Debug)]
pub struct OwnNames(BTreeSet<String>);

impl OwnNames {
    /// The username, the addresses and their local parts, each as typed and in canonical form. They are
    /// compared without regard to case and width.
    pub fn new<'a>(
        username: Option<&Username>,
        emails: impl IntoIterator<Item = &'a Email>,
    ) -> Self {
        let usernames = username.map(|username| [username.as_str(), username.canonical()]);
        let addresses = emails
            .into_iter()
            .flat_map(|email| [email.as_str(), email.canonical()])
            .flat_map(|address| {
                let local = address.rsplit_once('@').map(|(local, _)| local);
                [Some(address), local].into_iter().flatten()
            });
        let names = usernames.into_iter().flatten().chain(addresses);
        Self(names.map(folded).collect())
    }

    /// The names of a user.
    pub fn of(user: &User) -> Self {
        Self::new(
            user.username().map(|username| &username.value),
            user.emails().values(),
        )
    }
}

/// The most used passwords of 8 characters and more, in lower case, sorted by bytes.
static COMMON: &str = include_str!("common_passwords.txt");

fn is_common(password: &str) -> bool {
    let password = password.to_lowercase();
    let (mut low, mut high) = (0, COMMON.len());
    while low < high {
        let middle = low.midpoint(high);
        let start = COMMON.as_bytes()[..middle]
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |newline| newline + 1);
        let line = COMMON[start..].lines().next().unwrap_or_default();
        match line.cmp(&password) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = start + line.len() + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nameless() -> OwnNames {
        OwnNames::new(None, [])
    }

    fn refusal(text: &str, policy: Policy) -> Option<Code> {
        let refused = Password::parse(text, policy, &nameless()).err();
        refused.map(|error| error.code)
    }

    #[test]
    fn a_password_s_form_has_plain_spaces_and_composed_letters_and_is_else_as_typed() {
        let spaces = "\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\
                      \u{2008}\u{2009}\u{200a}\u{202f}\u{205f}\u{3000}";
        assert_eq!(form(spaces), " ".repeat(16));
        assert_eq!(form("pa\u{308}sswo\u{308}rd"), "pässwörd");
        assert_eq!(form("\u{1112}\u{1161}\u{11ab}"), "한");
        // Case, width, compatibility, controls and newer characters stay.
        for text in [
            "",
            " Two  Spaces ",
            "Straße",
            "ﬁ Ⅳ ｆｕｌｌ ①",
            "a\0b\tc\u{180e}",
            "\u{1fae8}\u{1fadc}\u{1c89}",
            "\u{10ffff}\u{e000}",
        ] {
            assert_eq!(form(text), text);
        }
    }

    #[test]
    fn a_password_s_length_counts_in_its_form() {
        let typed = |letters: usize| "e\u{301}".repeat(letters);
        assert_eq!(
            refusal(&typed(7), Policy::Checked),
            Some(Code::PasswordTooShort)
        );
        assert_eq!(refusal(&typed(8), Policy::Checked), None);
        assert_eq!(refusal(&typed(128), Policy::Checked), None);
        assert_eq!(
            refusal(&typed(129), Policy::Checked),
            Some(Code::PasswordTooLong)
        );
        assert_eq!(
            refusal("Password1\u{301}23", Policy::Checked),
            None,
            "it is none of the common ones"
        );
    }

    #[test]
    fn a_user_s_own_name_and_address_are_no_password() {
        let username = Username::parse("GraceHopper").unwrap();
        let emails = [
            "Admiral.Grace@Bücher.example",
            "straßenbau@example.org",
            "ada@example.org",
        ]
        .map(|text| Email::parse(text).unwrap());
        let names = OwnNames::new(Some(&username), &emails);
        let parse = |text: &str, policy| {
            let refused = Password::parse(text, policy, &names).err();
            refused.map(|error| error.code)
        };
        for own in [
            "GraceHopper",
            "gracehopper",
            "GRACEHOPPER",
            "ｇｒａｃｅｈｏｐｐｅｒ",
            "admiral.grace",
            "Admiral.Grace@Bücher.example",
            "ADMIRAL.GRACE@BU\u{308}CHER.EXAMPLE",
            "admiral.grace@xn--bcher-kva.example",
            "Straßenbau",
            "STRASSENBAU",
            "ada@example.org",
        ] {
            let refused = parse(own, Policy::Checked);
            assert_eq!(refused, Some(Code::PasswordTooCommon), "{own}");
            assert_eq!(parse(own, Policy::Skipped), None, "{own}");
        }
        for other in ["gracehopper1", "grace.admiral", "bücher.example"] {
            assert_eq!(parse(other, Policy::Checked), None, "{other}");
        }
        assert_eq!(
            parse("ada", Policy::Checked),
            Some(Code::PasswordTooShort),
            "what is wrong first is told"
        );
    }

    #[test]
    fn a_user_s_names_are_those_of_the_profile() {
        let user = crate::sample::person().user;
        let names = OwnNames::of(&user);
        for email in user.emails().values() {
            assert!(names.0.contains(email.canonical()));
        }
        assert!(names.0.contains("ada"));
    }

    #[test]
    fn a_password_has_8_to_128_characters_and_is_not_a_common_one() {
        assert_eq!(
            refusal("short", Policy::Checked),
            Some(Code::PasswordTooShort)
        );
        assert_eq!(
            refusal(&"é".repeat(129), Policy::Checked),
            Some(Code::PasswordTooLong)
        );
        assert_eq!(
            refusal("Password1", Policy::Checked),
            Some(Code::PasswordTooCommon)
        );
        assert_eq!(refusal("correct horse battery", Policy::Checked), None);
        assert_eq!(refusal("password1", Policy::Skipped), None);
        assert_eq!(refusal("", Policy::Skipped), Some(Code::PasswordTooShort));
        assert_eq!(
            refusal(&"é".repeat(129), Policy::Skipped),
            Some(Code::PasswordTooLong)
        );
    }

    #[test]
    fn every_line_of_the_common_list_is_found() {
        assert!(COMMON.lines().is_sorted());
        for line in COMMON.lines() {
            assert!(is_common(line), "{line}");
        }
        assert!(!is_common(""));
        assert!(!is_common("zzzzzzzzzzzzzzzzzzzzz"));
        assert!(!is_common("\u{10ffff}"));
    }

    #[test]
    fn a_password_is_hashed_with_argon2id_and_does_not_print() {
        let password = Password::parse("correct horse battery", Policy::Checked, &nameless());
        let password = password.unwrap();
        let hash = password.hash([1; 16]);
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(PasswordHash::parse(hash.expose(), Some("argon2id")).is_ok());
        let printed = format!("{password:?}{hash:?}");
        assert!(
            !printed.contains("horse") && !printed.contains("argon2id"),
            "{printed}"
        );
    }
}

//! Passwords and their hashes. Neither prints itself.

mod argon2id;
mod hash;
mod verify;

pub use hash::PasswordHash;
pub use verify::{Verified, verify};

use secrecy::SecretString;

use crate::{Code, IdentityError};

/// A password that the directory will keep a hash of.
#[derive(Debug)]
pub struct Password(SecretString);

/// Whether a new password must be a good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// At least 8 characters, and not among the common ones.
    Checked,
    /// Any that isn't empty: the caller asked to skip the checks.
    Skipped,
}

impl Password {
    const FEWEST_CHARACTERS: usize = 8;
    /// A longer one would let a caller buy hashing time.
    const MOST_CHARACTERS: usize = 128;

    /// Takes a new password.
    pub fn parse(text: &str, policy: Policy) -> Result<Self, IdentityError> {
        let characters = text.chars().count();
        let fewest = match policy {
            Policy::Checked => Self::FEWEST_CHARACTERS,
            Policy::Skipped => 1,
        };
        if characters < fewest {
            return Err(IdentityError::new(
                Code::PasswordTooShort,
                "The password needs at least 8 characters.",
            ));
        }
        if characters > Self::MOST_CHARACTERS {
            return Err(IdentityError::new(
                Code::PasswordTooLong,
                "The password may have at most 128 characters.",
            ));
        }
        if policy == Policy::Checked && is_common(text) {
            return Err(IdentityError::new(
                Code::PasswordTooCommon,
                "The password is among those that attackers try first.",
            ));
        }
        Ok(Self(text.into()))
    }

    /// Hashes the password as the directory hashes its own. Takes some tens of milliseconds on a
    /// full core.
    pub fn hash(&self, salt: [u8; 16]) -> PasswordHash {
        PasswordHash::of(&self.0, salt)
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

    fn refusal(text: &str, policy: Policy) -> Option<Code> {
        Password::parse(text, policy).err().map(|error| error.code)
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
        let password = Password::parse("correct horse battery", Policy::Checked).unwrap();
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

//! Passwords and their hashes. Neither prints itself.

use argon2::{Algorithm, Argon2, Params, Version};
use password_hash::{PasswordHasher as _, phc};
use secrecy::{ExposeSecret as _, SecretString};

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

    /// Hashes the password with argon2id, m=19456 KiB, t=2, p=1 (users-api.md, section 4; OWASP's
    /// first choice). Takes some tens of milliseconds on a full core.
    pub fn hash(&self, salt: [u8; 16]) -> PasswordHash {
        const MEMORY_KIB: u32 = 19_456;
        let params = Params::new(MEMORY_KIB, 2, 1, None).expect("constant parameters are valid");
        let hash: phc::PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_with_salt(self.0.expose_secret().as_bytes(), &salt)
            .expect("a bounded password and a 16-byte salt can be hashed");
        PasswordHash::restore(hash.to_string())
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

/// A password's hash: bcrypt's form, or a PHC string.
#[derive(Clone, Debug)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// Takes a hash that was made elsewhere. `algorithm`, when given, must be the one that the
    /// hash names. Parameters that would make a sign-in dear are refused (users-api.md,
    /// section 4).
    pub fn parse(text: &str, algorithm: Option<&str>) -> Result<Self, IdentityError> {
        let named = if text.starts_with("$2") {
            bcrypt(text)
        } else {
            phc_string(text)
        };
        match named {
            Some(name) if algorithm.is_none_or(|a| is_named(a, &name)) => {
                Ok(Self::restore(text.to_owned()))
            }
            _ => Err(IdentityError::new(
                Code::PasswordHashInvalid,
                "The password hash is not valid: it must be bcrypt with a cost of 4 to 14, or a \
                 PHC string of argon2id, scrypt or pbkdf2 with bounded parameters, and match its \
                 algorithm.",
            )),
        }
    }

    /// A hash that comes back from the table.
    pub fn restore(text: String) -> Self {
        Self(text.into())
    }

    /// The hash itself, for the table only.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for PasswordHash {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for PasswordHash {}

fn is_named(algorithm: &str, name: &str) -> bool {
    algorithm.eq_ignore_ascii_case(name)
        || (algorithm.eq_ignore_ascii_case("pbkdf2") && name.starts_with("pbkdf2"))
}

/// `$2b$12$` and 53 characters: the salt and the hash in bcrypt's own base64.
fn bcrypt(text: &str) -> Option<String> {
    let mut parts = text.split('$').skip(1);
    let (version, cost, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let cost_is_bounded = cost.len() == 2
        && cost.bytes().all(|b| b.is_ascii_digit())
        && cost
            .parse::<u8>()
            .is_ok_and(|cost| (4..=14).contains(&cost));
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/');
    let well_formed = matches!(version, "2a" | "2b" | "2y")
        && cost_is_bounded
        && rest.len() == 53
        && rest.bytes().all(is_base64)
        && parts.next().is_none();
    well_formed.then(|| "bcrypt".to_owned())
}

fn phc_string(text: &str) -> Option<String> {
    const MOST_MEMORY: u64 = 64 * 1024 * 1024;
    let hash = phc::PasswordHash::new(text).ok()?;
    let decimal = |name: &str| hash.params.get_decimal(name).map(u64::from);
    // Each at most once: of a repeated one the verifier may read another than this check.
    let only = |names: &[&str]| {
        let mut given: Vec<String> = hash
            .params
            .iter()
            .map(|(name, _)| name.to_string())
            .collect();
        let count = given.len();
        given.sort();
        given.dedup();
        given.len() == count && given.iter().all(|name| names.contains(&name.as_str()))
    };
    let output_length = hash.hash.as_ref()?.as_bytes().len() as u64;
    let name = hash.algorithm.as_str();
    let bounded = match name {
        "argon2id" => {
            let (m, t, p) = (decimal("m")?, decimal("t")?, decimal("p")?);
            only(&["m", "t", "p"])
                && hash
                    .version
                    .is_none_or(|version| matches!(version, 0x10 | 0x13))
                && (8 * p..=MOST_MEMORY / 1024).contains(&m)
                && (1..=10).contains(&t)
                && (1..=4).contains(&p)
        }
        "scrypt" => {
            let (ln, r, p) = (decimal("ln")?, decimal("r")?, decimal("p")?);
            only(&["ln", "r", "p"])
                && (1..=24).contains(&ln)
                && (1..=4).contains(&p)
                && r >= 1
                && r.checked_mul(128 << ln)
                    .is_some_and(|bytes| bytes <= MOST_MEMORY)
        }
        "pbkdf2" | "pbkdf2-sha256" | "pbkdf2-sha512" => {
            only(&["i", "l"])
                && (1..=2_000_000).contains(&decimal("i")?)
                && decimal("l").is_none_or(|length| length == output_length)
        }
        _ => false,
    };
    (bounded && hash.salt.is_some()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT_AND_HASH: &str =
        "c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b+dWRWJTmaaJObGRdescudvJCs";

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

    #[test]
    fn hashes_with_bounded_parameters_are_taken() {
        let bcrypt = "$2b$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q";
        for (hash, algorithm) in [
            (bcrypt.to_owned(), Some("bcrypt")),
            (bcrypt.replace("$12$", "$04$"), None),
            (bcrypt.replace("$2b", "$2y").replace("$12$", "$14$"), None),
            (
                format!("$argon2id$v=19$m=65536,t=10,p=4${SALT_AND_HASH}"),
                Some("argon2id"),
            ),
            (
                format!("$scrypt$ln=16,r=8,p=1${SALT_AND_HASH}"),
                Some("scrypt"),
            ),
            (
                format!("$pbkdf2-sha256$i=2000000,l=32${SALT_AND_HASH}"),
                Some("pbkdf2"),
            ),
        ] {
            assert!(PasswordHash::parse(&hash, algorithm).is_ok(), "{hash}");
        }
    }

    #[test]
    fn hashes_that_would_make_a_sign_in_dear_are_refused() {
        let bcrypt = "$2b$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q";
        for (hash, algorithm) in [
            (String::new(), None),
            ("5f4dcc3b5aa765d61d8327deb882cf99".to_owned(), None),
            (bcrypt.to_owned(), Some("argon2id")),
            (bcrypt.replace("$12$", "$03$"), None),
            (bcrypt.replace("$12$", "$15$"), None),
            (bcrypt.replace("$12$", "$+9$"), None),
            (format!("{bcrypt}x"), None),
            (
                format!("$argon2id$v=19$m=65537,t=2,p=1${SALT_AND_HASH}"),
                None,
            ),
            (
                format!("$argon2id$v=19$m=65536,t=11,p=1${SALT_AND_HASH}"),
                None,
            ),
            (
                format!("$argon2id$v=19$m=65536,t=2,p=5${SALT_AND_HASH}"),
                None,
            ),
            (format!("$argon2id$v=19$m=7,t=2,p=1${SALT_AND_HASH}"), None),
            ("$argon2id$v=19$m=65536,t=2,p=1".to_owned(), None),
            (
                format!("$argon2i$v=19$m=65536,t=2,p=1${SALT_AND_HASH}"),
                None,
            ),
            (format!("$scrypt$ln=17,r=8,p=1${SALT_AND_HASH}"), None),
            (format!("$scrypt$ln=63,r=8,p=1${SALT_AND_HASH}"), None),
            (format!("$pbkdf2$i=2000001${SALT_AND_HASH}"), None),
            (format!("$pbkdf2$i=1000,i=5000000${SALT_AND_HASH}"), None),
            (format!("$pbkdf2$i=1000,l=4294967295${SALT_AND_HASH}"), None),
            (
                format!("$argon2id$v=19$m=65536,t=2,p=1,m=4000000${SALT_AND_HASH}"),
                None,
            ),
        ] {
            let refused = PasswordHash::parse(&hash, algorithm).map_err(|error| error.code);
            assert_eq!(refused, Err(Code::PasswordHashInvalid), "{hash}");
        }
    }
}

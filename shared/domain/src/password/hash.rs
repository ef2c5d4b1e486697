//! Hashes: which ones the directory takes, and how each was made.

use argon2::Version;
use password_hash::phc::{self, Output, Salt};
use secrecy::{ExposeSecret as _, SecretString};

use super::argon2id;
use super::firebase::Firebase;
use crate::{Code, IdentityError};

/// A password's hash: bcrypt's form, or a PHC string.
#[derive(Clone, Debug)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// Takes a hash that was made elsewhere. `algorithm`, when given, must be the one that the hash
    /// names. Parameters that would make a sign-in expensive are refused (users-api.md, section 4), and
    /// so are hashes against which no password can be verified.
    pub fn parse(text: &str, algorithm: Option<&str>) -> Result<Self, IdentityError> {
        match Form::parse(text) {
            Some(form) if form.is_taken_everywhere() && form.fits(algorithm) => {
                Ok(Self::restore(text.to_owned()))
            }
            _ => Err(IdentityError::new(
                Code::PasswordHashInvalid,
                "The password hash is not valid: it must be bcrypt with a cost of 4 to 14, or a \
                 PHC string of argon2id, scrypt, pbkdf2-sha256 or pbkdf2-sha512 with bounded \
                 parameters, and match its algorithm.",
            )),
        }
    }

    /// As [`PasswordHash::parse`], for an import, which also takes hashes that are weaker than those that
    /// the directory wants: PBKDF2 with SHA-1, and Firebase's scrypt. And it takes passlib's form of
    /// PBKDF2, and keeps it as a PHC string.
    pub fn parse_imported(text: &str, algorithm: Option<&str>) -> Result<Self, IdentityError> {
        let of_passlib = of_passlib(text);
        let text = of_passlib.as_deref().unwrap_or(text);
        match Form::parse(text) {
            Some(form) if form.fits(algorithm) => Ok(Self::restore(text.to_owned())),
            _ => Err(IdentityError::new(
                Code::PasswordHashInvalid,
                "The password hash is not valid: it must be bcrypt with a cost of 4 to 14, a PHC \
                 string of argon2id, scrypt or pbkdf2, passlib's form of pbkdf2 or Firebase's scrypt, \
                 each with bounded parameters, and match its algorithm.",
            )),
        }
    }

    /// Hashes a password anew in the directory's own form, after [`verify`](super::verify) has found it
    /// right. No policy is checked: its owner goes on using it, even if it is short, common or long.
    pub fn of_verified(typed: &SecretString, salt: [u8; 16]) -> Self {
        Self::of(&super::form(typed.expose_secret()), salt)
    }

    /// The hash of a password in its form.
    pub(super) fn of(form: &str, salt: [u8; argon2id::SALT_LENGTH]) -> Self {
        let hash = argon2id::run_own(form.as_bytes(), &salt);
        Self::restore(hash.to_string())
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

/// A hash that was read: all that verifying a password against it needs.
pub(super) enum Form<'a> {
    /// Exactly the form that the directory makes itself.
    Own {
        salt: [u8; argon2id::SALT_LENGTH],
        output: Output,
    },
    /// bcrypt's form, which its verifier takes as text.
    Bcrypt(&'a str),
    /// Firebase's scrypt.
    Firebase(Firebase),
    /// A PHC string that was made elsewhere, or with other parameters.
    Phc {
        function: Function,
        salt: Salt,
        output: Output,
    },
}

impl<'a> Form<'a> {
    /// Reads a hash that [`PasswordHash::parse`] or [`PasswordHash::parse_imported`] may take.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.starts_with(Firebase::START) {
            return Firebase::parse(text).map(Self::Firebase);
        }
        if text.starts_with("$2") {
            return is_bcrypt(text).then_some(Self::Bcrypt(text));
        }
        let hash = phc::PasswordHash::new(text).ok()?;
        let (function, output) = (Function::of(&hash)?, hash.hash?);
        Some(match argon2id::own_salt(&hash) {
            Some(salt) => Self::Own { salt, output },
            None => Self::Phc {
                function,
                salt: hash.salt?,
                output,
            },
        })
    }

    /// Whether every call that takes a hash takes this one.
    fn is_taken_everywhere(&self) -> bool {
        match self {
            Self::Own { .. } | Self::Bcrypt(_) => true,
            Self::Firebase(_) => false,
            Self::Phc { function, .. } => !matches!(function, Function::Pbkdf2Sha1 { .. }),
        }
    }

    /// Whether the algorithm's name, if one is given, is that of this hash.
    fn fits(&self, algorithm: Option<&str>) -> bool {
        algorithm.is_none_or(|algorithm| self.is_named(algorithm))
    }

    fn is_named(&self, algorithm: &str) -> bool {
        let names: &[&str] = match self {
            Self::Bcrypt(_) => &["bcrypt", "b_crypt"],
            Self::Own { .. } => &["argon2id"],
            Self::Firebase(_) => &["fbscrypt", "firebase-scrypt"],
            Self::Phc { function, .. } => match function {
                Function::Argon2id(..) => &["argon2id"],
                Function::Scrypt(_) => &["scrypt"],
                Function::Pbkdf2Sha1 { .. } => &["pbkdf2", "pbkdf2-sha1"],
                Function::Pbkdf2Sha256 { .. } => &["pbkdf2", "pbkdf2-sha256"],
                Function::Pbkdf2Sha512 { .. } => &["pbkdf2", "pbkdf2-sha512"],
            },
        };
        names
            .iter()
            .any(|name| algorithm.eq_ignore_ascii_case(name))
    }
}

/// `$2b$12$` and 53 characters: the salt and the hash in bcrypt's own base64. `2x` is a faulty
/// bcrypt's mark.
fn is_bcrypt(text: &str) -> bool {
    let mut parts = text.split('$').skip(1);
    let version = parts.next().unwrap_or_default();
    let cost = parts.next().unwrap_or_default();
    matches!(version, "2a" | "2b" | "2y")
        && cost.bytes().all(|b| b.is_ascii_digit())
        && cost
            .parse::<u8>()
            .is_ok_and(|cost| (4..=14).contains(&cost))
        && text.parse::<bcrypt::HashParts>().is_ok()
}

/// The PHC string of passlib's `$pbkdf2$rounds$salt$hash`, `$pbkdf2-sha256$…` or `$pbkdf2-sha512$…`. Its
/// base64 has a dot in place of the plus sign.
fn of_passlib(text: &str) -> Option<String> {
    let mut parts = text.strip_prefix('$')?.split('$');
    let (name, rounds) = (parts.next()?, parts.next()?);
    let (salt, hash) = (parts.next()?, parts.next()?);
    let is_passlib = name.starts_with("pbkdf2")
        && rounds.bytes().all(|b| b.is_ascii_digit())
        && parts.next().is_none();
    let (salt, hash) = (salt.replace('.', "+"), hash.replace('.', "+"));
    is_passlib.then(|| format!("${name}$i={rounds}${salt}${hash}"))
}

/// A PHC string's function and its parameters.
pub(super) enum Function {
    Argon2id(Version, argon2::Params),
    Scrypt(scrypt::Params),
    Pbkdf2Sha1 { rounds: u32 },
    Pbkdf2Sha256 { rounds: u32 },
    Pbkdf2Sha512 { rounds: u32 },
}

impl Function {
    const MAX_MEMORY: u64 = 64 * 1024 * 1024;

    /// Reads it from a PHC string. Parameters that could make a sign-in expensive are refused. Plain
    /// `pbkdf2` means SHA-1.
    fn of(hash: &phc::PasswordHash) -> Option<Self> {
        let decimal = |name: &str| hash.params.get_decimal(name);
        // Each parameter at most once: of two, it is not known which one was meant.
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
        let output_length = hash.hash.as_ref()?.len();
        let is_unversioned = hash.version.is_none();
        match hash.algorithm.as_str() {
            "argon2id" => {
                let (m, t, p) = (decimal("m")?, decimal("t")?, decimal("p")?);
                let is_bounded = only(&["m", "t", "p"])
                    && u64::from(m) <= Self::MAX_MEMORY / 1024
                    && t <= 10
                    && p <= 4;
                // The version was added to the format with argon2's second version: a string without
                // one is of the first.
                let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from);
                let params = argon2::Params::new(m, t, p, Some(output_length));
                is_bounded.then_some(Self::Argon2id(version.ok()?, params.ok()?))
            }
            "scrypt" => {
                let (ln, r, p) = (decimal("ln")?, decimal("r")?, decimal("p")?);
                let is_bounded = is_unversioned
                    && only(&["ln", "r", "p"])
                    && (1..=24).contains(&ln)
                    && p <= 4
                    && u64::from(r)
                        .checked_mul(128 << ln)
                        .is_some_and(|bytes| bytes <= Self::MAX_MEMORY);
                let params = || scrypt::Params::new(u8::try_from(ln).ok()?, r, p).ok();
                is_bounded.then(params)?.map(Self::Scrypt)
            }
            name @ ("pbkdf2" | "pbkdf2-sha1" | "pbkdf2-sha256" | "pbkdf2-sha512") => {
                let rounds = decimal("i")?;
                let length_is_told = hash.params.get("l").is_none()
                    || decimal("l").and_then(|length| usize::try_from(length).ok())
                        == Some(output_length);
                let is_bounded = is_unversioned
                    && only(&["i", "l"])
                    && (1..=2_000_000).contains(&rounds)
                    && length_is_told;
                is_bounded.then_some(match name {
                    "pbkdf2-sha256" => Self::Pbkdf2Sha256 { rounds },
                    "pbkdf2-sha512" => Self::Pbkdf2Sha512 { rounds },
                    _ => Self::Pbkdf2Sha1 { rounds },
                })
            }
            _ => None,
        }
    }

    /// Whether the function can tell passwords with a NUL apart. Only argon2id can: the others fill the
    /// password up with NULs.
    pub(super) fn knows_nul(&self) -> bool {
        matches!(self, Self::Argon2id(..))
    }

    /// Runs it. `None` is a failure of the function itself.
    pub(super) fn run(&self, password: &[u8], salt: &[u8], output_length: usize) -> Option<Output> {
        let mut buffer = [0; Output::MAX_LENGTH];
        let output = buffer.get_mut(..output_length)?;
        match self {
            Self::Argon2id(version, params) => {
                return argon2id::run(*version, params.clone(), password, salt)?.hash;
            }
            Self::Scrypt(params) => scrypt::scrypt(password, salt, params, output).ok()?,
            Self::Pbkdf2Sha1 { rounds } => hashing::pbkdf2_sha1(password, salt, *rounds, output),
            Self::Pbkdf2Sha256 { rounds } => {
                hashing::pbkdf2_sha256(password, salt, *rounds, output);
            }
            Self::Pbkdf2Sha512 { rounds } => {
                hashing::pbkdf2_sha512(password, salt, *rounds, output);
            }
        }
        Output::new(output).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BCRYPT: &str = "$2b$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q";
    const SALT_AND_HASH: &str =
        "c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b+dWRWJTmaaJObGRdescudvJCs";

    fn assert_refused(text: &str, algorithm: Option<&str>) {
        let refused = PasswordHash::parse(text, algorithm).map_err(|error| error.code);
        assert_eq!(refused, Err(Code::PasswordHashInvalid), "{text}");
    }

    #[test]
    fn hashes_with_bounded_parameters_are_taken() {
        for (hash, algorithm) in [
            (BCRYPT.to_owned(), Some("bcrypt")),
            (BCRYPT.to_owned(), Some("b_crypt")),
            (BCRYPT.replace("$12$", "$04$"), None),
            (BCRYPT.replace("$2b", "$2y").replace("$12$", "$14$"), None),
            (
                format!("$argon2id$v=19$m=65536,t=10,p=4${SALT_AND_HASH}"),
                Some("argon2id"),
            ),
            (
                format!("$argon2id$v=19$m=19456,t=2,p=1${SALT_AND_HASH}"),
                Some("Argon2id"),
            ),
            (
                format!("$scrypt$ln=16,r=8,p=1${SALT_AND_HASH}"),
                Some("scrypt"),
            ),
            (
                format!("$pbkdf2-sha256$i=2000000,l=32${SALT_AND_HASH}"),
                Some("pbkdf2"),
            ),
            (
                format!("$pbkdf2-sha512$i=1${SALT_AND_HASH}"),
                Some("pbkdf2-sha512"),
            ),
        ] {
            assert!(PasswordHash::parse(&hash, algorithm).is_ok(), "{hash}");
        }
    }

    #[test]
    fn hashes_that_would_make_a_sign_in_dear_are_refused() {
        for costly in [
            BCRYPT.replace("$12$", "$15$"),
            format!("$argon2id$v=19$m=65537,t=2,p=1${SALT_AND_HASH}"),
            format!("$argon2id$v=19$m=65536,t=11,p=1${SALT_AND_HASH}"),
            format!("$argon2id$v=19$m=65536,t=2,p=5${SALT_AND_HASH}"),
            format!("$argon2id$v=19$m=65536,t=2,p=1,m=4000000${SALT_AND_HASH}"),
            format!("$scrypt$ln=17,r=8,p=1${SALT_AND_HASH}"),
            format!("$scrypt$ln=63,r=8,p=1${SALT_AND_HASH}"),
            format!("$scrypt$ln=1,r=4294967295,p=4294967295${SALT_AND_HASH}"),
            format!("$scrypt$ln=10,r=8,p=5${SALT_AND_HASH}"),
            format!("$pbkdf2-sha256$i=2000001${SALT_AND_HASH}"),
            format!("$pbkdf2-sha256$i=1000,i=5000000${SALT_AND_HASH}"),
            format!("$pbkdf2-sha256$i=1000,l=4294967295${SALT_AND_HASH}"),
        ] {
            assert_refused(&costly, None);
        }
    }

    #[test]
    fn a_hash_is_refused_under_another_algorithm_s_name() {
        assert_refused(BCRYPT, Some("argon2id"));
        let own = format!("$argon2id$v=19$m=19456,t=2,p=1${SALT_AND_HASH}");
        assert_refused(&own, Some("pbkdf2"));
        let sha256 = format!("$pbkdf2-sha256$i=1000${SALT_AND_HASH}");
        assert_refused(&sha256, Some("pbkdf2-sha512"));
    }

    #[test]
    fn hashes_that_no_password_could_be_verified_against_are_refused() {
        for useless in [
            String::new(),
            "5f4dcc3b5aa765d61d8327deb882cf99".to_owned(),
            BCRYPT.replace("$12$", "$03$"),
            BCRYPT.replace("$12$", "$+9$"),
            BCRYPT.replace("$2b", "$2x"),
            format!("{BCRYPT}x"),
            // Bits set past the end of the salt.
            BCRYPT.replace("Situ.", "Situ/"),
            "$argon2id$v=19$m=65536,t=2,p=1".to_owned(),
            format!("$argon2id$v=19$m=7,t=2,p=1${SALT_AND_HASH}"),
            format!("$argon2id$v=19$m=31,t=2,p=4${SALT_AND_HASH}"),
            format!("$argon2id$v=19$m=64,t=0,p=1${SALT_AND_HASH}"),
            format!("$argon2id$v=17$m=64,t=2,p=1${SALT_AND_HASH}"),
            format!("$argon2id$v=19$m=64,t=2,p=1,keyid=AAAA${SALT_AND_HASH}"),
            format!("$argon2id$v=19$m=64,t=2,p=1,data=AAAA${SALT_AND_HASH}"),
            format!("$argon2i$v=19$m=65536,t=2,p=1${SALT_AND_HASH}"),
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRz$AAAA".to_owned(),
            format!("$scrypt$v=1$ln=10,r=8,p=1${SALT_AND_HASH}"),
            format!("$scrypt$ln=10,r=0,p=1${SALT_AND_HASH}"),
            format!("$scrypt$ln=10,r=8,p=0${SALT_AND_HASH}"),
            format!("$pbkdf2-sha256$v=1$i=1000${SALT_AND_HASH}"),
            format!("$pbkdf2-sha256$i=0${SALT_AND_HASH}"),
            format!("$pbkdf2-sha256$i=1000,l=20${SALT_AND_HASH}"),
            format!("$pbkdf2-sha256$i=1000,l=x${SALT_AND_HASH}"),
        ] {
            assert_refused(&useless, None);
            let by_import = PasswordHash::parse_imported(&useless, None);
            assert!(by_import.is_err(), "{useless}");
        }
    }

    #[test]
    fn some_hashes_are_taken_by_an_import_alone() {
        const FIREBASE: &str = "$fbscrypt$v=1,n=4,r=8,p=1,ss=Bw==,sk=AAAAAAAAAAAAAAAAAAAAAA==$AAAA$\
                                AAAAAAAAAAAAAAAAAAAAAA==";
        let phc = |function: &str| format!("${function}${SALT_AND_HASH}");
        for (hash, kept, algorithm) in [
            (phc("pbkdf2$i=1000"), phc("pbkdf2$i=1000"), "pbkdf2"),
            (
                phc("pbkdf2-sha1$i=1"),
                phc("pbkdf2-sha1$i=1"),
                "PBKDF2-SHA1",
            ),
            (
                phc("pbkdf2$1000").replace('+', "."),
                phc("pbkdf2$i=1000"),
                "pbkdf2-sha1",
            ),
            (
                phc("pbkdf2-sha256$29000").replace('+', "."),
                phc("pbkdf2-sha256$i=29000"),
                "pbkdf2-sha256",
            ),
            (
                phc("pbkdf2-sha512$25000"),
                phc("pbkdf2-sha512$i=25000"),
                "pbkdf2",
            ),
            (FIREBASE.to_owned(), FIREBASE.to_owned(), "fbscrypt"),
        ] {
            assert_refused(&hash, None);
            let taken = PasswordHash::parse_imported(&hash, Some(algorithm)).unwrap();
            assert_eq!(taken.expose(), kept, "{hash}");
            let misnamed = PasswordHash::parse_imported(&hash, Some("bcrypt"));
            assert!(misnamed.is_err(), "{hash}");
        }
        let taken = PasswordHash::parse_imported(BCRYPT, Some("bcrypt")).unwrap();
        assert_eq!(taken.expose(), BCRYPT);
    }

    #[test]
    fn an_import_takes_no_hash_that_would_make_a_sign_in_dear() {
        for costly in [
            format!("$pbkdf2$i=2000001${SALT_AND_HASH}"),
            format!("$pbkdf2$2000001${SALT_AND_HASH}"),
            format!("$pbkdf2-sha256$4294967296${SALT_AND_HASH}"),
            BCRYPT.replace("$12$", "$15$"),
        ] {
            let refused = PasswordHash::parse_imported(&costly, None);
            let refused = refused.map_err(|error| error.code);
            assert_eq!(refused, Err(Code::PasswordHashInvalid), "{costly}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            text in r"\PC*|\$2[abxy]\$.{56}|\$[a-z0-9-]{1,9}(\$[a-z0-9=,+/.-]{0,40}){0,5}",
        ) {
            let _ = Form::parse(&text);
        }

        #[test]
        fn every_hash_that_is_taken_can_be_run(
            function in prop_oneof![
                (0..70_u32, 0..3_u32, 0..5_u32)
                    .prop_map(|(m, t, p)| format!("argon2id$m={m},t={t},p={p}")),
                (0..6_u32, 0..4_u32, 0..5_u32)
                    .prop_map(|(ln, r, p)| format!("scrypt$ln={ln},r={r},p={p}")),
                (prop_oneof!["1", "256", "512"], 0..5_u32)
                    .prop_map(|(digest, i)| format!("pbkdf2-sha{digest}$i={i}")),
            ],
            salt in prop::collection::vec(any::<u8>(), 8..=48),
            output in prop::collection::vec(any::<u8>(), 10..=64),
        ) {
            let (salt, output) = (Salt::new(&salt).unwrap(), Output::new(&output).unwrap());
            let text = format!("${function}${salt}${output}");
            if let Some(Form::Phc { function, salt, output }) = Form::parse(&text) {
                let length = function.run(b"password", &salt, output.len()).map(|run| run.len());
                prop_assert_eq!(length, Some(output.len()));
            }
        }
    }
}

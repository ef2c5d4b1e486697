//! Runs of argon2id, and the directory's own form of it: m=19456 KiB, t=2, p=1 (users-api.md,
//! section 4; OWASP's first choice).

use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use password_hash::PasswordHasher as _;
use password_hash::phc::{self, ParamsString};

/// Bytes of salt in a hash of the directory's own form.
pub(super) const SALT_LENGTH: usize = 16;
const OUTPUT_LENGTH: usize = 32;

fn own_params() -> Params {
    Params::new(19_456, 2, 1, Some(OUTPUT_LENGTH)).expect("constant parameters are valid")
}

/// Hashes with the directory's own parameters.
pub(super) fn run_own(password: &[u8], salt: &[u8; SALT_LENGTH]) -> phc::PasswordHash {
    run(Version::V0x13, own_params(), password, salt)
        .expect("a 16-byte salt and a password of less than 4 GiB can be hashed")
}

/// The salt of a hash that is exactly what [`run_own`] makes.
pub(super) fn own_salt(hash: &phc::PasswordHash) -> Option<[u8; SALT_LENGTH]> {
    let is_own = hash.algorithm == ARGON2ID_IDENT
        && hash.version == Some(Version::V0x13.into())
        && ParamsString::try_from(own_params()).is_ok_and(|own| hash.params == own)
        && hash.hash.as_ref()?.len() == OUTPUT_LENGTH;
    let salt = hash.salt.as_deref()?.try_into().ok()?;
    is_own.then_some(salt)
}

/// Hashes with any version and parameters.
pub(super) fn run(
    version: Version,
    params: Params,
    password: &[u8],
    salt: &[u8],
) -> Option<phc::PasswordHash> {
    #[cfg(test)]
    RUNS.with_borrow_mut(|runs| runs.push([params.m_cost(), params.t_cost(), params.p_cost()]));
    Argon2::new(Algorithm::Argon2id, version, params)
        .hash_password_with_salt(password, salt)
        .ok()
}

#[cfg(test)]
thread_local! {
    /// The `m`, `t` and `p` of each run, for the tests that count runs.
    pub(super) static RUNS: std::cell::RefCell<Vec<[u32; 3]>> = const {
        std::cell::RefCell::new(Vec::new())
    };
}

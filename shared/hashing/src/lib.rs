//! Password hash functions that come as generic code.
//!
//! **Invariant:** a crate that uses generic code compiles it. This crate is optimised in every profile,
//! so hashing is fast in all builds, and the crates that are edited often stay quick to build.

use hmac::Hmac;
use pbkdf2::pbkdf2;
use sha2::{Sha256, Sha512};

/// PBKDF2 with HMAC-SHA-256; fills `output`.
pub fn pbkdf2_sha256(password: &[u8], salt: &[u8], rounds: u32, output: &mut [u8]) {
    pbkdf2::<Hmac<Sha256>>(password, salt, rounds, output).expect("HMAC takes a key of any length");
}

/// PBKDF2 with HMAC-SHA-512; fills `output`.
pub fn pbkdf2_sha512(password: &[u8], salt: &[u8], rounds: u32, output: &mut [u8]) {
    pbkdf2::<Hmac<Sha512>>(password, salt, rounds, output).expect("HMAC takes a key of any length");
}

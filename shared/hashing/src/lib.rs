//! Password hash functions that come as generic code.
//!
//! **Invariant:** a crate that uses generic code compiles it. This crate is optimised in every profile,
//! so hashing is fast in all builds, and the crates that are edited often stay quick to build.

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use hmac::Hmac;
use pbkdf2::pbkdf2;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

/// PBKDF2 with HMAC-SHA-1; fills `output`.
pub fn pbkdf2_sha1(password: &[u8], salt: &[u8], rounds: u32, output: &mut [u8]) {
    pbkdf2::<Hmac<Sha1>>(password, salt, rounds, output).expect("HMAC takes a key of any length");
}

/// PBKDF2 with HMAC-SHA-256; fills `output`.
pub fn pbkdf2_sha256(password: &[u8], salt: &[u8], rounds: u32, output: &mut [u8]) {
    pbkdf2::<Hmac<Sha256>>(password, salt, rounds, output).expect("HMAC takes a key of any length");
}

/// PBKDF2 with HMAC-SHA-512; fills `output`.
pub fn pbkdf2_sha512(password: &[u8], salt: &[u8], rounds: u32, output: &mut [u8]) {
    pbkdf2::<Hmac<Sha512>>(password, salt, rounds, output).expect("HMAC takes a key of any length");
}

/// AES-256 in counter mode, from counter zero: encrypts `data` in its place.
pub fn aes_256_ctr(key: &[u8; 32], data: &mut [u8]) {
    Ctr128BE::<Aes256>::new(key.into(), &[0; 16].into()).apply_keystream(data);
}

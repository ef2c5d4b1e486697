//! Password hashes, in a form that Roster takes.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::NotCarried;

const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);
const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);

/// A hash that names its own kind, if Roster takes that kind. Whether its parameters are bounded, the service
/// finds out.
pub(super) fn known(hash: String) -> Result<String, NotCarried> {
    const KINDS: [&str; 6] = [
        "$2a$",
        "$2b$",
        "$2y$",
        "$argon2id$",
        "$scrypt$",
        "$fbscrypt$",
    ];
    if KINDS.iter().any(|kind| hash.starts_with(kind)) {
        Ok(hash)
    } else {
        Err(NotCarried::UnusableHash)
    }
}

/// A PHC string.
pub(super) fn phc(
    function: &str,
    parameters: &str,
    salt: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
) -> Result<String, NotCarried> {
    let (Some(salt), Some(hash)) = (salt, hash) else {
        return Err(NotCarried::UnusableHash);
    };
    let [salt, hash] = [salt, hash].map(|bytes| STANDARD_NO_PAD.encode(bytes));
    Ok(format!("${function}${parameters}${salt}${hash}"))
}

/// Firebase's scrypt, as Roster spells it. All but the numbers is in base64.
pub(super) struct Firebase<'a> {
    pub(super) signer_key: &'a str,
    pub(super) salt_separator: &'a str,
    pub(super) rounds: &'a str,
    pub(super) memory_cost: &'a str,
    pub(super) salt: &'a str,
    pub(super) hash: &'a str,
}

impl Firebase<'_> {
    pub(super) fn spelled(&self) -> Result<String, NotCarried> {
        let plain = |text: &str| base64(text).map(|bytes| PLAIN.encode(bytes));
        let spelled = || {
            let [key, separator] = [self.signer_key, self.salt_separator].map(plain);
            let [salt, hash] = [self.salt, self.hash].map(plain);
            Some(format!(
                "$fbscrypt$v=1,n={},r={},p=1,ss={},sk={}${}${}",
                self.memory_cost, self.rounds, separator?, key?, salt?, hash?
            ))
        };
        spelled().ok_or(NotCarried::UnusableHash)
    }
}

/// Reads base64 of either alphabet, with its padding or without it.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    PLAIN.decode(text).or_else(|_| URL.decode(text)).ok()
}

/// Reads hexadecimal digits.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let bytes = digits.map(|pair| {
        let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    bytes.collect()
}

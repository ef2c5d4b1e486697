//! A person's own devices: browsers that signed in as this user (email-self-service.md, "Sign-in
//! limits").

use std::fmt;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

use crate::Timestamp;
use crate::mac::sha256;

/// How long a device is remembered after the last sign-in from it.
pub const DEVICE_LIFETIME: Duration = Duration::from_hours(180 * 24);

/// The id that one browser keeps: 256 random bits.
#[derive(Debug)]
pub struct DeviceId(SecretBox<[u8; 32]>);

impl DeviceId {
    /// A new id.
    pub fn new(random: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(random)))
    }

    /// Takes a cookie's value.
    pub fn parse(text: &str) -> Option<Self> {
        let id: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(Self::new(id))
    }

    /// The cookie's value.
    pub fn cookie(&self) -> SecretString {
        URL_SAFE_NO_PAD.encode(self.0.expose_secret()).into()
    }

    /// The hash that is stored in place of the id.
    pub fn hash(&self) -> DeviceHash {
        DeviceHash(sha256(self.0.expose_secret()))
    }
}

/// The SHA-256 of a device's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceHash(String);

impl DeviceHash {
    /// A hash that belongs to no id and is as long as any other. It is read where a request names no
    /// device, so that the read is the same.
    pub fn of_none() -> Self {
        Self(sha256(b""))
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A device to be remembered, under the user's session epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The hash of its id, which names it.
    pub hash: DeviceHash,
    /// Until when it is remembered.
    pub expires_at: Timestamp,
}

impl Device {
    /// The device of a browser that signs in at `now`.
    pub fn seen(id: &DeviceId, now: Timestamp) -> Self {
        Self {
            hash: id.hash(),
            expires_at: now.plus(DEVICE_LIFETIME),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_comes_back_from_its_cookie_and_nothing_else_is_one() {
        let id = DeviceId::new([7; 32]);
        let cookie = id.cookie();
        let cookie = cookie.expose_secret();
        assert_eq!(DeviceId::parse(cookie).unwrap().hash(), id.hash());
        assert_ne!(DeviceId::new([8; 32]).hash(), id.hash());
        assert!(!format!("{id:?}").contains("7, 7"));
        let longer = format!("{cookie}A");
        for bad in ["", "x", &cookie[1..], &longer, "+cookie"] {
            assert!(DeviceId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn without_a_device_a_hash_of_the_same_length_is_read() {
        let none = DeviceHash::of_none();
        assert_eq!(
            none.as_str().len(),
            DeviceId::new([7; 32]).hash().as_str().len()
        );
    }
}

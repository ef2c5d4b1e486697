//! The cookie of a person's own device (email-self-service.md, "Sign-in limits").

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use domain::device::{DEVICE_LIFETIME, DeviceId};
use secrecy::{ExposeSecret as _, SecretString};

use crate::Request;

/// The prefix binds the cookie to this host, so that a sibling domain can't set one.
const DEVICE: &str = "__Host-device";

impl Request {
    /// The device that the request's cookie names.
    pub fn device(&self) -> Option<DeviceId> {
        self.cookies(DEVICE).find_map(DeviceId::parse)
    }
}

/// The cookie of a device that is the user's own.
pub fn device_cookie(id: &DeviceId) -> SecretString {
    let value = id.cookie();
    Cookie::build((DEVICE, value.expose_secret()))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(Duration::try_from(DEVICE_LIFETIME).unwrap_or(Duration::MAX))
        .to_string()
        .into()
}

//! Directories and providers outside Roster that a user can sign in with.

use serde::de::IntoDeserializer;
use serde::de::value::Error;
use serde::{Deserialize, Serialize};

use crate::JsonObject;

/// A provider that Roster's clients know. The list is closed: a value outside it breaks strict
/// clients (users-api.md, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the providers' own names")]
pub enum Authenticator {
    Google,
    Apple,
    Facebook,
    Microsoft,
    Github,
    Gitlab,
    Discord,
    Twitter,
    Linkedin,
    Xero,
}

impl Authenticator {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Google,
        Self::Apple,
        Self::Facebook,
        Self::Microsoft,
        Self::Github,
        Self::Gitlab,
        Self::Discord,
        Self::Twitter,
        Self::Linkedin,
        Self::Xero,
    ];
}

/// A name that is not on the closed list of providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be google, apple, facebook, microsoft, github, gitlab, discord, twitter, linkedin or xero"
)]
pub struct UnknownAuthenticator;

impl Authenticator {
    /// Takes a provider's name as a request has it.
    pub fn parse(text: &str) -> Result<Self, UnknownAuthenticator> {
        let name = IntoDeserializer::<Error>::into_deserializer(text);
        Self::deserialize(name).map_err(|_| UnknownAuthenticator)
    }
}

/// A directory that can sign a user in: this one, under the name that clients know, or a provider
/// outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Idp {
    /// The directory itself.
    Monocloud,
    /// A provider outside.
    #[serde(untagged)]
    External(Authenticator),
}

/// A directory that can sign this user in, and the user's name there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Which directory.
    pub idp: Idp,
    /// The user's id there.
    pub connection_id: String,
}

/// A user's account with a provider outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalProvider {
    /// Which provider.
    pub authenticator: Authenticator,
    /// The user's id there.
    pub provider_user_id: String,
    /// What the provider said about the user, kept as sent.
    pub claims: JsonObject,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_providers_is_closed() {
        assert_eq!(Authenticator::parse("xero"), Ok(Authenticator::Xero));
        let all = UnknownAuthenticator.to_string();
        let names = all["must be ".len()..].split([',', ' ']);
        let names = names.filter(|word| !matches!(*word, "" | "or"));
        assert!(names.clone().all(|name| Authenticator::parse(name).is_ok()));
        assert_eq!(names.count(), 10);
        for other in ["monocloud", "Google", "", "google "] {
            assert_eq!(Authenticator::parse(other), Err(UnknownAuthenticator));
        }
    }
}

//! Directories and providers outside Roster that a user can sign in with.

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

//! Why the directory refuses a change.

use std::fmt;

use serde::Serialize;

/// A rule error's code. The names are ASP.NET Core Identity's, which clients know
/// (users-api.md, "Errors").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Code {
    /// Another user has the username.
    DuplicateUserName,
    /// A user has the e-mail address.
    DuplicateEmail,
    /// A user has the phone number.
    DuplicatePhoneNumber,
    /// Not a username.
    InvalidUserName,
    /// Not an e-mail address.
    InvalidEmail,
    /// Not a phone number.
    InvalidPhoneNumber,
    /// The password has fewer than 8 characters.
    PasswordTooShort,
    /// The password has more than 128 characters.
    PasswordTooLong,
    /// The password is one that attackers try first.
    PasswordTooCommon,
    /// The address must be verified for this.
    EmailNotVerified,
    /// The address is the primary one and must not be changed so.
    PrimaryIdentifier,
    /// The user would be left without anything to sign in with.
    LastIdentifier,
    /// A user needs a username, an e-mail address or a phone number.
    IdentifierRequired,
    /// The user would outgrow the store's limit, or a limit of the contract.
    UserTooLarge,
    /// A password hash in a format or with parameters that Roster doesn't take.
    PasswordHashInvalid,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One broken rule: what clients branch on, and a sentence for the developer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdentityError {
    /// What clients branch on.
    pub code: Code,
    /// A sentence for a developer; it repeats nothing that the caller sent.
    pub description: &'static str,
}

impl IdentityError {
    /// A broken rule.
    pub const fn new(code: Code, description: &'static str) -> Self {
        Self { code, description }
    }
}

/// Why a well-formed request was not carried out. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The user has no such part.
    #[error("the user has no such {0}")]
    NotFound(&'static str),
    /// The link is none of ours, is too old, or what it does can't be done any more. No word
    /// about which.
    #[error("the link is not valid")]
    LinkNotValid,
    /// The link proves nothing, and its address is not proved yet.
    #[error("the address is not proved yet")]
    Unproved,
    /// The session that it rests on has been ended.
    #[error("the session has been ended")]
    SessionEnded,
    /// What was asked for, by the member that it is about.
    #[error("{0} {1}")]
    Member(&'static str, &'static str),
    /// Rules that the change would break.
    #[error("{}", .0.iter().map(|e| e.description).collect::<Vec<_>>().join(" "))]
    Rules(Vec<IdentityError>),
}

impl From<IdentityError> for Refusal {
    fn from(error: IdentityError) -> Self {
        Self::Rules(vec![error])
    }
}

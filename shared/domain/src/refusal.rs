//! Why the directory refuses a change.

use std::fmt;

use serde::Serialize;

use crate::Identifier;

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
    /// The password to be changed is another one.
    PasswordMismatch,
    /// The address must be verified for this.
    EmailNotVerified,
    /// The phone number must be verified for this.
    PhoneNotVerified,
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

impl Code {
    /// The member of a request that the error usually is about; `None` where it is about the user, or
    /// about what a path names.
    const fn field(self) -> Option<&'static str> {
        match self {
            Self::DuplicateUserName | Self::InvalidUserName => Some("username"),
            Self::DuplicateEmail | Self::InvalidEmail => Some("email"),
            Self::DuplicatePhoneNumber | Self::InvalidPhoneNumber => Some("phone_number"),
            Self::PasswordTooShort | Self::PasswordTooLong | Self::PasswordTooCommon => {
                Some("password")
            }
            Self::PasswordMismatch => Some("old_password"),
            Self::PasswordHashInvalid => Some("password_hash"),
            Self::EmailNotVerified
            | Self::PhoneNotVerified
            | Self::PrimaryIdentifier
            | Self::LastIdentifier
            | Self::IdentifierRequired
            | Self::UserTooLarge => None,
        }
    }
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
    /// The member of the request that it is about, if it is about one.
    pub field: Option<&'static str>,
}

impl IdentityError {
    /// A broken rule, about the member that belongs to the code.
    pub const fn new(code: Code, description: &'static str) -> Self {
        Self {
            code,
            description,
            field: code.field(),
        }
    }

    /// The same error, about another member.
    pub const fn about(self, field: &'static str) -> Self {
        Self {
            field: Some(field),
            ..self
        }
    }
}

/// What a request names, and the user may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The user.
    User,
    /// One of the user's e-mail addresses.
    Email,
    /// One of the user's phone numbers.
    Phone,
    /// The user's username.
    Username,
    /// The user's password.
    Password,
    /// One of the user's passkeys.
    Passkey,
    /// One of the user's accounts with providers outside.
    ExternalProvider,
    /// One of the user's sessions.
    Session,
    /// What an OAuth server was granted by the user.
    Grant,
    /// A group.
    Group,
    /// That the user is assigned to the group.
    Membership,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Email => "e-mail",
            Self::Phone => "phone number",
            Self::Username => "username",
            Self::Password => "password",
            Self::Passkey => "passkey",
            Self::ExternalProvider => "account with this provider",
            Self::Session => "session",
            Self::Grant => "grant",
            Self::Group => "group",
            Self::Membership => "user in this group",
        })
    }
}

/// Why a well-formed request was not carried out. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such part.
    #[error("there is no such {0}")]
    NotFound(Part),
    /// The link was not made here, is too old, or its effect is not possible any more. The answer
    /// doesn't say which.
    #[error("the link is not valid")]
    LinkNotValid,
    /// The link doesn't prove its address, and the address is not proved yet.
    #[error("the address is not proved yet")]
    Unproved,
    /// The session of the request has been ended.
    #[error("the session has been ended")]
    SessionEnded,
    /// The user has no password, which is what the call is about.
    #[error("the user has no password")]
    NoPassword,
    /// The member of the request that is refused, and why.
    #[error("{0} {1}")]
    Member(&'static str, &'static str),
    /// Rules that the change would break.
    #[error("{}", .0.iter().map(|e| e.description).collect::<Vec<_>>().join(" "))]
    Rules(Vec<IdentityError>),
}

impl Refusal {
    /// Other users have these identifiers.
    pub fn taken(identifiers: &[Identifier]) -> Self {
        let errors = identifiers.iter();
        Self::Rules(errors.map(|one| one.kind.duplicate()).collect())
    }
}

impl From<IdentityError> for Refusal {
    fn from(error: IdentityError) -> Self {
        Self::Rules(vec![error])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_member_that_it_is_about() {
        for (code, field) in [
            (Code::DuplicateUserName, Some("username")),
            (Code::InvalidEmail, Some("email")),
            (Code::DuplicatePhoneNumber, Some("phone_number")),
            (Code::PasswordTooCommon, Some("password")),
            (Code::PasswordHashInvalid, Some("password_hash")),
            (Code::LastIdentifier, None),
            (Code::UserTooLarge, None),
        ] {
            assert_eq!(IdentityError::new(code, "").field, field, "{code}");
        }
        let elsewhere = IdentityError::new(Code::PasswordTooShort, "").about("new_password");
        assert_eq!(elsewhere.field, Some("new_password"));
    }
}

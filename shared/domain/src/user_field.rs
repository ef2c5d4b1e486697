//! What lists of users can be sorted by.

use crate::identifier::folded;

/// A member of the user by which lists are sorted (users-api.md, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the members' own names")]
pub enum UserField {
    CreationTime,
    LastUpdated,
    Name,
    GivenName,
    MiddleName,
    FamilyName,
    FailureCount,
    BlockUntil,
    LastSignInAttempt,
    SignInAttemptsCount,
    LastSignInSuccess,
    SignInSuccessCount,
    LastActivity,
}

impl UserField {
    /// All of them, by their names.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("creation_time", Self::CreationTime),
        ("last_updated", Self::LastUpdated),
        ("name", Self::Name),
        ("given_name", Self::GivenName),
        ("middle_name", Self::MiddleName),
        ("family_name", Self::FamilyName),
        ("failure_count", Self::FailureCount),
        ("block_until", Self::BlockUntil),
        ("last_sign_in_attempt", Self::LastSignInAttempt),
        ("sign_in_attempts_count", Self::SignInAttemptsCount),
        ("last_sign_in_success", Self::LastSignInSuccess),
        ("sign_in_success_count", Self::SignInSuccessCount),
        ("last_activity", Self::LastActivity),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, field)| *field == self);
        named.map_or("", |(name, _)| name)
    }

    /// The form in which texts are compared: without case and width, character by character. The order
    /// is that of no single language.
    pub fn comparable(text: &str) -> String {
        folded(text)
    }

    /// Whether it is one of the user's names, which are among the claims.
    pub const fn is_claim(self) -> bool {
        matches!(
            self,
            Self::Name | Self::GivenName | Self::MiddleName | Self::FamilyName
        )
    }
}

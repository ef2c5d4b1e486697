//! An address as its owner sees it (email-self-service.md).

use domain::{Account, Email, IdentifierId, Timestamp, User};
use serde::Serialize;

/// One of the caller's own addresses.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "OwnEmail")
)]
pub struct OwnEmailBody<'a> {
    /// Names it.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    id: String,
    /// As it was typed.
    email: &'a str,
    /// Whether it is proved.
    verified: bool,
    /// Whether it is the primary one.
    primary: bool,
}

impl<'a> OwnEmailBody<'a> {
    /// The primary one, if there is one.
    pub fn primary(user: &'a User) -> Option<Self> {
        let primary = user.emails().primary()?;
        Self::of(user, primary.id)
    }

    /// All of them: the primary one first, then the others, then those that wait to be proved.
    pub fn all(account: &'a Account, now: Timestamp) -> Vec<Self> {
        let user = &account.user;
        let others = user
            .emails()
            .ids()
            .filter(|id| !user.emails().is_primary(*id));
        Self::primary(user)
            .into_iter()
            .chain(others.filter_map(|id| Self::of(user, id)))
            .chain(
                account
                    .live_pending(now)
                    .map(|(id, email)| Self::new(id, email, false, false)),
            )
            .collect()
    }

    fn of(user: &'a User, id: IdentifierId) -> Option<Self> {
        let own = user.emails().get(id)?;
        let is_primary = user.emails().is_primary(id);
        Some(Self::new(id, &own.value, own.verified, is_primary))
    }

    fn new(id: IdentifierId, email: &'a Email, verified: bool, primary: bool) -> Self {
        Self {
            id: id.to_string(),
            email: email.as_str(),
            verified,
            primary,
        }
    }
}

//! The log of changes: who changed what of a user, and when, without any value (users-api.md, calls 60
//! and 61).

use std::borrow::Cow;
use std::time::Duration;

use crate::address::Addresses;
use crate::user::{Credential, SignIns, UserFacts};
use crate::{ChangedBy, IdentifierId, JsonObject, Timestamp, User, UserId};

/// One change of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose it is.
    pub user_id: UserId,
    /// Counts the changes of this user from 1, without a gap.
    pub revision: u64,
    /// When it was changed.
    pub at: Timestamp,
    /// By whom, and by which call.
    pub by: ChangedBy,
    /// Names of members and ids of identifiers.
    pub changed: Vec<String>,
    /// The user was deleted: the last event of a log.
    pub deleted: bool,
}

/// How long the log keeps an event: 90 days, unless the deployment says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptFor(pub Duration);

impl Default for KeptFor {
    fn default() -> Self {
        Self(Duration::from_hours(90 * 24))
    }
}

/// The name in place of members where the log could not read the user.
pub const UNREADABLE: &str = "unreadable";

/// What differs between two states of a user: names of members, and after the names of identifiers the
/// ids of those that differ. `before` is `None` for a new user: then it is all that the user has.
///
/// The revocation of sessions is `sessions`.
pub fn changed(before: Option<&User>, after: &User) -> Vec<String> {
    let facts = after.facts();
    let before = before.map_or_else(
        || Cow::Owned(blank(facts)),
        |user| Cow::Borrowed(user.facts()),
    );
    let mut names = Vec::new();
    let mut note = |differs: bool, name: &str| {
        if differs {
            names.push(name.to_owned());
        }
    };
    note(before.disabled != facts.disabled, "disabled");
    note(
        (before.session_epoch, before.sessions_revoked)
            != (facts.session_epoch, facts.sessions_revoked),
        "sessions",
    );
    note(before.passkeys != facts.passkeys, "passkeys");
    note(before.connections != facts.connections, "connections");
    note(
        before.external_providers != facts.external_providers,
        "external_providers",
    );
    note(before.claims != facts.claims, "claims");
    note(before.public_data != facts.public_data, "public_data");
    note(before.private_data != facts.private_data, "private_data");
    let (old, new) = (&before.credential, &facts.credential);
    let password = |one: &'_ Option<Credential>| one.clone().map(|one| (one.hash, one.updated_at));
    note(password(old) != password(new), "password");
    let is_forced = |one: &Option<Credential>| one.as_ref().is_some_and(|one| one.force_reset);
    note(is_forced(old) != is_forced(new), "force_password_reset");
    let (old, new) = (&before.sign_ins, &facts.sign_ins);
    note(old.failures != new.failures, "failure_count");
    note(old.block_until != new.block_until, "block_until");
    note(old.attempts != new.attempts, "sign_in_attempts_count");
    note(old.successes != new.successes, "sign_in_success_count");
    if before.username != facts.username {
        names.push("username".to_owned());
        let both = before.username.iter().chain(&facts.username);
        let mut ids: Vec<_> = both.map(|username| username.id.to_string()).collect();
        ids.dedup();
        names.append(&mut ids);
    }
    names.extend(addresses("emails", &before.emails, &facts.emails));
    names.extend(addresses("phone_numbers", &before.phones, &facts.phones));
    names
}

/// The same user without anything that a user may have.
fn blank(facts: &UserFacts) -> UserFacts {
    UserFacts {
        disabled: false,
        sessions_revoked: false,
        username: None,
        emails: Addresses::default(),
        phones: Addresses::default(),
        passkeys: Vec::new(),
        connections: Vec::new(),
        external_providers: Vec::new(),
        claims: JsonObject::empty(),
        public_data: JsonObject::empty(),
        private_data: JsonObject::empty(),
        credential: None,
        sign_ins: SignIns::default(),
        ..facts.clone()
    }
}

/// The member's name and the ids of the addresses that differ, also by being the primary one; nothing
/// where none does.
fn addresses<T: PartialEq>(name: &str, before: &Addresses<T>, after: &Addresses<T>) -> Vec<String> {
    let mut ids: Vec<IdentifierId> = before.ids().chain(after.ids()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| {
        before.get(*id) != after.get(*id) || before.is_primary(*id) != after.is_primary(*id)
    });
    if ids.is_empty() {
        return Vec::new();
    }
    let ids = ids.iter().map(ToString::to_string);
    std::iter::once(name.to_owned()).chain(ids).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Email, rule, sample};

    #[test]
    fn a_change_is_told_by_names_and_ids_and_by_no_value() {
        let before = sample::published();
        assert_eq!(changed(Some(&before), &before), Vec::<String>::new());

        let mut after = before.clone();
        let id = IdentifierId::issue(Timestamp::from_unix(1), [7; 10]);
        let email = Email::parse("secret@example.net").unwrap();
        after.add_email(id, email, false).unwrap();
        assert_eq!(changed(Some(&before), &after), ["emails", &id.to_string()]);

        let mut after = before.clone();
        let username = before.username().unwrap().id.to_string();
        after.remove_username().unwrap();
        assert_eq!(changed(Some(&before), &after), ["username", &username]);

        let before = sample::person().user;
        let mut after = before.clone();
        rule::disable(true).apply(&mut after).unwrap();
        assert_eq!(changed(Some(&before), &after), ["disabled", "sessions"]);
    }

    #[test]
    fn a_new_user_is_told_by_all_that_it_has() {
        let user = sample::published();
        let told = changed(None, &user).join(" ");
        for name in ["username", "emails", "claims", "password"] {
            assert!(told.contains(name), "{told}");
        }
        for (_, email) in user.emails().iter() {
            assert!(!told.contains(email.value.as_str()), "{told}");
        }
    }
}

//! Auth0: the users that its export job writes, the password hashes that its support hands out, or both in one
//! record.

use super::hash;
use super::members::Members;
use super::provider::{Account, Provider, take_providers};
use super::time::Unit;
use super::user::User;

pub(super) fn user(members: &mut Members) -> User {
    let mut user = User::default();
    let id = id(members);
    if let Some(id) = &id {
        user.identify(id, "user_id", members);
    }
    let email_is_verified = members.flag("email_verified").unwrap_or(false);
    if let Some(email) = members.text("email") {
        user.add_email(email, email_is_verified);
    }
    let phone_is_verified = members.flag("phone_verified").unwrap_or(false);
    if let Some(phone) = members.text("phone_number") {
        user.add_phone(phone, phone_is_verified);
    }
    let mut username = members.text("username");
    add_identifiers(&mut user, &mut username, members);
    if let Some(username) = username {
        user.set_username(username, "username", members);
    }
    user.creation_time = members.time("created_at", Unit::Seconds);
    user.last_updated = members.time("updated_at", Unit::Seconds);
    user.last_sign_in_success = members.time("last_login", Unit::Seconds);
    user.last_sign_in_success_ip = members.text("last_ip");
    user.sign_in_success_count = members.take("logins_count");
    user.disabled = members.flag("blocked").unwrap_or(false);
    let claims = ["name", "given_name", "family_name", "nickname", "picture"];
    user.claims(&claims, members);
    if let Some(metadata) = members.object("user_metadata") {
        user.public_data.put_object("user_metadata", metadata);
    }
    user.external_providers = providers(members, id.as_deref());
    user.hash = members.text("passwordHash").map(hash::known);
    user.password_updated_at = password_updated_at(members);
    members.remove(&["_tmp_is_unique"]);
    user
}

/// Takes the identifiers. One stays in the list if Roster has no place for all that it says.
fn add_identifiers(user: &mut User, username: &mut Option<String>, members: &mut Members) {
    let mut rest = Vec::new();
    for record in members
        .take::<Vec<Members>>("identifiers")
        .unwrap_or_default()
    {
        let mut identifier = record.clone();
        let is_verified = identifier.flag("verified").unwrap_or(false);
        let kind = identifier.text("type").unwrap_or_default();
        let is_taken = match (kind.as_str(), identifier.text("value")) {
            ("email", Some(email)) => {
                user.add_email(email, is_verified);
                true
            }
            ("phone" | "phone_number", Some(phone)) => {
                user.add_phone(phone, is_verified);
                true
            }
            ("username", Some(name)) => *username.get_or_insert_with(|| name.clone()) == name,
            _ => false,
        };
        if !is_taken || !identifier.said().is_empty() {
            rest.push(record);
        }
    }
    if !rest.is_empty() {
        members.put("identifiers", &rest);
    }
}

/// The id. The record of a password hash has the part of it that is behind `auth0|`.
fn id(members: &mut Members) -> Option<String> {
    let own = members.object("_id").and_then(|mut id| id.text("$oid"));
    let own = members.text("alt_id").or(own);
    let whole = members.text("user_id");
    whole.or_else(|| own.map(|own| format!("auth0|{own}")))
}

fn password_updated_at(members: &mut Members) -> Option<i64> {
    let set = members.object("password_set_date");
    let set = set.and_then(|mut date| date.time("$date", Unit::Milliseconds));
    members.time("last_password_reset", Unit::Seconds).or(set)
}

/// The account in Auth0's own database says nothing new. Another one there, which was linked to this user,
/// may have a password of its own.
fn providers(members: &mut Members, id: Option<&str>) -> Vec<Provider> {
    let own = id.and_then(|id| id.strip_prefix("auth0|"));
    let is_own = |account: &Account| {
        account.provider == "auth0" && own.is_some() && account.id.as_deref() == own
    };
    take_providers(members, "identities", is_own, |identity| {
        let number: Option<u64> = identity.peek("user_id");
        let id = identity.text("user_id");
        Account {
            provider: identity.text("provider").unwrap_or_default(),
            id: id.or_else(|| number.map(|number| number.to_string())),
            claims: identity.object("profileData").unwrap_or_default(),
        }
    })
}

//! Amazon Cognito: what `list-users` answers. It has no password hashes.

use super::members::Members;
use super::provider::{Account, Provider, take_providers};
use super::time::Unit;
use super::user::User;

pub(super) fn user(members: &mut Members) -> User {
    let mut user = User::default();
    let mut attributes = attributes(members);
    let id = attributes.text("sub");
    if let Some(id) = &id {
        user.identify(id, "sub", members);
    }
    let email_is_verified = attributes.flag("email_verified").unwrap_or(false);
    if let Some(email) = attributes.text("email") {
        user.add_email(email, email_is_verified);
    }
    let phone_is_verified = attributes.flag("phone_number_verified").unwrap_or(false);
    if let Some(phone) = attributes.text("phone_number") {
        user.add_phone(phone, phone_is_verified);
    }
    // It stays: not all that it says has a place in Roster.
    let status: String = members.peek("UserStatus").unwrap_or_default();
    // The name of a user of another provider is made of the provider's name; no one types it.
    if status != "EXTERNAL_PROVIDER"
        && let Some(username) = members.text("Username")
        && Some(&username) != id.as_ref()
    {
        user.set_username(username, "Username", members);
    }
    let is_enabled = members.flag("Enabled").unwrap_or(true);
    user.disabled = !is_enabled || matches!(status.as_str(), "ARCHIVED" | "COMPROMISED");
    user.creation_time = members.time("UserCreateDate", Unit::Seconds);
    user.last_updated = members.time("UserLastModifiedDate", Unit::Seconds);
    user.external_providers = providers(&mut attributes);
    claims(&mut user, &mut attributes);
    members.put_object("Attributes", attributes);
    user
}

/// The attributes by name.
fn attributes(members: &mut Members) -> Members {
    let mut attributes = Members::default();
    for mut attribute in members
        .take::<Vec<Members>>("Attributes")
        .unwrap_or_default()
    {
        let (name, value) = (attribute.text("Name"), attribute.text("Value"));
        if let (Some(name), Some(value)) = (name, value) {
            attributes.put(&name, &value);
        }
    }
    attributes
}

/// Cognito's standard attributes are OpenID Connect's claims.
fn claims(user: &mut User, attributes: &mut Members) {
    let claims = [
        "name",
        "given_name",
        "middle_name",
        "family_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
    ];
    user.claims(&claims, attributes);
    let address = attributes.text("address");
    user.claim(
        "address",
        address.map(|text| serde_json::json!({ "formatted": text })),
    );
}

fn providers(attributes: &mut Members) -> Vec<Provider> {
    take_providers(
        attributes,
        "identities",
        |_| false,
        |identity| Account {
            provider: identity.text("providerType").unwrap_or_default(),
            id: identity.text("userId"),
            claims: Members::default(),
        },
    )
}

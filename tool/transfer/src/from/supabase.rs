//! Supabase: rows of its table `auth.users`, and the rows of `auth.identities` where they are put in.

use jiff::Timestamp;

use super::members::Members;
use super::provider::{Account, Provider, take_providers};
use super::time::Unit;
use super::user::User;
use super::{NotCarried, hash};

pub(super) fn user(members: &mut Members, now: Timestamp) -> Result<User, NotCarried> {
    if members.text("deleted_at").is_some() {
        return Err(NotCarried::Deleted);
    }
    if members.flag("is_anonymous") == Some(true) {
        return Err(NotCarried::Anonymous);
    }
    let mut user = User::default();
    if let Some(id) = members.text("id") {
        user.identify(&id, "id", members);
    }
    let email_is_verified = members.text("email_confirmed_at").is_some();
    if let Some(email) = members.text("email") {
        user.add_email(email, email_is_verified);
    }
    let phone_is_verified = members.text("phone_confirmed_at").is_some();
    if let Some(phone) = members.text("phone") {
        // The table has it without its plus sign.
        let phone = format!("+{}", phone.trim_start_matches('+'));
        user.add_phone(phone, phone_is_verified);
    }
    user.creation_time = members.time("created_at", Unit::Seconds);
    user.last_updated = members.time("updated_at", Unit::Seconds);
    user.last_sign_in_success = members.time("last_sign_in_at", Unit::Seconds);
    user.disabled = is_banned(members, now);
    if members.flag("is_sso_user") == Some(true) {
        members.put("is_sso_user", &true);
    }
    metadata(&mut user, members);
    user.external_providers = providers(members);
    user.hash = members.text("encrypted_password").map(hash::known);
    members.remove(&[
        "aud",
        "confirmation_token",
        "confirmed_at",
        "email_change_confirm_status",
        "email_change_token_current",
        "email_change_token_new",
        "instance_id",
        "phone_change_token",
        "reauthentication_token",
        "recovery_token",
    ]);
    Ok(user)
}

/// The end of the ban stays with the user: Roster knows none.
fn is_banned(members: &Members, now: Timestamp) -> bool {
    let end = members.clone().time("banned_until", Unit::Seconds);
    // PostgreSQL's `infinity` is no time, too.
    end.map_or_else(
        || {
            members
                .peek::<String>("banned_until")
                .is_some_and(|end| !end.is_empty())
        },
        |end| end > now.as_second(),
    )
}

/// What users may change themselves is public, and names in it are claims, too.
fn metadata(user: &mut User, members: &mut Members) {
    if let Some(metadata) = members.object("raw_user_meta_data") {
        let mut names = metadata.clone();
        let name = names.text("name").or_else(|| names.text("full_name"));
        user.claim("name", name);
        let picture = names.text("picture").or_else(|| names.text("avatar_url"));
        user.claim("picture", picture);
        user.claims(&["given_name", "family_name"], &mut names);
        user.public_data.put_object("raw_user_meta_data", metadata);
    }
    if let Some(metadata) = members.object("raw_app_meta_data") {
        members.put_object("raw_app_meta_data", metadata);
    }
}

/// The accounts by e-mail and by phone say nothing new.
fn providers(members: &mut Members) -> Vec<Provider> {
    let is_own = |account: &Account| matches!(account.provider.as_str(), "email" | "phone");
    take_providers(members, "identities", is_own, |identity| {
        let id = identity.text("provider_id");
        Account {
            provider: identity.text("provider").unwrap_or_default(),
            // Older versions have it as the row's id.
            id: id.or_else(|| identity.text("id")),
            claims: identity.object("identity_data").unwrap_or_default(),
        }
    })
}

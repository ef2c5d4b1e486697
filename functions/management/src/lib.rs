//! The calls of the management API, for back ends with an API key. Each has a file with its facts, its
//! request type and its handler.
//!
//! **Invariant:** a call parses, asks the domain, persists and shows, in that order. It names neither
//! DynamoDB nor Lambda, and never uses another call. This package knows no pages and no texts of
//! messages.

/// The IP addresses from which signing in as a user has failed.
pub mod blocked_ips {
    pub mod list_blocked_ips;
    pub mod unblock_ip;
}

/// A user's OpenID Connect claims.
pub mod claims {
    pub mod update_claims;
}

/// The application's data of a user.
pub mod data {
    mod change;
    pub mod get_private_data;
    pub mod get_public_data;
    pub mod update_private_data;
    pub mod update_public_data;
}

/// A user's e-mail addresses.
pub mod emails {
    pub mod add_email;
    pub mod remove_email;
    pub mod send_verification_link;
    pub mod set_primary_email;
    pub mod unverify_email;
    pub mod verify_email;
}

/// A user's external accounts.
pub mod external_authenticators {
    pub mod disconnect_external_authenticator;
}

/// What OAuth servers were granted by a user: this directory has none.
pub mod grants {
    pub mod delete_grant;
    pub mod list_grants;
}

/// Groups of users.
pub mod groups {
    pub mod create_group;
    pub mod delete_group;
    pub mod get_group;
    pub mod list_groups;
    pub mod update_group;
}

/// Which user is in which group.
pub mod memberships {
    pub mod assign_group;
    pub mod get_user_group;
    pub mod list_group_users;
    pub mod list_user_groups;
    pub mod unassign_group;
}

/// A user's passkeys.
pub mod passkeys {
    pub mod remove_passkey;
}

/// A user's password.
pub mod passwords {
    pub mod cancel_forced_password_reset;
    pub mod change_password;
    pub mod force_password_reset;
    pub(crate) mod given;
    pub mod make_reset_link;
    pub mod remove_password;
    pub mod set_password;
}

/// A user's phone numbers.
pub mod phones {
    pub mod add_phone;
    pub mod remove_phone;
    pub mod set_primary_phone;
    pub mod unverify_phone;
    pub mod verify_phone;
}

/// The log of changes.
pub mod events {
    pub mod list_events;
    pub mod list_user_events;
}

/// A user's sessions.
pub mod sessions {
    pub mod end_session;
    pub mod get_session;
    pub mod list_sessions;
}

/// A user's username.
pub mod usernames {
    pub mod remove_username;
    pub mod set_username;
}

/// Users themselves.
pub mod users {
    pub mod create_user;
    pub mod delete_user;
    pub mod disable_user;
    pub mod enable_user;
    pub mod get_user;
    pub mod import_users;
    pub mod list_users;
    pub mod unblock_user;
}

use roster_http::Endpoint;

/// All of them, in the contract's order.
pub static ENDPOINTS: &[&Endpoint] = &[
    &users::list_users::ENDPOINT,
    &users::create_user::ENDPOINT,
    &users::get_user::ENDPOINT,
    &users::delete_user::ENDPOINT,
    &users::enable_user::ENDPOINT,
    &users::disable_user::ENDPOINT,
    &users::unblock_user::ENDPOINT,
    &usernames::set_username::ENDPOINT,
    &usernames::remove_username::ENDPOINT,
    &emails::add_email::ENDPOINT,
    &emails::remove_email::ENDPOINT,
    &emails::set_primary_email::ENDPOINT,
    &emails::verify_email::ENDPOINT,
    &emails::unverify_email::ENDPOINT,
    &emails::send_verification_link::ENDPOINT,
    &phones::add_phone::ENDPOINT,
    &phones::remove_phone::ENDPOINT,
    &phones::set_primary_phone::ENDPOINT,
    &phones::verify_phone::ENDPOINT,
    &phones::unverify_phone::ENDPOINT,
    &passkeys::remove_passkey::ENDPOINT,
    &passwords::set_password::ENDPOINT,
    &passwords::remove_password::ENDPOINT,
    &passwords::force_password_reset::ENDPOINT,
    &passwords::cancel_forced_password_reset::ENDPOINT,
    &passwords::make_reset_link::ENDPOINT,
    &passwords::change_password::ENDPOINT,
    &claims::update_claims::ENDPOINT,
    &data::get_private_data::ENDPOINT,
    &data::update_private_data::ENDPOINT,
    &data::get_public_data::ENDPOINT,
    &data::update_public_data::ENDPOINT,
    &blocked_ips::list_blocked_ips::ENDPOINT,
    &blocked_ips::unblock_ip::ENDPOINT,
    &sessions::list_sessions::ENDPOINT,
    &sessions::get_session::ENDPOINT,
    &sessions::end_session::ENDPOINT,
    &external_authenticators::disconnect_external_authenticator::ENDPOINT,
    &memberships::list_user_groups::ENDPOINT,
    &memberships::get_user_group::ENDPOINT,
    &memberships::assign_group::ENDPOINT,
    &memberships::unassign_group::ENDPOINT,
    &memberships::list_group_users::ENDPOINT,
    &grants::list_grants::ENDPOINT,
    &grants::delete_grant::ENDPOINT,
    &groups::list_groups::ENDPOINT,
    &groups::create_group::ENDPOINT,
    &groups::get_group::ENDPOINT,
    &groups::update_group::ENDPOINT,
    &groups::delete_group::ENDPOINT,
    &events::list_user_events::ENDPOINT,
    &events::list_events::ENDPOINT,
    &users::import_users::ENDPOINT,
];

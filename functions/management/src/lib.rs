//! The calls of the management API, for back ends with an API key. Each has a file with its facts, its
//! request type and its handler.
//!
//! **Invariant:** a call parses, asks the domain, persists and shows, in that order. It names neither
//! DynamoDB nor Lambda, and never uses another call. This package knows no pages and no texts of
//! messages.

/// A user's e-mail addresses.
pub mod emails {
    pub mod add_email;
    pub mod remove_email;
    pub mod set_primary_email;
    pub mod unverify_email;
    pub mod verify_email;
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
    pub mod unblock_user;
}

use roster_http::Endpoint;

/// All of them, in the contract's order.
pub static ENDPOINTS: &[&Endpoint] = &[
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
];

//! Every call of Roster: a file each, with its facts, its request type and its handler.
//!
//! **Invariant:** a call parses, asks the domain, persists and shows, in that order; it names
//! neither DynamoDB nor Lambda, and never asks another call. What calls of one resource have in
//! common is a private module beside them: in `account`, the attempt with a password, and the pages
//! behind links. Each call has a thin binary of its own in `src/bin`.

pub mod account;
pub mod changes;
pub mod emails;
pub mod usernames;
pub mod users;

use roster_http::{Consumer, Endpoint};

/// All calls, in the contract's order.
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
    &account::login::ENDPOINT,
    &account::logout::ENDPOINT,
    &account::get_primary_email::ENDPOINT,
    &account::request_email_change::ENDPOINT,
    &account::add_own_email::ENDPOINT,
    &account::list_emails::ENDPOINT,
    &account::drop_email::ENDPOINT,
    &account::verify_own_email::ENDPOINT,
    &account::confirm_primary_email::ENDPOINT,
    &account::undo_email_change::ENDPOINT,
    &account::reset_password::ENDPOINT,
];

/// All consumers of the table's stream.
pub static CONSUMERS: &[&Consumer] = &[&changes::send_notifications::CONSUMER];

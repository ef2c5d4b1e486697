//! The calls that people make themselves, without an API key. Each has a file with its facts, its
//! request type and its handler.
//!
//! **Invariant:** a call parses, asks the domain, persists and shows, in that order. It names neither
//! DynamoDB nor Lambda, and never uses another call. What several calls share is in private modules
//! beside them: the attempt with a password, and the pages behind links.

/// Signing in, and a person's own e-mail addresses.
pub mod account {
    pub mod add_own_email;
    mod attempt;
    pub mod confirm_primary_email;
    pub mod drop_email;
    pub mod get_primary_email;
    mod link_page;
    pub mod list_emails;
    pub mod login;
    pub mod logout;
    mod mailing;
    mod page;
    pub mod request_email_change;
    pub mod reset_password;
    pub mod undo_email_change;
    pub mod verify_own_email;
}

use roster_http::Endpoint;

/// All of them, in the contract's order.
pub static ENDPOINTS: &[&Endpoint] = &[
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

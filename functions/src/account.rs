//! What people do themselves: sign in, and look after their own e-mail addresses.

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

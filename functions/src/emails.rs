//! A user's e-mail addresses.

pub mod add_email;
pub mod remove_email;
pub mod set_primary_email;
pub mod unverify_email;
pub mod verify_email;

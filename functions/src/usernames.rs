//! A user's username.

pub mod remove_username;
pub mod set_username;

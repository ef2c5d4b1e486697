//! Users themselves.

pub mod create_user;
pub mod delete_user;
pub mod disable_user;
pub mod enable_user;
pub mod get_user;
pub mod unblock_user;

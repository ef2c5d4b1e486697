//! What is stored: one file for each kind of item, with its key, its attributes, and the way to and
//! from the domain.

pub(crate) mod attempts;
pub(crate) mod device;
mod layout;
pub(crate) mod notification;
pub(crate) mod operation;
pub(crate) mod pending_email;
pub(crate) mod reservation;
pub(crate) mod session;
pub(crate) mod sign_in_user;
pub(crate) mod undo_right;
pub(crate) mod user;

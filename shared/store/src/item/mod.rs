//! The items of the table. Each kind has a file with its key, its attributes, and the conversion to and
//! from the domain.

pub(crate) mod attempts;
pub(crate) mod counted;
pub(crate) mod counter;
pub(crate) mod device;
pub(crate) mod group;
pub(crate) mod layout;
pub(crate) mod log;
pub(crate) mod membership;
pub(crate) mod notification;
pub(crate) mod operation;
pub(crate) mod pending_email;
pub(crate) mod prefix;
pub(crate) mod reservation;
pub(crate) mod session;
pub(crate) mod sign_in_user;
#[cfg(test)]
mod stored;
pub(crate) mod undo_right;
pub(crate) mod user;

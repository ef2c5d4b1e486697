//! What follows from changes of the table, by its stream.

pub mod letter;
pub mod send_notifications;

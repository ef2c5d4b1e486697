//! The log of changes.

mod list_events;
mod list_user_events;

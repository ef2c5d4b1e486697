//! The consumers of the table's stream: work that follows from changes after the callers got their
//! answers.
//!
//! **Invariant:** a consumer may get a record more than once, and does its work once. It answers no
//! request, and knows no pages.

pub mod apply_changes;
mod letter;
pub mod send_notifications;

use consumer::Consumer;

/// All of them.
pub static CONSUMERS: &[&Consumer] = &[&apply_changes::CONSUMER, &send_notifications::CONSUMER];

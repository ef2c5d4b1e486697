//! The consumers of the table's stream: what follows from changes, after they are answered.
//!
//! **Invariant:** a consumer may get a record more than once, and does its work once. It answers no
//! request, and knows no page.

mod letter;
pub mod send_notifications;

use consumer::Consumer;

/// All of them.
pub static CONSUMERS: &[&Consumer] = &[&send_notifications::CONSUMER];

//! What Roster promises, through the gateway, on both stores.
//!
//! A file per call, beside those about what calls have in common.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[macro_use]
mod harness;
mod strategies;

mod bad_input;
mod capacity;
mod consistency;
mod coverage;
mod emails;
mod faults;
mod idempotency;
mod lambda;
mod logs;
mod preconditions;
mod properties;
mod races;
mod usernames;
mod users;

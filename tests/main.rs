//! What Roster promises, through the gateway, on both stores.
//!
//! A file per call, beside those about what calls have in common.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[macro_use]
mod harness;
mod strategies;

mod account;
mod bad_input;
mod browser;
mod capacity;
mod changes;
mod consistency;
mod coverage;
mod crashes;
mod emails;
mod faults;
mod idempotency;
mod indexes;
mod keys;
mod lambda;
mod links;
mod logs;
mod moto;
mod passwords;
mod permissions;
mod preconditions;
mod properties;
mod races;
mod rights;
mod sessions;
mod sign_in_limits;
mod takeovers;
mod usernames;
mod users;

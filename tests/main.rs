//! What Roster promises, through the gateway.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[macro_use]
mod harness;

mod calls;
mod consistency;
mod coverage;
mod store;
mod system;

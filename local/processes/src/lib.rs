//! Functions and programs as processes of their own, for the tests and the bench: the cargo that
//! builds them, and the Runtime API that a function asks.
//!
//! **Invariant:** it knows nothing of Roster: no call, no event, no store.

mod cargo;
mod runtime_api;

pub use cargo::cargo;
pub use runtime_api::{Report, RuntimeApi};

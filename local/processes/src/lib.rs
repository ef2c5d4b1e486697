//! Functions and programs as processes of their own, for the tests and the benches: the cargo that
//! builds them, the Runtime API that a function asks, what a service uses of the machine, and requests
//! to it.
//!
//! **Invariant:** it knows nothing of Roster: no call, no event, no table.

mod cargo;
mod connection;
mod dynamodb_local;
mod running;
mod runtime_api;

pub use cargo::{build, cargo};
pub use connection::{Call, Connection};
pub use dynamodb_local::DynamodbLocal;
pub use running::{Running, free_address, peak_memory};
pub use runtime_api::{Report, RuntimeApi};

/// Why a program can't be run or a service doesn't answer: a text for a person.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

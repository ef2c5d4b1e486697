//! The local service as a client uses it: routes, services, outbox and stream; and the program as a
//! person uses it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod cli;
mod common;
mod gateway;
mod item_files;
mod maintenance;
mod port;
mod services;
mod stream;
mod transfer;

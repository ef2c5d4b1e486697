//! The local service as a client meets it: routes, services, outbox and stream; and the program as a
//! person does.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod cli;
mod common;
mod gateway;
mod port;
mod services;
mod stream;

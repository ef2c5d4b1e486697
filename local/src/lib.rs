//! The whole service on one machine: API Gateway, DynamoDB, its stream, and the services that send
//! e-mails and SMS, around the same handlers that Lambda runs. The generator of files from the calls'
//! facts is also here.
//!
//! **Invariant:** this crate has no fact about a single call. Routes, keys, gateway responses, limits,
//! the stream's consumers and the table come from template.yaml, everything else from the calls'
//! `ENDPOINT`s.

mod accept;
pub mod calls;
pub mod database;
pub mod event;
mod filter;
pub mod gateway;
pub mod generate;
mod home;
mod hosts;
pub mod link_keys;
pub mod outbox;
pub mod port;
pub mod samples;
pub mod service;
pub mod services;
pub mod stream;
pub mod template;
mod throttle;
mod yaml;

/// Why the service can't start, or the generator can't write: one line for a person.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// template.yaml is missing, malformed, or uses a feature that this code doesn't know.
    #[error("can't read the template {path}: {reason}")]
    Template {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process has the port.
    #[error("can't listen on 127.0.0.1:{port}: {source} (another port: {flag})")]
    Port {
        /// The port.
        port: u16,
        /// Which flag sets another one.
        flag: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// The data file can't be opened, or is no data file.
    #[error("can't use the data file {path}: {reason}")]
    Data {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The link keys can't be stored, or the stored ones are not valid.
    #[error("can't use the link keys {path}: {reason}")]
    LinkKeys {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store can't be reached, or refuses the table.
    #[error("can't use the store {place}: {reason}")]
    Store {
        /// Where it is or should be: a URL, or `in memory`.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system gives no random bytes.
    #[error(transparent)]
    Misconfigured(#[from] roster_http::Misconfigured),
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// `generate --check` found files that differ from what would be made.
    #[error("not up to date: {0}; run `cargo run -- generate`")]
    Stale(String),
    /// A file lacks the comments that enclose a region of `generate`.
    #[error("{path} has no region of {region}: the comments that enclose it are missing")]
    NoRegion {
        /// The file.
        path: String,
        /// Which one.
        region: String,
    },
    /// There are files of no call in folders where `generate` makes all files.
    #[error("of no call: {0}; remove it, or rename it with its call")]
    Leftover(String),
}

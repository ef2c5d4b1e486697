//! Moving users: `cargo run -- import` and `cargo run -- export`.
//!
//! **Invariant:** this crate knows Roster by HTTP alone. It links no other crate of the workspace, so it
//! works with every deployment of the same contract.

mod batch;
mod client;
mod crew;
mod error;
mod export;
mod from;
mod import;
mod input;
mod journal;
mod pace;
mod progress;
mod refused;
mod source;

pub use error::TransferError;
pub use export::{ExportArguments, export};
pub use import::{ImportArguments, import};
pub use input::{Flaw, Input, Record, Records};

use clap::Args;
use secrecy::SecretString;

/// Where Roster is, and by which key it is asked.
#[derive(Args, Debug)]
pub struct Target {
    /// Where the API is, with its stage: `https://….execute-api.eu-west-1.amazonaws.com/prod`.
    #[arg(long, value_name = "URL")]
    url: String,
    /// The API key. In the environment it stays out of the shell's history and of the list of processes.
    #[arg(
        long,
        value_name = "KEY",
        env = "ROSTER_API_KEY",
        hide_env_values = true
    )]
    key: SecretString,
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All of it was done.
    Whole,
    /// All of it was done, and some lines were refused.
    WithRefusals,
    /// Ctrl-C ended it early.
    Interrupted,
}

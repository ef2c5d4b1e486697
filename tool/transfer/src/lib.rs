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
mod output;
mod pace;
mod progress;
mod refused;
mod source;

pub use error::TransferError;
pub use export::export;
pub use import::import;
pub use input::{Flaw, Input, Record, Records};
pub use output::Output;
pub use progress::Progress;
pub use refused::{Refused, RefusedLine, private_file};

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

/// A [`Target`] that may be left out.
#[derive(Args, Debug)]
pub struct OptionalTarget {
    /// Where the API is, with its stage: `https://….execute-api.eu-west-1.amazonaws.com/prod`.
    #[arg(long, value_name = "URL", requires = "key")]
    url: Option<String>,
    /// The API key. In the environment it stays out of the shell's history and of the list of processes.
    #[arg(
        long,
        value_name = "KEY",
        env = "ROSTER_API_KEY",
        hide_env_values = true
    )]
    key: Option<SecretString>,
}

impl OptionalTarget {
    /// The target, unless it is left out. A key in the environment alone is none.
    pub fn target(self) -> Option<Target> {
        self.url.zip(self.key).map(|(url, key)| Target { url, key })
    }
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

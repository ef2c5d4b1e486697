//! Work on the table itself. For who has its AWS credentials: `cargo run -- check` and
//! `cargo run -- export --table`. And `cargo run -- import --to-dynamodb-json`, which makes the items of a
//! new table.
//!
//! **Invariant:** only here do AWS credentials come from a person's machine. Functions get theirs from
//! Lambda, and never link `aws-config`, which would slow their start down.

mod check;
mod error;
mod export;
mod items;
mod patience;
mod target;

pub use check::{CheckArguments, check};
pub use error::MaintenanceError;
pub use export::export;
pub use items::{ItemFolder, write_items};
pub use target::TableTarget;

/// How many parts of the table are read at the same time.
const SEGMENTS: u32 = 8;

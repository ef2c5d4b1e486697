//! The tool: what `cargo run` does beside running the service.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use maintenance::TableTarget;
use transfer::{Ended, OptionalTarget};

/// Export users: one in each line, in the form that `import` takes.
///
/// By the API (--url) it is what `GET /api/users/{user_id}` shows: password hashes are not in it, and
/// users who are imported from it have to set a new password. From the table (--table) the hashes are in
/// it, too.
///
/// A user who comes while the export runs is in it or not; one who goes is left out.
#[derive(Args)]
#[group(id = "source", required = true, multiple = false, args = ["url", "table"])]
pub(crate) struct Export {
    #[command(flatten)]
    api: OptionalTarget,
    #[command(flatten)]
    table: Option<TableTarget>,
    /// The file, readable by you alone. It is there when all users are in it. Without it they go to
    /// standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Export {
    /// Exports users from where the arguments say.
    pub(crate) async fn run(self) -> ExitCode {
        match (self.table, self.api.target()) {
            (Some(table), _) => exit_code(maintenance::export(&table, self.out).await),
            (None, Some(api)) => exit_code(transfer::export(&api, self.out).await),
            (None, None) => unreachable!("clap asks for one of them"),
        }
    }
}

/// What the shell is told of how a command ended.
pub(crate) fn exit_code<E: Display>(ended: Result<Ended, E>) -> ExitCode {
    match ended {
        Ok(Ended::Whole) => ExitCode::SUCCESS,
        Ok(Ended::WithRefusals) => ExitCode::FAILURE,
        // What a shell says of a program that Ctrl-C ends.
        Ok(Ended::Interrupted) => ExitCode::from(130),
        Err(error) => {
            eprintln!("roster: {error}");
            ExitCode::FAILURE
        }
    }
}

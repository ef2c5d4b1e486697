//! Roster on its embedded store, as `cargo run` serves it.

use std::net::SocketAddr;
use std::path::Path;

use processes::Failure;
use tokio::process::Command;

use crate::service::Programs;

/// The path for signing in.
pub(crate) const LOGIN: &str = "/users/login";
/// The id of a user that does not exist.
pub(crate) const NOBODY: &str = "nobody";

pub(crate) async fn build(programs: &Programs) -> Result<(), Failure> {
    processes::build(&programs.root, &["--profile", "fast", "-p", "local"]).await
}

pub(crate) fn command(programs: &Programs, data: &Path, address: SocketAddr) -> Command {
    let mut roster = Command::new(programs.root.join("target/fast/roster"));
    roster
        .current_dir(&programs.root)
        .args(["--port", &address.port().to_string()])
        .args(["--dynamodb-port", "0", "--empty", "--no-throttle", "--data"])
        .arg(data.join("users.db"));
    roster
}

//! Cargo, for a process that cargo itself started.

use std::path::Path;
use std::process::Command;

use crate::Failure;

/// The start of the variables in which cargo describes a package to the programs that it runs.
const OF_A_PACKAGE: [&str; 3] = ["CARGO_MANIFEST_", "CARGO_PKG_", "OUT_DIR"];

/// A cargo command in `folder`, without the variables that the cargo around this process has set. Build
/// scripts depend on these variables, and half of the dependencies would be built again.
pub fn cargo(folder: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        let is_of_a_package = |name: &str| OF_A_PACKAGE.iter().any(|start| name.starts_with(start));
        if name.to_str().is_some_and(is_of_a_package) {
            command.env_remove(name);
        }
    }
    command
}

/// Builds what these arguments name, into `target` of the workspace at `root`.
pub async fn build(root: &Path, arguments: &[&str]) -> Result<(), Failure> {
    let status = tokio::process::Command::from(cargo(root))
        .arg("build")
        .args(arguments)
        .args(["--target-dir", "target"])
        .kill_on_drop(true)
        .status()
        .await?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("cargo can't build {}", arguments.join(" ")).into())
    }
}

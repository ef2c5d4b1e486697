//! DynamoDB Local: one for the whole run, with a table for each test.

use std::path::PathBuf;
use std::process::Command;

use super::root;
use super::server::Server;

/// Where it is, once it answers.
pub(crate) async fn url() -> String {
    static SERVER: Server = Server::new();
    SERVER.url(command).await
}

fn command(port: u16) -> Command {
    let lib = jars();
    let mut java = Command::new("java");
    java.arg(format!("-Djava.library.path={}", lib.display()))
        .args(["-Xmx512m", "-cp", &format!("{}/*", lib.display())])
        .arg("software.amazon.dynamodb.services.local.main.ServerRunner")
        .args(["-inMemory", "-disableTelemetry", "-port", &port.to_string()]);
    java
}

/// Fetches the jars, unless they are there for this very pom.
fn jars() -> PathBuf {
    let pom = root().join("tests/pom.xml");
    let lib = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("dynamodb-local");
    let stamp = lib.join("pom.xml");
    let wanted = std::fs::read(&pom).unwrap();
    if std::fs::read(&stamp).is_ok_and(|present| present == wanted) {
        return lib;
    }
    let status = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "--file"])
        .arg(&pom)
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", lib.display()))
        .status()
        .unwrap();
    assert!(status.success(), "Maven could not fetch DynamoDB Local");
    std::fs::write(stamp, wanted).unwrap();
    lib
}

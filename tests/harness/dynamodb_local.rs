//! DynamoDB Local, with a table for each test.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use super::root;
use super::server::Running;

/// How many tests share one. At each write, DynamoDB Local looks through the streams of all tables that
/// it ever had, deleted ones included. With hundreds of tables, answers take seconds.
const MAX_TESTS: usize = 30;

/// A DynamoDB Local that few other tests use. It ends when the last of them ends.
pub(crate) async fn share() -> Arc<Running> {
    static NEWEST: Mutex<Option<(Arc<Running>, usize)>> = Mutex::new(None);
    let share = || {
        let mut newest = NEWEST.lock().unwrap_or_else(PoisonError::into_inner);
        let (running, tests) = match newest.take() {
            Some((running, tests)) if tests < MAX_TESTS => (running, tests),
            _ => {
                let started = Running::start(&command);
                (
                    Arc::new(started.unwrap_or_else(|fault| panic!("{fault}"))),
                    0,
                )
            }
        };
        *newest = Some((Arc::clone(&running), tests + 1));
        running
    };
    tokio::task::spawn_blocking(share).await.unwrap()
}

fn command(port: u16) -> Command {
    let lib = jars();
    let mut java = Command::new("java");
    java.arg(format!("-Djava.library.path={}", lib.display()))
        // It lives for about a minute, so the second compiler would cost more than it saves.
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"])
        .args(["-cp", &format!("{}/*", lib.display())])
        .arg("software.amazon.dynamodb.services.local.main.ServerRunner")
        // Each function signs with its own credentials, and all of them use the same tables.
        .args(["-inMemory", "-sharedDb", "-disableTelemetry"])
        .args(["-port", &port.to_string()]);
    java
}

/// Fetches the jars, unless those of this pom are there.
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

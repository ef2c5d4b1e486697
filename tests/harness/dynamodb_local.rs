//! DynamoDB Local, with a table for each test.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use super::root;
use super::server::Running;

/// How many tests share one. With each write it looks through the streams of all tables that it
/// ever had, deleted ones included: with hundreds of them, answers take seconds.
const MAX_TESTS: usize = 30;

/// One that few other tests use; it ends with the last of them.
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
        // It lives for a minute or so: the second compiler would not pay.
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m"])
        .args(["-cp", &format!("{}/*", lib.display())])
        .arg("software.amazon.dynamodb.services.local.main.ServerRunner")
        // Each function signs in its own name, and all of them have one table.
        .args(["-inMemory", "-sharedDb", "-disableTelemetry"])
        .args(["-port", &port.to_string()]);
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

//! DynamoDB Local, with a table for each test.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use processes::DynamodbLocal;

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
    let jars = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("dynamodb-local");
    let fetched = DynamodbLocal::fetch(&root().join("tests/pom.xml"), jars);
    fetched
        .unwrap_or_else(|fault| panic!("{fault}"))
        .command(port)
}

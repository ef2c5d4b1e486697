//! The log of everything while the tests run.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};

use tests::run::{self, Sent, Used};

use super::{policy, template};

/// This process's part of the files of a run. Those of the run before are deleted.
static RUN: LazyLock<Run> = LazyLock::new(|| {
    let requests = file(run::REQUESTS);
    let directory = requests.parent().unwrap();
    let _ = std::fs::remove_dir_all(directory);
    std::fs::create_dir_all(directory).unwrap();
    let mut allowed = File::create(file(run::ALLOWED)).unwrap();
    for allows in policy::allowed(&template(&[])) {
        writeln!(allowed, "{}", serde_json::to_string(&allows).unwrap()).unwrap();
    }
    Run {
        compared: Mutex::new(File::create(file(run::COMPARED)).unwrap()),
        calls: Mutex::new(File::create(file(run::CALLS)).unwrap()),
        requests: Mutex::new((File::create(requests).unwrap(), BTreeSet::new())),
        used: Mutex::new((File::create(file(run::USED)).unwrap(), BTreeSet::new())),
    }
});

struct Run {
    compared: Mutex<File>,
    calls: Mutex<File>,
    /// The file, and the secrets that are in it already.
    requests: Mutex<(File, BTreeSet<String>)>,
    /// The file, and the uses that are in it already.
    used: Mutex<(File, BTreeSet<Used>)>,
}

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        RUN.calls.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file of this run.
pub(crate) fn file(name: &str) -> PathBuf {
    run::file(env!("CARGO_TARGET_TMPDIR"), name)
}

/// From now on writes down what is logged in every test of this process, in the form of a function's
/// log.
pub(crate) fn capture() {
    LazyLock::force(&RUN);
    // Another test may have done it before.
    let _ = tracing::subscriber::set_global_default(roster_http::log_lines(|| Sink));
}

/// What was logged.
pub(crate) fn lines() -> String {
    std::fs::read_to_string(file(run::CALLS)).unwrap()
}

/// Writes down a request that was answered.
pub(crate) fn answered(mut sent: Sent) {
    let mut requests = RUN.requests.lock().unwrap();
    let (file, known) = &mut *requests;
    sent.secrets.retain(|secret| known.insert(secret.clone()));
    writeln!(file, "{}", serde_json::to_string(&sent).unwrap()).unwrap();
}

/// Writes down how many answers of the embedded store were compared.
pub(crate) fn compared(answers: usize) {
    writeln!(RUN.compared.lock().unwrap(), "{answers}").unwrap();
}

/// Writes down what functions have used of what their roles allow.
pub(crate) fn used(all: impl IntoIterator<Item = Used>) {
    let mut present = RUN.used.lock().unwrap();
    let (file, known) = &mut *present;
    for used in all {
        if known.insert(used.clone()) {
            writeln!(file, "{}", serde_json::to_string(&used).unwrap()).unwrap();
        }
    }
}

//! All that is logged while the tests run.

use std::io::{self, Write};
use std::sync::{LazyLock, Mutex};

static LINES: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what is logged from now on, in every test of this process, at the level of production.
pub(crate) fn capture() {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(|| Sink)
        .finish();
    // Another test may have been first.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// What was logged.
pub(crate) fn lines() -> String {
    String::from_utf8_lossy(&LINES.lock().unwrap()).into_owned()
}

//! Servers that tests need beside Roster, on free ports.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::Range;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The ports that servers may use.
const PORTS: Range<u16> = 20_000..30_000;

/// A free port. It is not one of those that the system gives out: the system could give it to another
/// test before the server listens.
pub(crate) fn free_port() -> u16 {
    static TRIED: AtomicUsize = AtomicUsize::new(0);
    let first = std::process::id() as usize;
    for _ in PORTS {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        let port = PORTS.start + u16::try_from((first + tried) % PORTS.len()).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}

/// A server for the whole run. It starts when a test needs it first.
pub(crate) struct Server(OnceLock<Result<Running, String>>);

impl Server {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The URL, once the server answers. `command` makes the server for a port.
    pub(crate) async fn url(&'static self, command: fn(u16) -> Command) -> String {
        let start = move || match self.0.get_or_init(|| Running::start(&command)) {
            Ok(running) => running.url.clone(),
            Err(fault) => panic!("{fault}"),
        };
        tokio::task::spawn_blocking(start).await.unwrap()
    }
}

/// A server that ends when this value is dropped.
///
/// It is a child of a shell that waits for the end of its own input. The pipe closes when this value is
/// dropped or this process ends in any way. The shell then kills its whole process group, with all
/// processes that the server has started.
#[derive(Debug)]
pub(crate) struct Running {
    /// The URL.
    pub(crate) url: String,
    shell: Child,
}

impl Running {
    /// Starts a server and waits until it answers. `command` makes the server for a port.
    pub(crate) fn start(command: &dyn Fn(u16) -> Command) -> Result<Self, String> {
        const SCRIPT: &str = r#""$@" >/dev/null 2>&1 & read -r _; kill -s KILL 0"#;
        let port = free_port();
        let command = command(port);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", SCRIPT, "sh"].map(OsStr::new))
            .arg(command.get_program())
            .args(command.get_args())
            .process_group(0)
            .stdin(Stdio::piped());
        for (name, value) in command.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let running = Self {
            url: format!("http://127.0.0.1:{port}"),
            shell: shell.spawn().unwrap(),
        };
        for _ in 0..600 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(running);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(format!("{command:?} does not answer"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

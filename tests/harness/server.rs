//! Servers that tests need beside Roster: one of each for the whole run, on a free port.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// A server, once somebody has asked for it.
pub(crate) struct Server(OnceLock<Result<(Child, String), String>>);

impl Server {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Where it is, once it answers. `command` makes it serve on the port that it is given.
    pub(crate) async fn url(&'static self, command: fn(u16) -> Command) -> String {
        let start = move || match self.0.get_or_init(|| start(&command)) {
            Ok((_, url)) => url.clone(),
            Err(fault) => panic!("{fault}"),
        };
        tokio::task::spawn_blocking(start).await.unwrap()
    }
}

/// The server is a child of a shell that waits for the end of its own input: the pipe closes when
/// this process ends, however that happens, and the shell takes its whole group along, with
/// whatever the server has started.
fn start(command: &dyn Fn(u16) -> Command) -> Result<(Child, String), String> {
    const SCRIPT: &str = r#""$@" >/dev/null 2>&1 & read -r _; kill -s KILL 0"#;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
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
    let mut shell = shell.spawn().unwrap();
    for _ in 0..600 {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok((shell, format!("http://127.0.0.1:{port}")));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(shell.stdin.take());
    let _ = shell.wait();
    Err(format!("{command:?} does not answer"))
}

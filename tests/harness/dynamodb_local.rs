//! DynamoDB Local: one for the whole run, on a free port, with a table for each test.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use super::root;

/// Where it is, once it answers.
pub(crate) async fn url() -> String {
    static SERVER: OnceLock<Result<(Child, String), String>> = OnceLock::new();
    let start = || match SERVER.get_or_init(start) {
        Ok((_, url)) => url.clone(),
        Err(fault) => panic!("{fault}"),
    };
    tokio::task::spawn_blocking(start).await.unwrap()
}

/// The JVM is a child of a shell that waits for the end of its own input: the pipe closes when
/// this process ends, however that happens, and the shell takes the JVM along.
fn start() -> Result<(Child, String), String> {
    const SCRIPT: &str = r#""$@" >/dev/null 2>&1 & jvm=$!; read -r _; kill -9 "$jvm""#;
    let lib = jars();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let mut shell = Command::new("sh")
        .args(["-c", SCRIPT, "sh", "java"])
        .arg(format!("-Djava.library.path={}", lib.display()))
        .args(["-Xmx512m", "-cp", &format!("{}/*", lib.display())])
        .arg("software.amazon.dynamodb.services.local.main.ServerRunner")
        .args(["-inMemory", "-disableTelemetry", "-port", &port.to_string()])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok((shell, format!("http://127.0.0.1:{port}")));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let _ = shell.kill().and_then(|()| shell.wait());
    Err("DynamoDB Local does not answer".to_owned())
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

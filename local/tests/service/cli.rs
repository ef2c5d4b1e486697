//! The program as a person uses it: what it prints, keeps and refuses, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use domain::sample;
use serde_json::{Value, json};

/// How long the program may take to end.
const PATIENCE: Duration = Duration::from_secs(15);
/// The pause between two checks of something that takes time.
const PAUSE: Duration = Duration::from_millis(10);

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The program. Its ports are free ones unless `arguments` say otherwise.
pub(crate) fn roster(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
    command
        .current_dir(root())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

pub(crate) fn wait(process: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > PATIENCE {
            let _ = process.kill();
            panic!("it does not end");
        }
        std::thread::sleep(PAUSE);
    }
}

/// How a program ends: its exit code, and what it prints.
pub(crate) fn ended(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    (status.code(), stdout, stderr)
}

/// A running program. It ends when this value is dropped.
pub(crate) struct Running {
    process: Child,
    stdout: BufReader<ChildStdout>,
    ready: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = roster(&["--port", "0", "--dynamodb-port", "0"])
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let mut running = Self {
            process,
            stdout,
            ready: String::new(),
        };
        running.stdout.read_line(&mut running.ready).unwrap();
        assert!(running.ready.ends_with('\n'), "{:?}", running.ready);
        running
    }

    /// The word after `label` in the ready line.
    fn word_after(&self, label: &str) -> &str {
        let mut words = self.ready.split_whitespace();
        words.find(|word| *word == label).unwrap();
        words.next().unwrap()
    }

    /// Where the API is.
    pub(crate) fn base(&self) -> &str {
        self.word_after("ready")
    }

    /// Where the store is.
    pub(crate) fn store(&self) -> &str {
        self.word_after("store")
    }

    /// Host and port of the API and of the store.
    fn addresses(&self) -> [&str; 2] {
        ["ready", "store"].map(|label| self.word_after(label).strip_prefix("http://").unwrap())
    }

    /// The status, the head and the body of an answer to the administrator.
    pub(crate) fn send(&self, method: &str, path: &str, body: &str) -> (u16, String, Value) {
        self.exchange(method, path, "*/*", body)
    }

    /// Waits until the log tells of a user; the user is counted then.
    pub(crate) fn wait_for_event(&self, user_id: &str) {
        let start = Instant::now();
        let path = format!("/api/users/{user_id}/events");
        while self.send("GET", &path, "").2 == json!([]) {
            assert!(start.elapsed() < PATIENCE, "no event");
            std::thread::sleep(PAUSE);
        }
    }

    /// The messages that were sent, newest last, as soon as there are this many.
    fn outbox(&self, count: usize) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let (_, _, sent) = self.exchange("GET", "/_local/outbox", "application/json", "");
            let sent = sent.as_array().unwrap();
            if sent.len() >= count {
                return sent.clone();
            }
            assert!(start.elapsed() < PATIENCE, "{sent:#?}");
            std::thread::sleep(PAUSE);
        }
    }

    fn exchange(&self, method: &str, path: &str, accept: &str, body: &str) -> (u16, String, Value) {
        let [address, _] = self.addresses();
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nx-api-key: local-admin-key\r\n\
             accept: {accept}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = serde_json::from_str(body).unwrap_or_default();
        (status, head.to_ascii_lowercase(), body)
    }

    /// The status of an answer to a request for this host name.
    fn status_as(&self, host: &str) -> u16 {
        let [address, _] = self.addresses();
        let mut stream = TcpStream::connect(address).unwrap();
        let request =
            format!("GET /_local/outbox HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Sends Ctrl-C. Returns how the program ended, and what it printed after the first line.
    fn interrupt(mut self) -> (ExitStatus, String) {
        send_interrupt(&self.process);
        let status = wait(&mut self.process);
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (status, rest)
    }
}

/// Sends Ctrl-C.
pub(crate) fn send_interrupt(process: &Child) {
    // The shell's own `kill`, because the program of that name is not on every machine.
    let kill = format!("kill -s INT {}", process.id());
    let kill = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(kill.success());
}

/// The path of a file for one test, which doesn't exist yet.
pub(crate) fn new_file(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory.join(name)
}

/// Asserts that the program ends with exit code 1 and one line on standard error, which is
/// returned, and prints nothing.
#[track_caller]
pub(crate) fn refusal(arguments: &[&str]) -> String {
    let mut process = roster(arguments).stderr(Stdio::piped()).spawn().unwrap();
    let status = wait(&mut process);
    let output = process.wait_with_output().unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{line}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    assert!(
        line.starts_with("roster: ") && line.lines().count() == 1 && line.len() < 200,
        "{line}"
    );
    line
}

fn sample_path() -> String {
    format!("/api/users/{}", sample::published().id())
}

/// Whether this machine has a curl that can run README's commands. Where `CI` is set, it must have one.
fn has_curl() -> bool {
    let version = || {
        let output = Command::new("curl").arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let mut numbers = text.split(' ').nth(1)?.split('.');
        let mut number = || numbers.next()?.parse::<u32>().ok();
        Some([number()?, number()?])
    };
    let is_there = version() >= Some([7, 79]);
    #[expect(clippy::disallowed_methods, reason = "a test is told of CI so")]
    let is_ci = std::env::var("CI").is_ok_and(|ci| !ci.is_empty());
    let what = "curl, 7.79 or newer";
    assert!(is_there || !is_ci, "{what}: needed where CI is set");
    if !is_there {
        eprintln!("README's commands are not tried: that needs {what}");
    }
    is_there
}

/// The commands of README's first block of shell after `text`, each with its comment.
fn commands(text: &str, base: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once(text).unwrap();
    let (_, rest) = rest.split_once("```sh\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let block = block.replace("http://127.0.0.1:9080", base);
    block.split("\n\n").map(str::to_owned).collect()
}

/// What a command prints.
#[track_caller]
fn sh(command: &str, folder: &Path) -> String {
    let output = Command::new("sh")
        .args(["-euc", command])
        .current_dir(folder)
        .env("no_proxy", "127.0.0.1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_ready_line_says_where_it_is_and_how_to_try_it() {
    let running = Running::start(&[]);
    assert!(running.ready.starts_with("ready http://127.0.0.1:"));
    let curl = format!(
        "curl -H 'X-API-KEY: local-admin-key' {}{}\n",
        running.base(),
        sample_path()
    );
    assert!(running.ready.ends_with(&curl), "{}", running.ready);
    let (status, _, body) = running.send("GET", &sample_path(), "");
    assert_eq!(status, 200);
    assert_eq!(body["user_id"], sample::published().id().as_str());
    let outbox = running.word_after("outbox").strip_prefix(running.base());
    assert_eq!(outbox, Some("/_local/outbox"));
    let (status, head, _) = running.send("GET", "/_local/outbox", "");
    assert_eq!(status, 200);
    assert!(head.contains("content-type: text/html"), "{head}");
}

#[test]
fn an_empty_directory_has_no_sample_user() {
    let running = Running::start(&["--empty"]);
    assert_eq!(running.send("GET", &sample_path(), "").0, 404);
}

#[test]
fn a_data_file_keeps_users_and_deletions_over_a_restart() {
    let file = new_file("restart");
    let arguments = ["--data", file.to_str().unwrap()];
    let running = Running::start(&arguments);
    let (status, _, created) = running.send("POST", "/api/users", r#"{"username":"grace"}"#);
    assert_eq!(status, 201, "{created}");
    assert_eq!(running.send("DELETE", &sample_path(), "").0, 204);
    assert!(running.interrupt().0.success());

    let running = Running::start(&arguments);
    let path = format!("/api/users/{}", created["user_id"].as_str().unwrap());
    let (status, _, kept) = running.send("GET", &path, "");
    assert_eq!((status, kept), (200, created));
    // If each start wrote the sample user, the user would be back.
    assert_eq!(running.send("GET", &sample_path(), "").0, 404);
}

#[test]
fn a_data_file_of_another_layout_is_refused_in_one_line_that_says_what_to_do() {
    let file = new_file("layout");
    let older = file.with_extension("yaml");
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let by_number = template.replace(
        "{ AttributeName: list_shard, AttributeType: S }",
        r#"{ AttributeName: list_shard, AttributeType: "N" }"#,
    );
    assert_ne!(by_number, template);
    std::fs::write(&older, by_number).unwrap();
    let data = ["--data", file.to_str().unwrap()];
    let older = ["--empty", "--template", older.to_str().unwrap()];
    drop(Running::start(&[&data[..], &older].concat()));

    let [ports, more] = [["--port", "0"], ["--dynamodb-port", "0"]];
    let line = refusal(&[ports, more, data].concat());
    let what = "table roster has another layout (by_creation): use another --table or --data file";
    assert!(line.contains(what) && line.contains(data[1]), "{line}");
}

#[test]
fn a_data_file_has_its_link_keys_beside_it() {
    let file = new_file("link_keys");
    let keys = file.with_extension("link-keys");
    let arguments = ["--data", file.to_str().unwrap()];
    drop(Running::start(&arguments));
    let kept = std::fs::read(&keys).unwrap();
    drop(Running::start(&arguments));
    assert_eq!(std::fs::read(&keys).unwrap(), kept);

    std::fs::write(&keys, "no keys").unwrap();
    let [ports, more] = [["--port", "0"], ["--dynamodb-port", "0"]];
    let line = refusal(&[ports, more, arguments].concat());
    assert!(
        line.contains("link-keys") && line.contains("two lines"),
        "{line}"
    );
}

#[test]
fn an_interrupt_ends_it_without_an_error_and_frees_its_ports() {
    let running = Running::start(&[]);
    let addresses = running.addresses().map(str::to_owned);
    // The program waits for the interrupt once it has answered.
    assert_eq!(running.send("GET", &sample_path(), "").0, 200);
    let (status, rest) = running.interrupt();
    assert_eq!(status.code(), Some(0), "{status}");
    assert_eq!(rest, "");
    for address in addresses {
        assert!(TcpStream::connect(&address).is_err(), "{address}");
    }
}

#[test]
fn addresses_that_the_template_does_not_allow_are_refused() {
    let running = Running::start(&["--parameter", "AllowedAddresses=203.0.113.0/24"]);
    let (status, head, body) = running.send("GET", &sample_path(), "");
    assert_eq!(status, 403);
    assert!(
        head.contains("content-type: application/problem+json"),
        "{head}"
    );
    assert_eq!(body["status"], 403);
}

#[test]
fn it_answers_to_this_machines_names_and_those_that_are_allowed() {
    let running = Running::start(&["--allow-host", "one.example", "--allow-host", "two.example"]);
    for allowed in [
        "localhost",
        "127.0.0.1:80",
        "one.example",
        "two.example:9080",
    ] {
        assert_eq!(running.status_as(allowed), 200, "{allowed}");
    }
    assert_eq!(running.status_as("three.example"), 421);
}

#[test]
fn the_templates_throttle_holds_unless_it_is_lifted() {
    let slow = [
        ["--parameter", "ThrottlingRateLimit=1"],
        ["--parameter", "ThrottlingBurstLimit=1"],
    ];
    let statuses = |arguments: &[&str]| {
        let running = Running::start(arguments);
        let status = |_| running.send("GET", &sample_path(), "").0;
        (0..3).map(status).collect::<Vec<_>>()
    };
    assert!(statuses(&slow.concat()).contains(&429));
    let lifted = [&slow.concat()[..], &["--no-throttle"]].concat();
    assert_eq!(statuses(&lifted), [200; 3]);
}

#[test]
fn a_busy_port_is_refused_in_one_line() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let line = refusal(&["--port", &port, "--dynamodb-port", "0"]);
    assert!(line.contains(&port) && line.contains("--port"), "{line}");
    let line = refusal(&["--port", "0", "--dynamodb-port", &port]);
    assert!(
        line.contains(&port) && line.contains("--dynamodb-port"),
        "{line}"
    );
}

#[test]
fn a_template_that_is_missing_or_not_valid_is_refused_in_one_line() {
    for (template, reason) in [
        ("no-such-file.yaml", "No such file"),
        ("shared", "Is a directory"),
        ("Cargo.toml", "line "),
        ("events/get_user.json", "Parameters"),
    ] {
        let line = refusal(&["--port", "0", "--template", template]);
        assert!(line.contains(template) && line.contains(reason), "{line}");
    }
}

#[test]
fn a_data_file_that_is_no_database_is_refused_in_one_line_and_left_alone() {
    let file = new_file("no_database");
    let text = "Not a database. ".repeat(100);
    std::fs::write(&file, &text).unwrap();
    let name = file.to_str().unwrap();
    let directory = file.parent().unwrap().to_str().unwrap();
    let missing = format!("{directory}/missing/file");
    for (path, reason) in [
        (name, "it is not a database"),
        (directory, "Is a directory"),
        (&missing, "unable to open"),
    ] {
        let line = refusal(&["--port", "0", "--dynamodb-port", "0", "--data", path]);
        assert!(line.contains(path) && line.contains(reason), "{line}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_store_that_is_not_reached_is_refused_in_one_line() {
    for (url, reason) in [
        ("http://127.0.0.1:1", "Connection refused"),
        ("localhost:8000", "http://"),
        ("127.0.0.1", "http://"),
    ] {
        let line = refusal(&["--port", "0", "--dynamodb", url]);
        assert!(line.contains(url) && line.contains(reason), "{line}");
    }
}

#[test]
fn the_first_commands_of_readme_answer_with_the_sample_user() {
    if !has_curl() {
        return;
    }
    let running = Running::start(&[]);
    let commands = commands("With `cargo run` in another terminal:\n", running.base());
    assert_eq!(commands.len(), 4, "{commands:#?}");
    for command in commands {
        let answer = sh(&command, root());
        let user: Value = serde_json::from_str(&answer).unwrap_or_default();
        let id = &user["user_id"];
        assert_eq!(id, sample::published().id().as_str(), "{command}: {answer}");
    }
}

#[test]
fn the_walk_of_readme_changes_an_email_as_printed() {
    const NEW: &str = "countess@example.com";
    if !has_curl() {
        return;
    }
    let running = Running::start(&[]);
    let file = new_file("walk");
    let mut printed = String::new();
    for command in commands("### A person changes their e-mail\n", running.base()) {
        if command.contains("/_local/outbox") {
            // A person waits for the message before going on, so the test does, too.
            running.outbox(2);
        }
        printed = sh(&command, file.parent().unwrap());
    }
    let primary: Value = serde_json::from_str(&printed).unwrap_or_default();
    let wanted = json!({ "id": primary["id"], "email": NEW, "verified": true, "primary": true });
    assert_eq!(primary, wanted, "{printed}");

    let sent = running.outbox(5);
    let mut told: Vec<_> = sent
        .iter()
        .map(|message| ["channel", "to"].map(|name| message[name].as_str().unwrap()))
        .collect();
    let old = ["email", "ada@example.org"];
    let former = ["email", "ada.byron@example.org"];
    let mut subjects: Vec<_> = sent[2..]
        .iter()
        .map(|message| (&message["to"], &message["subject"]))
        .map(|(to, subject)| [to.as_str().unwrap(), subject.as_str().unwrap()])
        .collect();
    subjects.sort_unstable();
    let changed = "Your main e-mail address was changed";
    assert_eq!(
        subjects,
        [
            [former[1], "An e-mail address was added to your account"],
            [former[1], changed],
            [old[1], changed],
        ]
    );
    told[..2].sort_unstable();
    assert_eq!(told[..2], [["email", NEW], ["sms", "+441514960815"]]);
    told[2..].sort_unstable();
    assert_eq!(told[2..], [former, former, old]);
}

#[test]
fn the_generated_files_are_up_to_date() {
    let output = roster(&["generate", "--check"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

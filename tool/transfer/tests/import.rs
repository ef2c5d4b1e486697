//! How an import meets a service that throttles, fails, loses replies and leaves lines for later. What
//! answers here is a socket that says what it is told to: a real service does none of this on demand.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use transfer::{Ended, Input, Target, TransferError, import};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    target: Target,
}

/// What the service does with a request.
enum Act {
    /// Answers with this status, headers and body.
    Answer(u16, &'static str, String),
    /// Answers for each line with its status.
    Lines(&'static [u16]),
    /// Ends the connection without an answer.
    Lose,
}

/// A request, and when it came.
struct Received {
    at: Instant,
    head: String,
    lines: Vec<String>,
}

/// Serves these acts, one request each, on a connection each. Returns the requests.
fn serve(acts: Vec<Act>) -> (String, JoinHandle<Vec<Received>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let served = acts.into_iter().map(|act| {
            let (mut stream, _) = listener.accept().unwrap();
            let received = receive(&stream);
            answer(&mut stream, act);
            received
        });
        served.collect()
    });
    (url, served)
}

fn receive(stream: &TcpStream) -> Received {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    Received {
        at: Instant::now(),
        head,
        lines: body.lines().map(str::to_owned).collect(),
    }
}

fn answer(stream: &mut TcpStream, act: Act) {
    let (status, headers, body) = match act {
        Act::Lose => return,
        Act::Answer(status, headers, body) => (status, headers, body),
        Act::Lines(statuses) => {
            let outcomes = (1..).zip(statuses);
            let outcomes: Vec<Value> = outcomes
                .map(|(line, status)| json!({ "line": line, "status": status, "user_id": "a" }))
                .collect();
            (200, "", json!(outcomes).to_string())
        }
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} x\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
}

fn problem(status: u16, headers: &'static str) -> Act {
    let problem = json!({ "title": "Words.", "status": status });
    Act::Answer(status, headers, problem.to_string())
}

/// Imports three users. Returns how that ends, and what the service got.
async fn import_three(acts: Vec<Act>) -> (Result<Ended, TransferError>, Vec<Received>, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.ndjson");
    std::fs::write(&file, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n").unwrap();
    let (url, served) = serve(acts);
    let file = file.to_str().unwrap();
    let arguments = ["import", file, "--url", &url, "--key", "secret"];
    let command = Command::parse_from(arguments);
    let ended = import(command.input, &command.target, None).await;
    (ended, served.join().unwrap(), folder.keep())
}

#[tokio::test]
async fn a_service_without_room_is_asked_again_after_the_time_that_it_names() {
    for status in [429, 503] {
        let acts = vec![
            problem(status, "retry-after: 1\r\n"),
            Act::Lines(&[201, 201, 201]),
        ];
        let (ended, received, folder) = import_three(acts).await;
        assert_eq!(ended.unwrap(), Ended::Whole);
        let [first, second] = &received[..] else {
            panic!("two requests");
        };
        assert!(second.at - first.at >= Duration::from_secs(1));
        assert_eq!(first.lines, second.lines);
        assert!(
            first
                .head
                .starts_with("POST /v1/api/users/import HTTP/1.1\r\n")
        );
        assert!(first.head.contains("\r\nx-api-key: secret\r\n"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[tokio::test]
async fn a_lost_reply_and_a_fault_are_followed_by_the_same_request() {
    let acts = vec![
        Act::Lose,
        problem(500, ""),
        problem(504, ""),
        Act::Lines(&[200, 200, 200]),
    ];
    let (ended, received, folder) = import_three(acts).await;
    assert_eq!(ended.unwrap(), Ended::Whole);
    assert_eq!(received.len(), 4);
    assert!(received.iter().all(|it| it.lines == received[0].lines));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn lines_that_were_left_for_later_are_sent_again_alone() {
    let acts = vec![
        Act::Lines(&[201, 503, 409]),
        Act::Lines(&[503, 409]),
        Act::Lines(&[201]),
    ];
    let (ended, received, folder) = import_three(acts).await;
    assert_eq!(ended.unwrap(), Ended::WithRefusals);
    assert_eq!(received[1].lines, ["{\"a\":2}", "{\"a\":3}"]);
    assert_eq!(received[2].lines, ["{\"a\":2}"]);
    let refused = std::fs::read_to_string(folder.join("users.ndjson.refused.ndjson")).unwrap();
    let refused: Value = serde_json::from_str(&refused).unwrap();
    let wanted =
        json!({ "line": 3, "status": 409, "problem": { "user_id": "a" }, "user": { "a": 3 } });
    assert_eq!(refused, wanted);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_request_that_is_too_large_is_sent_in_parts() {
    let acts = vec![
        problem(413, ""),
        Act::Lines(&[201]),
        problem(413, ""),
        Act::Lines(&[201]),
    ];
    let (ended, received, folder) = import_three(acts).await;
    assert_eq!(ended.unwrap(), Ended::WithRefusals);
    let sizes: Vec<_> = received.iter().map(|it| it.lines.len()).collect();
    assert_eq!(sizes, [3, 1, 1, 1]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn an_answer_that_is_not_rosters_ends_it() {
    let page = "<html>Welcome</html>".to_owned();
    let (ended, _, folder) = import_three(vec![Act::Answer(200, "", page)]).await;
    let error = ended.unwrap_err();
    assert!(matches!(error, TransferError::NotRoster { .. }), "{error}");
    assert!(!folder.join("users.ndjson.progress").exists());
    std::fs::remove_dir_all(folder).unwrap();

    let (ended, _, folder) = import_three(vec![problem(410, "")]).await;
    let error = ended.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("410 Words."), "{said}");
    std::fs::remove_dir_all(folder).unwrap();
}

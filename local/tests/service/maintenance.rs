//! `export --table` and `check` as a person uses them, by the credentials of an AWS configuration.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use serde_json::{Value, json};

use crate::cli::{Running, ended, new_file, roster};

/// A bcrypt hash.
const HASH: &str = "$2b$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q";

/// A command on the table of a running program.
fn on_table(command: &str, store: &str, arguments: &[&str]) -> Command {
    let mut roster = roster(&[command, "--table", "roster", "--endpoint-url", store]);
    roster
        .args(arguments)
        // A key that lies about is no target.
        .env("ROSTER_API_KEY", "local-admin-key")
        .env("AWS_REGION", "local")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local");
    roster
}

/// All users of a table, in the order of their ids.
fn export(running: &Running, name: &str) -> (String, Vec<Value>) {
    let file = new_file(name);
    let path = file.to_str().unwrap();
    let (code, stdout, stderr) = ended(&mut on_table("export", running.store(), &["--out", path]));
    assert_eq!(code, Some(0), "{stderr}");
    let lines = std::fs::read_to_string(&file).unwrap();
    let users = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let mut users: Vec<Value> = users.collect();
    let count = users.len();
    assert_eq!(stdout, format!("{count} users in {path}\n"));
    users.sort_by_key(|user| user["user_id"].as_str().unwrap().to_owned());
    (path.to_owned(), users)
}

fn import(file: &str, running: &Running) {
    let arguments = ["import", file, "--url", running.base(), "--key"];
    let mut command = roster(&arguments);
    let (code, stdout, stderr) = ended(command.arg("local-admin-key"));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
}

#[test]
fn a_directory_moves_by_its_table_with_all_hashes() {
    let [first, second] = [Running::start(&["--empty"]), Running::start(&["--empty"])];
    let user = |n: usize| {
        json!({
            "user_id": format!("imported{n:03}"),
            "creation_time": 1_600_000_000 + n,
            "disabled": n.is_multiple_of(2),
            "username": { "username": format!("User{n}"), "source": "api" },
            "emails": [{
                "email": format!("User{n}@example.org"), "primary": true, "verified": true,
                "verification_source": "self_service",
            }],
            "phone_numbers": [{ "phone": format!("+44151496{n:04}") }],
            "passkeys": [{
                "name": "Key", "passkey_id": format!("cGFzc2tleQ{n:02}"), "public_key": "a2V5",
                "aa_guid": "00000000-0000-0000-0000-000000000000", "backup_state": true,
                "backup_eligibility": true, "user_present": true, "user_verified": false,
                "user_agent": null,
            }],
            "external_providers": [{
                "authenticator": "google", "provider_user_id": format!("{n}"), "claims": { "n": n },
            }],
            "claims": { "name": format!("User \u{df} {n}") },
            "private_data": { "number": 1.50 },
            "password_hash": HASH,
            "force_password_reset": true,
            "failure_count": n,
            "last_sign_in_success": 1_600_000_500,
        })
    };
    let lines: Vec<_> = (0..20).map(|n| user(n).to_string()).collect();
    let file = new_file("with-hashes");
    std::fs::write(&file, lines.join("\n")).unwrap();
    import(file.to_str().unwrap(), &first);

    let (file, before) = export(&first, "from-table");
    assert_eq!(before.len(), 20);
    assert!(before.iter().all(|user| user["password_hash"] == HASH));
    import(&file, &second);
    let (_, after) = export(&second, "from-second-table");
    assert_eq!(before, after);
}

/// Deletes or puts an item without Roster's code.
fn write(store: &str, operation: &str, body: &Value) {
    let address = store.strip_prefix("http://").unwrap();
    let body = body.to_string();
    let length = body.len();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/x-amz-json-1.0\r\nx-amz-date: 20260101T000000Z\r\nx-amz-target: DynamoDB_20120810.{operation}\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, \
         SignedHeaders=host, Signature=0\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn what_is_wrong_is_named_until_it_is_mended() {
    let running = Running::start(&["--empty"]);
    let grace = r#"{"username":"grace","email":"grace@example.org"}"#;
    let (status, _, user) = running.send("POST", "/api/users", grace);
    assert_eq!(status, 201);
    let id = user["user_id"].as_str().unwrap();
    let key = json!({ "PK": { "S": "USERNAME#grace" }, "SK": { "S": "RESERVATION" } });
    let lost = json!({ "TableName": "roster", "Key": key });
    write(running.store(), "DeleteItem", &lost);
    let check = |arguments: &[&str]| {
        let mut command = on_table("check", running.store(), arguments);
        let (code, stdout, stderr) = ended(command.args(["--apart", "0"]));
        assert_eq!(stderr, "");
        let (told, sum) = stdout
            .trim_end()
            .rsplit_once('\n')
            .unwrap_or(("", stdout.trim_end()));
        let sum = sum.split_once(": ").unwrap().1.to_owned();
        (code, told.to_owned(), sum)
    };
    let words = format!("user {id}: the username grace is not reserved");
    let (code, told, sum) = check(&[]);
    assert_eq!((code, &told, &*sum), (Some(1), &words, "1 wrong, 1 left"));
    let (code, told, sum) = check(&["--mend"]);
    let mended = format!("{words}: mended");
    assert_eq!((code, &told, &*sum), (Some(0), &mended, "1 wrong, 0 left"));

    // The same name, and a user who is gone holds it.
    let mut item = key;
    for (name, value) in [
        ("owner", "gone"),
        ("canonical", "grace"),
        ("prefix", "1#USERNAME#g#0"),
    ] {
        item[name] = json!({ "S": value });
    }
    let held = json!({ "TableName": "roster", "Item": item });
    write(running.store(), "PutItem", &held);
    let (code, told, sum) = check(&["--mend"]);
    let both =
        format!("the username grace is reserved for gone, who does not have it: mended\n{mended}");
    assert_eq!((code, &told, &*sum), (Some(0), &both, "2 wrong, 0 left"));

    // Until then, the consumer of the stream is a writer.
    running.wait_for_event(id);
    let (code, told, sum) = check(&["--mend", "--no-writers"]);
    assert_eq!((code, &*told, &*sum), (Some(0), "", "0 wrong, 0 left"));
    let again = r#"{"username":"GRACE"}"#;
    assert_eq!(running.send("POST", "/api/users", again).0, 422);
}

#[test]
fn what_is_missing_to_reach_a_table_is_told() {
    // Nothing of this machine's own configuration.
    let home = new_file("home");
    std::fs::create_dir_all(&home).unwrap();
    let bare = |arguments: &[&str]| {
        let mut command = roster(arguments);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        command
            .env_remove("ROSTER_API_KEY")
            .env("HOME", &home)
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    };
    let check = [
        "check",
        "--table",
        "roster",
        "--endpoint-url",
        "http://127.0.0.1:9",
    ];
    let (code, _, stderr) = ended(&mut bare(&check));
    let wanted = "roster: no AWS region is configured: give --region, or set AWS_REGION\n";
    assert_eq!((code, &*stderr), (Some(1), wanted));
    let (code, _, stderr) = ended(bare(&check).args(["--region", "local"]));
    assert_eq!(code, Some(1));
    assert!(
        stderr.starts_with("roster: no AWS credentials are found: "),
        "{stderr}"
    );
    let (code, _, stderr) = ended(&mut bare(&["export"]));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("<--url <URL>|--table <NAME>>"), "{stderr}");
}

//! Moving users: `import` and `export` as a person uses them.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use domain::UserId;
use serde_json::{Value, json};
use transfer::Input;

use crate::cli::{Running, new_file, refusal, roster, send_interrupt, wait};

const KEY: [&str; 2] = ["--key", "local-admin-key"];
/// A bcrypt hash.
const HASH: &str = "$2b$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q";

/// One batch a second at most, and each has 250 lines: an import is never at its end soon.
const SLOW: [&str; 5] = [
    "--empty",
    "--parameter",
    "ThrottlingRateLimit=1",
    "--parameter",
    "ThrottlingBurstLimit=1",
];

fn user(n: usize) -> Value {
    json!({
        "user_id": format!("imported{n:06}"),
        "creation_time": 1_600_000_000 + n,
        "last_updated": 1_600_000_500 + n,
        "disabled": n.is_multiple_of(7),
        "emails": [{
            "id": format!("00000000-0000-7000-8000-{n:012}"),
            "email": format!("User{n}@example.org"),
            "verified": true,
            "primary": true,
        }],
        "claims": { "name": format!("User ß {n}"), "number": 1.50 },
        "private_data": { "n": n },
    })
}

fn ndjson(users: impl Iterator<Item = Value>) -> String {
    let lines: Vec<_> = users.map(|user| user.to_string()).collect();
    lines.join("\n") + "\n"
}

/// A file of this text, in a folder of its own.
fn file(name: &str, text: &str) -> PathBuf {
    let file = new_file(name);
    std::fs::write(&file, text).unwrap();
    file
}

fn beside(file: &Path, extension: &str) -> PathBuf {
    PathBuf::from(format!("{}{extension}", file.display()))
}

/// Begins an import.
fn begin(file: &Path, base: &str) -> Child {
    begin_from(&[], file, base)
}

/// Begins an import of another product's export.
fn begin_from(from: &[&str], file: &Path, base: &str) -> Child {
    let mut command = roster(&["import", file.to_str().unwrap(), "--url", base]);
    command.args(from).args(KEY);
    command.stderr(Stdio::piped()).spawn().unwrap()
}

/// How an import ends: its exit code, and what it prints.
#[track_caller]
fn import(file: &Path, base: &str) -> (i32, String, String) {
    ended(begin(file, base))
}

fn ended(process: Child) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = process.wait_with_output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
    (status.code().unwrap_or(-1), stdout, stderr)
}

/// All users as lines.
#[track_caller]
fn export(base: &str) -> Vec<String> {
    let mut command = roster(&["export", "--url", base]);
    // From the environment, the key is in no list of processes.
    let output = command.env("ROSTER_API_KEY", KEY[1]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn ids(lines: &[String]) -> Vec<String> {
    let ids = lines.iter().map(|line| {
        let user: Value = serde_json::from_str(line).unwrap();
        user["user_id"].as_str().unwrap().to_owned()
    });
    ids.collect()
}

/// Waits until some lines have their outcome and others don't.
fn wait_for_journal(process: &mut Child, file: &Path) {
    let start = Instant::now();
    while !beside(file, ".progress").exists() {
        assert_eq!(process.try_wait().unwrap(), None, "it has ended");
        assert!(start.elapsed() < Duration::from_secs(30), "no journal");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn users_move_from_one_directory_to_another_and_stay_the_same() {
    const USERS: usize = 600;
    let [first, second] = [Running::start(&["--empty"]), Running::start(&["--empty"])];
    let here = file("moving", &ndjson((0..USERS).map(user)));
    let (code, stdout, stderr) = import(&here, first.base());
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(
        stdout,
        "600 users: 600 created, 0 there already, 0 refused\n"
    );
    for extension in [".progress", ".progress.new", ".refused.ndjson"] {
        assert!(!beside(&here, extension).exists(), "{extension}");
    }

    let exported = export(first.base());
    let in_order: Vec<_> = (0..USERS).map(|n| format!("imported{n:06}")).collect();
    assert_eq!(ids(&exported), in_order);
    let (status, _, shown) = first.send("GET", "/api/users/imported000007", "");
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_str::<Value>(&exported[7]).unwrap(), shown);
    assert_eq!(
        (&shown["disabled"], &shown["creation_time"]),
        (&json!(true), &json!(1_600_000_007))
    );

    let array = format!("[\n  {}\n]\n", exported.join(",\n  "));
    let there = file("moved", &array);
    let (code, stdout, stderr) = import(&there, second.base());
    assert_eq!(
        (code, stdout.as_str()),
        (0, "600 users: 600 created, 0 there already, 0 refused\n"),
        "{stderr}"
    );
    assert_eq!(export(second.base()), exported);

    // The same lines once more change nothing.
    let (code, stdout, _) = import(&there, second.base());
    assert_eq!(
        (code, stdout.as_str()),
        (0, "600 users: 0 created, 600 there already, 0 refused\n")
    );
    assert_eq!(export(second.base()), exported);
}

#[test]
fn an_export_is_there_whole_or_not_at_all() {
    let running = Running::start(&[]);
    let out = new_file("export");
    let arguments = [
        "export",
        "--url",
        running.base(),
        "--out",
        out.to_str().unwrap(),
    ];
    let output = roster(&arguments).args(KEY).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, format!("2 users in {}\n", out.display()));
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 2);
    assert_eq!(mode(&out), 0o600);

    let wrong = ["--key", "no-such-key"];
    let line = refusal(&[&arguments[..], &wrong].concat());
    assert!(line.contains("401") && line.contains("--key"), "{line}");
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 2);
    assert!(!beside(&out, ".partial").exists());
}

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn lines_that_are_refused_are_kept_with_the_reason_and_the_others_are_imported() {
    let running = Running::start(&["--empty"]);
    let taken = json!({ "user_id": "taken", "emails": [{ "email": "user0@EXAMPLE.org" }] });
    let hashed =
        json!({ "user_id": "hashed", "username": { "username": "hashed" }, "password_hash": HASH });
    let weak = json!({ "user_id": "weak", "username": { "username": "weak" }, "password_hash": "$2b$99$x" });
    let lines = [
        user(0).to_string(),
        "{\"user_id\":".to_owned(),
        String::new(),
        taken.to_string(),
        hashed.to_string(),
        weak.to_string(),
        json!({ "user_id": "imported000000", "username": { "username": "other" } }).to_string(),
        user(1).to_string(),
    ];
    let input = file("refusing", &lines.join("\n"));
    for (created, found) in [(3, 0), (0, 3)] {
        let (code, stdout, stderr) = import(&input, running.base());
        assert_eq!(code, 1, "{stderr}");
        let refused = beside(&input, ".refused.ndjson");
        let said = format!(
            "7 users: {created} created, {found} there already, 4 refused\n\
             refused lines, maybe with password hashes: {}\n",
            refused.display()
        );
        assert_eq!(stdout, said);
        assert_eq!(mode(&refused), 0o600);
        let refused = std::fs::read_to_string(refused).unwrap();
        let refused: Vec<Value> = refused
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let told: BTreeSet<_> = refused
            .iter()
            .map(|line| {
                (
                    line["line"].as_u64().unwrap(),
                    line["status"].as_u64().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            told,
            BTreeSet::from([(2, 400), (4, 422), (6, 422), (7, 409)]),
            "{refused:#?}"
        );
        let of = |number: u64| refused.iter().find(|line| line["line"] == number).unwrap();
        assert_eq!(of(2)["text"], "{\"user_id\":");
        assert_eq!(of(4)["user"], taken);
        assert_eq!(of(4)["problem"]["errors"][0]["code"], "DuplicateEmail");
        assert_eq!(of(6)["user"], weak);
    }
    let mut all = ids(&export(running.base()));
    all.sort_unstable();
    assert_eq!(all, ["hashed", "imported000000", "imported000001"]);
}

#[test]
fn an_import_that_is_killed_goes_on_where_it_stopped_and_only_with_the_same_file() {
    const USERS: usize = 1_000;
    let running = Running::start(&SLOW);
    let mut lines: Vec<_> = (0..USERS).map(|n| user(n).to_string()).collect();
    lines[100] = "no JSON".to_owned();
    lines[900] = "no JSON".to_owned();
    let text = lines.join("\n");
    let input = file("killed", &text);
    let mut process = begin(&input, running.base());
    wait_for_journal(&mut process, &input);
    let second = refusal(&[
        "import",
        input.to_str().unwrap(),
        "--url",
        running.base(),
        KEY[0],
        KEY[1],
    ]);
    assert!(
        second.contains("another import of this file is running"),
        "{second}"
    );
    process.kill().unwrap();
    process.wait().unwrap();

    std::fs::write(&input, format!("{text}\n{}", user(USERS))).unwrap();
    let (code, stdout, stderr) = import(&input, running.base());
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.contains("has changed") && stderr.contains("remove"),
        "{stderr}"
    );

    std::fs::write(&input, &text).unwrap();
    let (code, stdout, stderr) = import(&input, running.base());
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("goes on after line "), "{stderr}");
    // Of a batch whose reply was lost, the users are there already.
    let numbers: Vec<usize> = stdout
        .lines()
        .next()
        .unwrap()
        .split([' ', ':'])
        .filter_map(|word| word.replace(',', "").parse().ok())
        .collect();
    let [total, created, found, refused] = numbers[..] else {
        panic!("{stdout}");
    };
    assert_eq!(
        (total, created + found, refused),
        (USERS, USERS - 2, 2),
        "{stdout}"
    );
    let refused = std::fs::read_to_string(beside(&input, ".refused.ndjson")).unwrap();
    let refused: Vec<Value> = refused
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["line"].clone())
        .collect();
    assert_eq!(refused, [101, 901]);
    assert!(!beside(&input, ".progress").exists());

    drop(running);
}

#[test]
fn an_interrupt_ends_an_import_with_its_journal() {
    let running = Running::start(&SLOW);
    let input = file("interrupted", &ndjson((0..1_000).map(user)));
    let mut process = begin(&input, running.base());
    wait_for_journal(&mut process, &input);
    send_interrupt(&process);
    wait(&mut process);
    let (code, stdout, stderr) = ended(process);
    assert_eq!(code, 130, "{stderr}");
    assert!(
        stdout.ends_with("\nstopped: run the same command to go on\n"),
        "{stdout}"
    );
    let journal = std::fs::read(beside(&input, ".progress")).unwrap();
    let journal: Value = serde_json::from_slice(&journal).unwrap();
    let line = journal["position"]["line"].as_u64().unwrap();
    assert!(
        (1..1_000).contains(&line) && line == journal["counts"]["created"],
        "{journal}"
    );
}

/// An export of another product, and what becomes of it.
#[derive(Clone)]
struct Export {
    fixture: &'static str,
    from: &'static [&'static str],
    said: &'static str,
    /// Those who sign in: by their e-mail address or username, with which password, and the status of that.
    sign_ins: &'static [(&'static str, &'static str, u16)],
    /// A user by id, and what is shown of them among the rest.
    user: (&'static str, Value),
}

/// Asserts that `shown` has all that `wanted` has.
#[track_caller]
fn assert_has(shown: &Value, wanted: &Value) {
    match (shown, wanted) {
        (Value::Object(own), Value::Object(members)) => {
            for (name, value) in members {
                let own = own.get(name).unwrap_or_else(|| panic!("{name}: {shown}"));
                assert_has(own, value);
            }
        }
        (Value::Array(own), Value::Array(values)) if own.len() == values.len() => {
            for (own, value) in own.iter().zip(values) {
                assert_has(own, value);
            }
        }
        _ => assert_eq!(shown, wanted),
    }
}

/// The password of all hashes in the fixtures but Firebase's, which is the one of Firebase's own example.
const PASSWORD: &str = "correct horse battery";

fn exports_of_hosted_products() -> Vec<Export> {
    let verified = json!({ "verified": true, "primary": true });
    vec![
        Export {
            fixture: "auth0-users.ndjson",
            from: &["--from", "auth0"],
            said: "5 users: 4 created, 0 there already, 1 refused",
            sign_ins: &[],
            user: (
                "google-oauth2_115015401343387192604",
                json!({
                    "disabled": true,
                    "creation_time": 1_577_836_800,
                    "emails": [verified],
                    "external_providers": [{ "authenticator": "google" }],
                    "private_data": { "user_id": "google-oauth2|115015401343387192604" },
                }),
            ),
        },
        Export {
            fixture: "auth0-passwords.ndjson",
            from: &["--from", "auth0"],
            said: "3 users: 2 created, 0 there already, 1 refused",
            sign_ins: &[
                ("edith@example.org", PASSWORD, 200),
                ("frances", PASSWORD, 200),
            ],
            user: (
                "auth0_euclid",
                json!({ "has_password": true, "password_updated_at": 1_580_601_600 }),
            ),
        },
        Export {
            fixture: "cognito-users.json",
            from: &["--from", "cognito"],
            said: "5 users: 4 created, 0 there already, 1 refused",
            sign_ins: &[],
            user: (
                "eaad0219-2117-439f-8d46-4db20e59268f",
                json!({
                    "disabled": false,
                    "emails": [{ "email": "ada@example.com", "verified": true }],
                    "claims": { "given_name": "Ada" },
                    "private_data": { "Attributes": { "custom:tier": "gold" } },
                }),
            ),
        },
        Export {
            fixture: "firebase-users.json",
            from: &[
                "--from",
                "firebase",
                "--firebase-signer-key",
                "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
            ],
            said: "4 users: 3 created, 0 there already, 1 refused",
            sign_ins: &[("edith@example.net", "user1password", 200)],
            user: (
                "Uk3gXgXpPcQZQ0pQZk6gZ8pQm2n1",
                json!({ "emails": [verified], "creation_time": 1_486_324_245 }),
            ),
        },
        Export {
            fixture: "clerk-users.csv",
            from: &["--from", "clerk"],
            said: "6 users: 4 created, 0 there already, 2 refused",
            // bcrypt, and what Werkzeug and Django make.
            sign_ins: &[
                ("ada_clerk", PASSWORD, 200),
                ("carol_clerk", PASSWORD, 200),
                ("dorothy_clerk", PASSWORD, 200),
            ],
            user: (
                "user_2abcAda",
                json!({
                    "emails": [verified, { "verified": true }, { "verified": false }],
                    "phone_numbers": [verified],
                    "private_data": { "totp_secret": true },
                }),
            ),
        },
    ]
}

fn exports_of_open_products() -> Vec<Export> {
    vec![
        Export {
            fixture: "keycloak-realm.json",
            from: &["--from", "keycloak"],
            said: "7 users: 5 created, 0 there already, 2 refused",
            // Argon2id and PBKDF2 with SHA-256, SHA-512 and, of one who has to change the password, SHA-1.
            sign_ins: &[
                ("ada", PASSWORD, 200),
                ("carol@example.edu", PASSWORD, 200),
                ("dorothy", PASSWORD, 200),
                ("barbara", PASSWORD, 403),
            ],
            user: (
                "0c1d2e3f-0000-4000-8000-000000000002",
                json!({ "username": { "username": "barbara" }, "force_password_reset": true }),
            ),
        },
        Export {
            fixture: "supabase-users.csv",
            from: &["--from", "supabase"],
            said: "6 users: 3 created, 0 there already, 3 refused",
            sign_ins: &[
                ("ada@example.dev", PASSWORD, 200),
                ("carol@example.dev", PASSWORD, 200),
            ],
            user: (
                "5a1b2c3d-0000-4000-8000-000000000001",
                json!({
                    "last_sign_in_success": 1_685_700_000,
                    "public_data": { "raw_user_meta_data": { "full_name": "Ada Lovelace" } },
                }),
            ),
        },
        Export {
            fixture: "supabase-users.ndjson",
            from: &["--from", "supabase"],
            said: "3 users: 2 created, 0 there already, 1 refused",
            sign_ins: &[("frances@example.dev", PASSWORD, 200)],
            user: (
                "5a1b2c3d-0000-4000-8000-000000000008",
                json!({ "external_providers": [{ "authenticator": "google" }] }),
            ),
        },
    ]
}

#[test]
fn users_of_other_products_are_imported_and_sign_in_with_their_passwords() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tool/transfer/fixtures");
    for export in [exports_of_hosted_products(), exports_of_open_products()].concat() {
        let fixture = export.fixture;
        let running = Running::start(&["--empty"]);
        let text = std::fs::read_to_string(fixtures.join(fixture)).unwrap();
        let input = file(fixture, &text);
        // What was refused is refused again, and what was created is there already.
        let found = export.said.replace("created, 0", "created#0");
        let count = found.split(' ').nth(2).unwrap();
        let again = found.replace(
            &format!("{count} created#0"),
            &format!("0 created, {count}"),
        );
        for said in [export.said, &again] {
            let (code, stdout, stderr) = ended(begin_from(export.from, &input, running.base()));
            assert_eq!(
                (code, stdout.lines().next()),
                (1, Some(said)),
                "{fixture}: {stderr}"
            );
        }
        let refused = std::fs::read_to_string(beside(&input, ".refused.ndjson")).unwrap();
        for line in refused.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            // This program's own words, and the user as the product has written it.
            assert!(
                line["status"] == 422 && line["record"].is_object(),
                "{line}"
            );
            assert!(line["problem"]["detail"].is_string(), "{line}");
        }
        let (id, wanted) = export.user;
        let (status, _, shown) = running.send("GET", &format!("/api/users/{id}"), "");
        assert_eq!(status, 200, "{fixture}");
        assert_has(&shown, &wanted);
        for &(name, password, status) in export.sign_ins {
            let kind = if name.contains('@') {
                "email"
            } else {
                "username"
            };
            for (password, status) in [("another password", 401), (password, status)] {
                let body = json!({ kind: name, "password": password });
                let answer = running.send("POST", "/users/login/", &body.to_string());
                assert_eq!(answer.0, status, "{fixture}: {answer:?}");
            }
        }
    }
}

#[test]
fn an_import_of_another_products_table_goes_on_where_it_stopped_and_only_in_the_same_form() {
    const USERS: usize = 800;
    const FROM: [&str; 2] = ["--from", "clerk"];
    let running = Running::start(&SLOW);
    let rows = (0..USERS).map(|n| format!("user_{n},\"A, \"\"{n}\"\"\nB\",clerk{n}\n"));
    let table = format!("id,first_name,username\n{}", rows.collect::<String>());
    let input = file("clerk", &table);
    let mut process = begin_from(&FROM, &input, running.base());
    wait_for_journal(&mut process, &input);
    process.kill().unwrap();
    process.wait().unwrap();

    for from in [
        &[][..],
        &["--from", "supabase"],
        &["--from", "clerk", "--drop-unusable-hashes"],
    ] {
        let (code, stdout, stderr) = ended(begin_from(from, &input, running.base()));
        assert_eq!((code, stdout.as_str()), (1, ""), "{from:?}");
        assert!(stderr.contains("another --from"), "{stderr}");
    }
    let (code, stdout, stderr) = ended(begin_from(&FROM, &input, running.base()));
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("goes on after line "), "{stderr}");
    assert!(stdout.starts_with("800 users: "), "{stdout}");
    let (_, _, shown) = running.send("GET", "/api/users/user_799", "");
    assert_has(
        &shown,
        &json!({ "claims": { "given_name": "A, \"799\"\nB" } }),
    );
}

#[test]
fn what_is_before_a_fault_of_the_file_is_imported_and_told() {
    let running = Running::start(&["--empty"]);
    let input = file("faulty", &format!("[{},oh", user(0)));
    let (code, stdout, stderr) = import(&input, running.base());
    assert_eq!(code, 1);
    assert_eq!(stdout, "1 users: 1 created, 0 there already, 0 refused\n");
    assert!(stderr.contains("not JSON from byte"), "{stderr}");

    std::fs::write(&input, "[oh").unwrap();
    std::fs::remove_file(beside(&input, ".progress")).unwrap();
    let (code, stdout, _) = import(&input, running.base());
    assert_eq!((code, stdout.as_str()), (1, ""));
}

#[test]
fn refused_lines_go_to_the_file_that_is_named_and_over_no_other() {
    let running = Running::start(&["--empty"]);
    let input = file("named", "{\n");
    let import_to = |refused: &Path| {
        ended(begin_from(
            &["--refused", refused.to_str().unwrap()],
            &input,
            running.base(),
        ))
    };
    let named = beside(&input, ".mine");
    for _ in 0..2 {
        let (code, stdout, stderr) = import_to(&named);
        assert_eq!(code, 1, "{stderr}");
        assert!(stdout.contains(named.to_str().unwrap()), "{stdout}");
        assert_eq!(std::fs::read_to_string(&named).unwrap().lines().count(), 1);
    }
    let other = beside(&input, ".other");
    std::fs::write(&other, "other\n").unwrap();
    for (refused, text) in [(&other, "other\n"), (&input, "{\n")] {
        let (code, stdout, stderr) = import_to(refused);
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(stderr.contains("name another file"), "{stderr}");
        assert_eq!(std::fs::read_to_string(refused).unwrap(), text);
    }
}

#[derive(Parser)]
struct Reading {
    #[command(flatten)]
    input: Input,
}

#[test]
fn an_id_is_kept_if_the_service_takes_it() {
    let long = "a".repeat(64);
    let ids = [
        "a",
        "A-z_09",
        "-",
        "_",
        "a b",
        "a.b",
        "a/b",
        "ä",
        "a\n",
        "a+",
        "a=",
        "groups",
        "import",
        "Groups",
        "groups2",
        "imports",
        "user",
        &long,
        &format!("{long}a"),
    ];
    let rows = ids.map(|id| json!({ "id": id, "email": "ada@example.org" }).to_string());
    let input = file("ids", &rows.join("\n"));
    let arguments = ["import", input.to_str().unwrap(), "--from", "supabase"];
    let records = Reading::parse_from(arguments).input.records().unwrap();
    let lines: Vec<Value> = records
        .map(|record| serde_json::from_slice(&record.unwrap().text.unwrap()).unwrap())
        .collect();
    assert_eq!(lines.len(), ids.len());
    for (id, line) in ids.iter().zip(lines) {
        let is_taken = UserId::parse(id).is_ok();
        assert_eq!(line["user_id"], json!(is_taken.then_some(id)), "{id}");
        assert_eq!(
            line["private_data"]["id"],
            json!((!is_taken).then_some(id)),
            "{id}"
        );
    }
}

#[test]
fn standard_input_is_imported_too() {
    let running = Running::start(&["--empty"]);
    let mut command = roster(&["import", "-", "--url", running.base()]);
    let input = file("stdin", &ndjson((0..3).map(user)));
    let input = std::fs::File::open(input).unwrap();
    let output = command.args(KEY).stdin(input).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(ids(&export(running.base())).len(), 3);
}

#[test]
fn an_import_that_can_not_begin_says_in_one_line_what_to_do() {
    let running = Running::start(&["--empty"]);
    let input = file("refused", &ndjson((0..1).map(user)));
    let input = input.to_str().unwrap();
    let base = running.base();
    let other_stage = format!("{base}/v2");
    for (file, url, key, words) in [
        (
            "no-such-file.ndjson",
            base,
            KEY[1],
            &["no-such-file.ndjson", "No such file"][..],
        ),
        ("local", base, KEY[1], &["local", "directory"]),
        (
            input,
            base,
            "no-such-key",
            &["401", "--key", "ROSTER_API_KEY"],
        ),
        (
            input,
            base,
            "local-read-only-key",
            &["403", "administrator"],
        ),
        (input, base, "", &["key", "empty"]),
        (input, &other_stage, KEY[1], &["/v2", "404", "--url"]),
        (
            input,
            "http://127.0.0.1:1",
            KEY[1],
            &["127.0.0.1:1", "refused", "--url"],
        ),
        (
            input,
            "https://127.0.0.1:1",
            KEY[1],
            &["127.0.0.1:1", "refused", "--url"],
        ),
        (input, "http://api.example.com", KEY[1], &["https://"]),
        (input, "api.example.com", KEY[1], &["https://"]),
    ] {
        let line = refusal(&["import", file, "--url", url, "--key", key]);
        assert!(
            words.iter().all(|word| line.contains(word)),
            "{words:?}: {line}"
        );
    }
    // What answers there speaks no TLS.
    let tls = base.replace("http:", "https:");
    let line = refusal(&["import", input, "--url", &tls, "--key", KEY[1]]);
    assert!(line.contains(&tls), "{line}");
    assert!(!beside(Path::new(input), ".progress").exists());
}

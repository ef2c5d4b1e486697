//! `import --to-dynamodb-json` as a person uses it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::{Running, ended, new_file, roster};

/// A file of so many users, and one line that is none.
fn users(name: &str, count: usize) -> PathBuf {
    let file = new_file(name);
    let user = |n: usize| json!({ "user_id": format!("user{n}"), "username": { "username": format!("user{n}") } });
    let mut lines: Vec<_> = (0..count).map(|n| user(n).to_string()).collect();
    lines.push("{".to_owned());
    std::fs::write(&file, lines.join("\n")).unwrap();
    file
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    ended(roster(arguments).env_remove("ROSTER_API_KEY"))
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn json_in(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn users_become_the_files_of_a_table_as_the_template_has_it() {
    let file = users("items", 30);
    let out = file.with_extension("out");
    let (file, folder) = (file.to_str().unwrap(), out.to_str().unwrap());
    let arguments = [
        "import",
        file,
        "--to-dynamodb-json",
        folder,
        "--table-name",
        "new",
    ];
    let (code, stdout, stderr) = run(&arguments);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stdout.starts_with("31 users: 30 written, "), "{stdout}");
    for next in [
        format!("aws s3 cp --recursive '{folder}/items' s3://<bucket>/items/"),
        "aws dynamodb import-table".to_owned(),
        format!("'file://{folder}/table.json'"),
        "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES".to_owned(),
        "Enabled=true,AttributeName=expires_at".to_owned(),
        "ExistingTableStream=".to_owned(),
    ] {
        assert!(stdout.contains(&next), "{next}: {stdout}");
    }
    // The check comes before the stream, whose consumers write.
    let check = stdout.find("cargo run -- check --table new --apart 0 --no-writers");
    assert!(check.is_some_and(|check| check < stdout.find("StreamEnabled").unwrap()));

    let table = json_in(&out.join("table.json"));
    assert_eq!(table["TableName"], "new");
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["SSESpecification"], json!({ "Enabled": true }));
    let key = [("PK", "HASH"), ("SK", "RANGE")];
    let key = key.map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind }));
    assert_eq!(table["KeySchema"], json!(key));
    let by_domain = json!({
        "IndexName": "by_domain",
        "KeySchema": [
            { "AttributeName": "domain", "KeyType": "HASH" },
            { "AttributeName": "canonical", "KeyType": "RANGE" },
        ],
        "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": ["owner"] },
    });
    assert_eq!(table["GlobalSecondaryIndexes"][3], by_domain);
    assert_eq!(table["AttributeDefinitions"].as_array().unwrap().len(), 8);

    assert_eq!(json_in(&out.join("manifest.json"))["users"], 30);
    // Only what DynamoDB reads lies below the prefix, and only what is needed beside it.
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    assert_eq!(names(&out), ["items", "manifest.json", "table.json"]);
    assert_eq!(names(&out.join("items")), ["00000.json.gz"]);
    for name in ["items/00000.json.gz", "manifest.json", "table.json"] {
        assert_eq!(mode(&out.join(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&out), 0o700);

    let (code, _, stderr) = run(&arguments);
    let refusal = "is there and not empty: give another folder, or remove it\n";
    assert!(stderr.ends_with(refusal), "{stderr}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_file_that_can_not_be_read_to_its_end_leaves_a_folder_that_can_go() {
    let file = new_file("broken");
    std::fs::write(&file, "[{\"username\":{\"username\":\"ada\"}},oh").unwrap();
    let out = file.with_extension("out");
    let (file, folder) = (file.to_str().unwrap(), out.to_str().unwrap());
    let (code, stdout, stderr) = run(&["import", file, "--to-dynamodb-json", folder]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    let words = format!("nothing was written that can be imported, and {folder} can be removed\n");
    assert!(
        stderr.contains("not JSON from byte") && stderr.ends_with(&words),
        "{stderr}"
    );
    assert!(!out.join("manifest.json").exists());
}

#[test]
fn what_an_import_by_the_api_has_begun_stays() {
    let file = users("begun", 1);
    let beside = |extension: &str| PathBuf::from(format!("{}{extension}", file.display()));
    let refused = beside(".refused.ndjson");
    std::fs::write(beside(".progress"), "{}").unwrap();
    std::fs::write(&refused, "{\"line\":1}\n").unwrap();
    let out = file.with_extension("out");
    let (file, folder) = (file.to_str().unwrap(), out.to_str().unwrap());
    let (code, _, stderr) = run(&["import", file, "--to-dynamodb-json", folder]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("not at its end"), "{stderr}");
    assert!(refused.exists() && !out.exists());
}

#[test]
fn an_import_says_which_destination_is_missing_or_one_too_many() {
    let (code, _, stderr) = run(&["import", "x"]);
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("<--url <URL>|--to-dynamodb-json <DIR>>"),
        "{stderr}"
    );
    let both = [
        "import",
        "x",
        "--key",
        "k",
        "--url",
        "u",
        "--to-dynamodb-json",
        "d",
    ];
    let (code, _, stderr) = run(&both);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("cannot be used with"), "{stderr}");
    let (code, _, stderr) = run(&["import", "-", "--to-dynamodb-json", "/tmp/absent-folder"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("standard input can't be read twice"),
        "{stderr}"
    );
    assert!(!Path::new("/tmp/absent-folder").exists());
}

#[test]
fn the_service_runs_with_the_parameter_that_names_another_table() {
    let stream = "arn:aws:dynamodb:eu-west-1:000000000000:table/new/stream/2026-01-01T00:00:00.000";
    let parameter = format!("ExistingTableStream={stream}");
    let running = Running::start(&["--empty", "--parameter", &parameter]);
    let (status, _, users) = running.send("GET", "/api/users", "");
    assert_eq!((status, users), (200, json!([])));
}

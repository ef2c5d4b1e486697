//! `import --to-dynamodb-json`: the table that its files make is the one that an import by the API makes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use clap::Parser;
use domain::sample;
use flate2::read::GzDecoder;
use macro_rules_attribute::apply;
use maintenance::{ItemFolder, write_items};
use roster_http::Clock;
use serde_json::{Value, json};
use store::Item;
use tests::examples::PUBLISHED;
use transfer::{Ended, Input};

use crate::harness::{NOW, Roster};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    input: Input,
}

/// What the tool makes of these lines.
struct Made {
    ended: Ended,
    items: Vec<Item>,
    /// The refused lines, by their numbers.
    refused: BTreeMap<u64, Value>,
    manifest: Value,
}

fn made(lines: &[String]) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.ndjson");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let input = Command::parse_from(["import", file.to_str().unwrap()]).input;
    let out = ItemFolder::new(folder.path().join("out")).unwrap();
    // The log keeps its events for as long as it does by default.
    let kept_for = Duration::from_hours(90 * 24);
    let clock = Clock::Fixed(NOW);
    let ended = write_items(&input, None, &out, &json!({}), kept_for, clock).unwrap();
    let refused = std::fs::read_to_string(folder.path().join("users.ndjson.refused.ndjson"));
    let refused = refused.unwrap_or_default();
    let refused = refused.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let number = line["line"].take().as_u64().unwrap();
        (number, line)
    });
    let manifest = std::fs::read(folder.path().join("out/manifest.json")).unwrap();
    Made {
        ended,
        items: items_in(&out.items()),
        refused: refused.collect(),
        manifest: serde_json::from_slice(&manifest).unwrap(),
    }
}

/// All items of the files, as DynamoDB's import reads them.
fn items_in(folder: &Path) -> Vec<Item> {
    let mut items = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = GzDecoder::new(File::open(entry.unwrap().path()).unwrap());
        for line in BufReader::new(file).lines() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            items.push(item(&line["Item"]));
        }
    }
    let keys: BTreeSet<_> = items.iter().map(key).collect();
    // The import would keep any one of two.
    assert_eq!(keys.len(), items.len(), "a key is there twice");
    items
}

fn item(json: &Value) -> Item {
    let members = json.as_object().unwrap().iter();
    members
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect()
}

fn attribute(json: &Value) -> AttributeValue {
    let (kind, value) = json.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "NULL" => AttributeValue::Null(true),
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(attribute).collect()),
        "M" => AttributeValue::M(item(value)),
        kind => panic!("no item has a {kind}"),
    }
}

fn key(item: &Item) -> (String, String) {
    let text = |name: &str| item[name].as_s().unwrap().clone();
    (text("PK"), text("SK"))
}

/// The items without what tells one import from another: its operations, and by whom it is. Of the counters
/// only the sum is compared.
fn comparable(items: impl IntoIterator<Item = Item>) -> (BTreeMap<(String, String), Item>, i64) {
    let (mut others, mut users) = (BTreeMap::new(), 0);
    for mut item in items {
        let key = key(&item);
        if key.0 == "COUNTER#users" {
            users += item["count"].as_n().unwrap().parse::<i64>().unwrap();
            continue;
        }
        item.remove("operations");
        for name in ["by", "changed_by"] {
            if let Some(AttributeValue::M(by)) = item.get_mut(name) {
                assert!(by.remove("id").is_some());
            }
        }
        others.insert(key, item);
    }
    (others, users)
}

async fn import(roster: &Roster, lines: &[String]) -> Vec<Value> {
    let call = roster.request("POST", "/api/users/import");
    let call = call.header("content-type", "application/x-ndjson");
    let answer = call.body(lines.join("\n")).send().await.expect(200);
    answer.body.as_array().unwrap().clone()
}

/// A line with this id, and one e-mail address for each of these names. All ids are the line's own.
fn line(n: usize, id: &str, emails: &[&str]) -> Value {
    let emails = (0..).zip(emails).map(|(m, name)| {
        json!({
            "id": format!("00000000-0000-7000-8000-{n:06}{m:06}"),
            "email": format!("{name}@example.org"),
            "verified": true,
            "primary": m == 0,
        })
    });
    json!({ "user_id": id, "emails": emails.collect::<Vec<_>>() })
}

/// Users of every kind, and lines that are in each other's way.
fn lines() -> Vec<String> {
    let ada = sample::person().user;
    let mut with_password = line(1, "ada", &["countess"]);
    with_password["password_hash"] = ada.password_hash().unwrap().expose().into();
    with_password["username"] = json!({
        "id": "00000000-0000-7000-8000-100000000000", "username": "Ada",
    });
    let mut disabled = line(2, "disabled", &["zoë"]);
    disabled["disabled"] = true.into();
    disabled["public_data"] = json!({ "deep": [[[]], 1.50, null] });
    let mut same_name = line(4, "same-name", &["free"]);
    same_name["username"] = json!({
        "id": "00000000-0000-7000-8000-100000000001", "username": "ADA",
    });
    let lines = [
        serde_json::from_str(PUBLISHED[1].1).unwrap(),
        with_password.clone(),
        disabled,
        line(3, "ada", &["other"]),
        same_name,
        // The line before is refused, so this address is free.
        line(5, "takes-free", &["free", "second"]),
        line(6, "takes-both", &["second", "third", "countess"]),
        line(7, "takes-third", &["third"]),
        // The whole line once more.
        with_password,
        json!({ "user_id": "nobody" }),
        json!({ "user_id": "no id", "username": { "username": "x" } }),
        line(8, "last", &["Third", "fourth"]),
        line(9, "very-last", &["fourth"]),
    ];
    let mut lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    lines.insert(3, "{ \"user_id\": ".to_owned());
    lines.insert(5, String::new());
    lines
}

#[apply(on_both_stores)]
async fn the_files_make_the_table_that_an_import_by_the_api_makes(by_api: Roster) {
    let lines = lines();
    let outcomes = import(&by_api, &lines).await;
    by_api.deliver().await;
    let wanted = comparable(by_api.table.items().await.into_values());

    let made = made(&lines);
    assert_eq!(made.ended, Ended::WithRefusals);
    let refused = outcomes
        .iter()
        .filter(|it| it["status"].as_u64() >= Some(400));
    let mut said = BTreeMap::new();
    for outcome in refused {
        let mut problem = outcome.as_object().unwrap().clone();
        let line = problem.remove("line").unwrap().as_u64().unwrap();
        let status = problem.remove("status").unwrap();
        let index = usize::try_from(line).unwrap() - 1;
        let mut refused = json!({ "line": null, "status": status, "problem": problem });
        match serde_json::from_str::<Value>(&lines[index]) {
            Ok(user) => refused["user"] = user,
            Err(_) => refused["text"] = lines[index].trim().into(),
        }
        said.insert(line, refused);
    }
    assert_eq!(made.refused, said);

    let roster = Roster::start_on(by_api.store()).await;
    let count = made.items.len();
    roster.table.put_all(made.items).await;
    let got = comparable(roster.table.items().await.into_values());
    assert_eq!(got, wanted);
    assert_eq!(made.manifest["users"], got.1);
    assert_eq!(made.manifest["items"], count);
    roster.table.check_invariants().await;

    let listed = roster.send("GET", "/api/users").await.expect(200);
    assert_eq!(listed.pagination()["total_count"], got.1);
    let events = roster
        .send("GET", "/api/users/ada/events")
        .await
        .expect(200);
    assert_eq!(events.body[0]["revision"], 1);
    assert_eq!(events.body[0]["by"]["kind"], "import");
    roster.sign_in("ada", sample::PASSWORD).await;
    roster.login("ada", "another password").await.expect(401);
    let later = import(&roster, &lines).await;
    let statuses = |outcomes: &[Value]| -> HashMap<u64, u64> {
        let number = |value: &Value| value.as_u64().unwrap();
        let each = outcomes.iter();
        each.map(|it| (number(&it["line"]), number(&it["status"]).min(422)))
            .collect()
    };
    let mut as_found = statuses(&outcomes);
    for status in as_found.values_mut().filter(|status| **status == 201) {
        *status = 200;
    }
    assert_eq!(statuses(&later), as_found);
}

#[apply(on_both_stores)]
async fn a_user_is_too_large_for_both_or_for_neither(roster: Roster) {
    let user = |padding: usize| {
        let mut user = line(
            1,
            &format!("large-{padding}"),
            &[&format!("large{padding}")],
        );
        user["passkeys"] = json!([{
            "name": null,
            "passkey_id": "AAAA",
            "public_key": "x".repeat(padding),
            "aa_guid": "204a871f-f7c4-465c-a81f-83d7ad4d04ee",
            "backup_state": true, "backup_eligibility": true,
            "user_present": true, "user_verified": true,
            "user_agent": null,
        }]);
        user.to_string()
    };
    // The largest that the files take.
    let (mut taken, mut refused) = (300_000, 500_000);
    while refused - taken > 1 {
        let middle = usize::midpoint(taken, refused);
        if made(&[user(middle)]).refused.is_empty() {
            taken = middle;
        } else {
            refused = middle;
        }
    }
    let outcomes = import(&roster, &[user(taken), user(refused)]).await;
    assert_eq!(outcomes[0]["status"], 201, "{taken}");
    assert_eq!(outcomes[1]["status"], 422, "{refused}");
    let refused = &made(&[user(refused)]).refused[&1]["problem"];
    assert_eq!(refused["errors"], outcomes[1]["errors"]);
    assert_eq!(refused["errors"][0]["code"], "UserTooLarge");
}

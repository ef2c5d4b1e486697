//! The deployed binaries, as processes behind cargo-lambda's emulation of Lambda.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use consumer::Consumer;
use cookie::Cookie;
use domain::{Timestamp, sample};
use local::calls::{PACKAGES, Package};
use local::samples;
use roster_http::{Access, Clock, Endpoint};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tests::run;

use crate::harness::person::Person;
use crate::harness::server::free_port;
use crate::harness::{Roster, cargo, log};

/// How long cargo-lambda may take to serve and to end.
const A_MOMENT: Duration = Duration::from_secs(30);
/// How long one answer may take: the first one may have to compile everything.
const A_COLD_BUILD: Duration = Duration::from_mins(15);
/// The pause between two checks of something that takes time.
const PAUSE: Duration = Duration::from_millis(20);

/// `cargo lambda watch`. It ends when this value is dropped.
struct Watch {
    process: Child,
    port: u16,
}

impl Watch {
    /// Serves a package's functions on the store of `roster`, with the other variables from local.env.
    fn start(roster: &Roster, package: &Package) -> Self {
        let port = free_port();
        // All packages write into one file, which is checked after the whole run.
        let log = File::options().create(true).append(true).open(Self::log());
        let log = log.unwrap();
        let mut command = cargo_lambda("watch", port);
        command
            .args(["--ignore-changes", "--package", package.name])
            .args(["--env-file", "local.env"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        for (name, value) in roster.function_environment() {
            // The values of the file replace those of the process, and these replace the file's.
            command.args(["--env-var", &format!("{name}={value}")]);
        }
        let mut watch = Self {
            process: command.spawn().unwrap(),
            port,
        };
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let ended = watch.process.try_wait().unwrap();
            assert!(
                ended.is_none() && start.elapsed() < A_MOMENT,
                "cargo lambda watch does not serve: {}",
                Self::read_log()
            );
            std::thread::sleep(PAUSE);
        }
        watch
    }

    /// The answer of the binary `name` to its sample event.
    async fn invoke(&self, name: &str) -> Value {
        let mut command = tokio::process::Command::from(cargo_lambda("invoke", self.port));
        command
            .args(["--data-file", &format!("events/{name}.json"), name])
            .kill_on_drop(true);
        let output = tokio::time::timeout(A_COLD_BUILD, command.output()).await;
        let output = output
            .unwrap_or_else(|_| panic!("{name} does not answer: {}", Self::read_log()))
            .unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{name}: {output:?} {}", Self::read_log()))
    }

    /// The log of cargo-lambda, cargo and the functions.
    fn log() -> PathBuf {
        log::file(run::CARGO_LAMBDA)
    }

    fn read_log() -> String {
        std::fs::read_to_string(Self::log()).unwrap_or_default()
    }
}

impl Drop for Watch {
    /// Asks cargo-lambda to end, because it then ends its functions first. If it were killed, the
    /// functions would go on.
    fn drop(&mut self) {
        // The shell's own `kill`, because the program of that name is not on every machine.
        let kill = format!("kill -s TERM {}", self.process.id());
        let _ = Command::new("sh").args(["-c", &kill]).status();
        let start = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && start.elapsed() < A_MOMENT {
            std::thread::sleep(PAUSE);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A `cargo lambda` subcommand.
fn cargo_lambda(subcommand: &str, port: u16) -> Command {
    let mut command = cargo(&["lambda", subcommand, "--invoke-address", "127.0.0.1"]);
    command.args(["--invoke-port", &port.to_string()]);
    command
}

/// The member of the answer that shows the effect of a management call's sample event, and its value.
fn effect(call: &str) -> (&'static str, Value) {
    match call {
        "create_user" => ("/emails/0/email", json!("grace@example.org")),
        "enable_user" => ("/disabled", json!(false)),
        "disable_user" => ("/disabled", json!(true)),
        "unblock_user" => ("/failure_count", json!(0)),
        "set_username" => ("/username/username", json!("grace.hopper")),
        "remove_username" => ("/username", Value::Null),
        "add_email" => ("/emails/0/email", json!("grace@example.com")),
        "remove_email" => ("/emails", json!([])),
        "set_primary_email" => ("/emails/0/primary", json!(true)),
        "verify_email" => ("/emails/0/verified", json!(true)),
        "unverify_email" => ("/emails/0/verified", json!(false)),
        "set_password" | "force_password_reset" => ("/force_password_reset", json!(true)),
        "cancel_forced_password_reset" | "change_password" => {
            ("/force_password_reset", json!(false))
        }
        "update_claims" => ("/claims/nickname", json!("Johnny")),
        "disconnect_external_authenticator" => ("/external_providers", json!([])),
        "get_private_data" => ("/private_data/subscription_plan", json!("premium")),
        "update_private_data" => ("/private_data/subscription_plan", json!("free")),
        "get_public_data" => ("/public_data/send_emails", json!(true)),
        "update_public_data" => ("/public_data/send_emails", Value::Null),
        "add_phone" => ("/phone_numbers/0/phone", json!("+441514960961")),
        "remove_phone" => ("/phone_numbers", json!([])),
        "set_primary_phone" => ("/phone_numbers/0/primary", json!(true)),
        "verify_phone" => ("/phone_numbers/0/verified", json!(true)),
        "unverify_phone" => ("/phone_numbers/0/verified", json!(false)),
        // The sample's address is verified, and not the primary one.
        "send_verification_link" | "make_reset_link" => ("/email_sent", json!(false)),
        _ => ("/user_id", json!(sample::published().id().as_str())),
    }
}

/// Checks the effect of a management call's sample event.
async fn check_user(roster: &Roster, endpoint: &Endpoint, answer: &Value) {
    let name = endpoint.name;
    let body = answer["body"].as_str().unwrap_or_default();
    let sample_path = format!("/api/users/{}", sample::published().id());
    match name {
        "list_sessions" | "list_blocked_ips" | "list_user_groups" | "list_groups"
        | "list_users" | "list_group_users" => {
            let body: Value = serde_json::from_str(body).unwrap();
            // Both samples are users; the first has one session and one address.
            let count = if name == "list_users" { 2 } else { 1 };
            assert_eq!(body.as_array().unwrap().len(), count, "{name}: {body}");
            return;
        }
        "end_session" => {
            let left = roster.send("GET", &format!("{sample_path}/sessions")).await;
            assert_eq!(left.body, json!([]), "{name}");
            return;
        }
        "unassign_group" => {
            let left = roster.send("GET", &format!("{sample_path}/groups")).await;
            assert_eq!(left.body, json!([]), "{name}");
            return;
        }
        "create_group" | "get_group" | "update_group" => {
            let shown: Value = serde_json::from_str(body).unwrap();
            let path = format!("/api/groups/{}", shown["group_id"].as_str().unwrap());
            let stored = roster.send("GET", &path).await.expect(200);
            assert_eq!(stored.body, shown, "{name}");
            return;
        }
        "delete_group" => {
            let path = format!("/api/groups/{}", sample::GROUP);
            roster.send("GET", &path).await.expect(404);
            return;
        }
        "import_users" => {
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(body[0]["status"], 201, "{name}: {body}");
            let path = format!("/api/users/{}", body[0]["user_id"].as_str().unwrap());
            roster.send("GET", &path).await.expect(200);
            return;
        }
        // The status was looked at.
        "assign_group" | "get_user_group" | "get_session" | "list_grants" | "delete_grant"
        | "list_user_events" | "list_events" => return,
        _ => {}
    }
    if endpoint.statuses[0] == 204 {
        assert_eq!(body, "", "{name}");
        let user = roster.read(&sample_path).await;
        let is_done = match name {
            "remove_passkey" => user.is_some_and(|user| user.passkeys().is_empty()),
            "remove_password" => user.is_some_and(|user| user.credential().is_none()),
            _ => user.is_none(),
        };
        assert!(is_done, "{name}");
        return;
    }
    let body: Value = serde_json::from_str(body).unwrap();
    let (pointer, value) = effect(name);
    let shown = body.pointer(pointer).unwrap_or(&Value::Null);
    assert_eq!(*shown, value, "{name}: {body}");
    let id = body["user_id"].as_str();
    let path = id.map_or(sample_path, |id| format!("/api/users/{id}"));
    let stored = roster.send("GET", &path).await.expect(200);
    if id.is_some() {
        assert_eq!(stored.body, body, "{name}");
    }
    assert_eq!(
        stored.header("etag"),
        answer["multiValueHeaders"]["etag"][0].as_str(),
        "{name}"
    );
}

/// The sample person, in the session of the sample events.
fn ada(roster: &Roster) -> Person<'_> {
    let token = sample::session_token();
    Person {
        roster,
        id: sample::PERSON.to_owned(),
        session: token.cookie().expose_secret().to_owned(),
        csrf: token.secret.csrf_token(),
        device: String::new(),
    }
}

/// Checks the effect of the sample event of a person's own call.
async fn check_person(roster: &Roster, endpoint: &Endpoint, answer: &Value) {
    let ada = ada(roster);
    let body = answer["body"].as_str().unwrap_or_default();
    let email = |email: &str, verified, primary| (email.to_owned(), verified, primary);
    match endpoint.name {
        "login" => {
            let cookies = answer["multiValueHeaders"]["set-cookie"].as_array();
            let cookies: BTreeMap<_, _> = cookies
                .unwrap()
                .iter()
                .map(|cookie| Cookie::parse(cookie.as_str().unwrap()).unwrap())
                .map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned()))
                .collect();
            let names: Vec<_> = cookies.keys().map(String::as_str).collect();
            assert_eq!(
                names,
                [
                    "__Host-device",
                    "__Host-sessionid",
                    "csrftoken",
                    "osessionid",
                    "sessionid"
                ]
            );
            for name in ["__Host-sessionid", "osessionid"] {
                assert_eq!(cookies[name], cookies["sessionid"]);
            }
            let signed_in = Person {
                session: cookies["sessionid"].clone(),
                csrf: cookies["csrftoken"].clone(),
                ..ada
            };
            assert_ne!(signed_in.session, self::ada(roster).session);
            signed_in.add_email("ada@example.com").await.expect(200);
        }
        "logout" => {
            ada.get("/users/emails/").await.expect(401);
        }
        "get_primary_email" => {
            let shown = ada.get("/users/email/").await.expect(200);
            assert_eq!(serde_json::from_str::<Value>(body).unwrap(), shown.body);
        }
        "list_emails" => {
            let shown = ada.get("/users/emails/").await.expect(200);
            assert_eq!(serde_json::from_str::<Value>(body).unwrap(), shown.body);
        }
        name @ ("request_email_change" | "add_own_email") => {
            let pending = email("countess@example.com", false, false);
            assert!(ada.emails().await.contains(&pending), "{name}");
            let link = roster.link_to("countess@example.com").await;
            let path = match name {
                "add_own_email" => "/users/email-verify/",
                _ => "/users/email-set-primary/",
            };
            assert!(link.starts_with(path), "{name}: {link}");
        }
        "drop_email" => {
            let dropped = email("ada.lovelace@example.org", false, false);
            assert!(!ada.emails().await.contains(&dropped));
        }
        "verify_own_email" => {
            let verified = email("ada.lovelace@example.org", true, false);
            assert!(ada.emails().await.contains(&verified));
        }
        "confirm_primary_email" => {
            let primary = email("ada.lovelace@example.org", true, true);
            assert_eq!(ada.emails().await[0], primary);
        }
        name @ ("undo_email_change" | "reset_password") => {
            let headers = &answer["multiValueHeaders"];
            assert_eq!(headers["content-type"], json!(["text/html; charset=utf-8"]));
            let cookie = headers["set-cookie"][0].as_str().unwrap();
            assert!(cookie.starts_with("linknonce="), "{name}: {cookie}");
            assert!(body.contains("New password"), "{name}: {body}");
        }
        // The status is checked already, for all calls.
        _ => {}
    }
}

/// A table with only the samples.
async fn lay_out(roster: &Roster, now: Timestamp) {
    roster.table.clear().await;
    let user = samples::write_user(&roster.users, now).await.unwrap();
    samples::write_sign_ins(&roster.app().table, &user, now)
        .await
        .unwrap();
    let table = &roster.app().table;
    samples::write_group(table, now).await.unwrap();
    samples::write_membership(table, &user, now).await.unwrap();
    samples::write_person(table, now).await.unwrap();
}

/// Writes a notification of the sample person under the key that the sample event has.
async fn plant_notification(roster: &Roster, now: Timestamp) {
    ada(roster).add_email("ada@example.com").await.expect(200);
    let items = roster.table.items().await;
    let planted = items.into_iter().find_map(|((_, sort), item)| {
        let is_mail = item.get("to")?.as_m().ok()?.contains_key("email");
        (sort.starts_with("NOTIFICATION#") && is_mail).then_some(item)
    });
    let mut planted = planted.unwrap();
    let sort = "NOTIFICATION#sample.0".to_owned();
    planted.insert("SK".to_owned(), AttributeValue::S(sort));
    lay_out(roster, now).await;
    roster.table.put(planted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(cargo_lambda), ignore = "needs cargo-lambda")]
async fn every_binary_answers_its_event() {
    // The binaries use the real time.
    let now = Clock::System.now();
    let roster = Roster::start().await.also(now, &[]).await;
    for package in &PACKAGES {
        let watch = Watch::start(&roster, package);
        check_calls(&roster, &watch, package.endpoints, now).await;
        check_consumers(&roster, &watch, package.consumers, now).await;
    }
}

async fn check_calls(roster: &Roster, watch: &Watch, endpoints: &[&Endpoint], now: Timestamp) {
    for endpoint in endpoints {
        let name = endpoint.name;
        lay_out(roster, now).await;
        let answer = watch.invoke(name).await;
        assert_eq!(
            answer["statusCode"], endpoint.statuses[0],
            "{name}: {answer}"
        );
        match endpoint.access {
            Access::Read | Access::Write => check_user(roster, endpoint, &answer).await,
            Access::Session | Access::SignIn | Access::Link => {
                check_person(roster, endpoint, &answer).await;
            }
        }
    }
}

async fn check_consumers(roster: &Roster, watch: &Watch, consumers: &[&Consumer], now: Timestamp) {
    for consumer in consumers {
        plant_notification(roster, now).await;
        let sent = roster.outbox.messages().len();
        let answer = watch.invoke(consumer.name).await;
        let none_failed = json!({ "batchItemFailures": [] });
        assert_eq!(answer, none_failed, "{}", consumer.name);
        let messages = roster.outbox.messages().split_off(sent);
        let items = roster.table.items().await;
        let item = |sort: &str| &items[&(format!("USER#{}", sample::PERSON), sort.to_owned())];
        match consumer.name {
            "send_notifications" => {
                let [message] = messages.try_into().unwrap();
                assert_eq!(message.to, "ada@example.com");
                let start = format!("{}/users/email-verify/", roster.base);
                assert!(message.text.contains(&start), "{message:#?}");
                let state = &item("NOTIFICATION#sample.0")["state"];
                assert_eq!(*state, AttributeValue::S("sent".to_owned()));
            }
            "apply_changes" => {
                let ((_, event), _) = items
                    .iter()
                    .find(|((_, sort), _)| sort.starts_with("EVENT#"))
                    .unwrap();
                assert!(event.ends_with("#000000000001"), "{event}");
                let counters = items
                    .keys()
                    .filter(|(partition, _)| partition == "COUNTER#users");
                assert_eq!(counters.count(), 1);
            }
            other => panic!("what {other} does is not looked at"),
        }
    }
}

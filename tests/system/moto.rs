//! Sends by an SES and an SNS, and reads from a Systems Manager, that are not part of this project:
//! moto's server.

use std::process::Command;
use std::sync::Arc;

use aws::Courier;
use consumer::Worker;
use domain::sample;
use local::services;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::harness::Roster;
use crate::harness::server::Server;

/// The sender that moto is told to accept.
const SENDER: &str = "no-reply@roster.example";

/// moto's server. It keeps everything during the run, so each test has its own recipients.
struct Moto {
    settings: aws::Settings,
    http: reqwest::Client,
}

impl Moto {
    async fn start() -> Self {
        static SERVER: Server = Server::new();
        let url = SERVER.url(command).await;
        let moto = Self {
            settings: aws::Settings {
                endpoint: Some(url),
                ..services::settings("")
            },
            http: reqwest::Client::new(),
        };
        moto.verify_sender().await;
        moto
    }

    /// A request that Roster itself never makes.
    async fn ask(&self, service: &str, request: reqwest::RequestBuilder, body: Value) {
        let scope = format!("20231114/{}/{service}/aws4_request", self.settings.region);
        let signature =
            format!("AWS4-HMAC-SHA256 Credential=local/{scope}, SignedHeaders=host, Signature=0");
        let request = request.header("authorization", signature);
        let answer = request.body(body.to_string()).send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{status}: {:?}", answer.text().await);
    }

    async fn verify_sender(&self) {
        let request = self.http.post(self.url("/v2/email/identities"));
        let request = request.header("content-type", "application/json");
        self.ask("ses", request, json!({ "EmailIdentity": SENDER }))
            .await;
    }

    async fn put_secure_string(&self, name: &str, value: &str) {
        let request = self
            .http
            .post(self.url("/"))
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "AmazonSSM.PutParameter");
        let body = json!({ "Name": name, "Type": "SecureString", "Value": value });
        self.ask("ssm", request, body).await;
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.endpoint.as_ref().unwrap())
    }

    /// The items of one kind that moto has kept.
    async fn kept(&self, service: &str, kind: &str) -> Vec<Value> {
        let answer = self.http.get(self.url("/moto-api/data.json"));
        let answer = answer.send().await.unwrap().bytes().await.unwrap();
        let mut kept: Value = serde_json::from_slice(&answer).unwrap();
        serde_json::from_value(kept[service][kind].take()).unwrap()
    }

    /// The mails to an address: sender, subject and HTML. Of a mail with two parts, moto keeps only the
    /// HTML.
    async fn mails_to(&self, address: &str) -> Vec<[String; 3]> {
        let mails = self.kept("ses", "Message").await;
        let to = json!({ "ToAddresses": [address] });
        mails
            .iter()
            .filter(|mail| mail["destinations"] == to)
            .map(|mail| {
                ["source", "subject", "body"].map(|name| mail[name].as_str().unwrap().to_owned())
            })
            .collect()
    }

    /// The SMS to a number.
    async fn sms_to(&self, number: &str) -> Vec<String> {
        let sms = self.kept("sns", "SMS").await;
        sms.iter()
            .filter(|sms| sms["phone_number"] == number)
            .map(|sms| sms["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Makes a Roster send by moto, from this sender.
    fn sends_for(&self, roster: &mut Roster, sender: &str) {
        let worker = Arc::new(Worker {
            app: roster.app(),
            courier: Some(Courier::new(&self.settings, sender.to_owned())),
        });
        let name = workers::send_notifications::CONSUMER.name;
        roster.workers.insert(name.to_owned(), worker);
    }
}

fn command(port: u16) -> Command {
    let mut moto = Command::new("moto_server");
    moto.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    moto
}

/// The path of a link of this Roster in a text.
fn link(roster: &Roster, text: &str) -> String {
    let (_, rest) = text.split_once(&roster.base).unwrap();
    let end = rest.find(['"', ' ']).unwrap_or(rest.len());
    rest[..end].to_owned()
}

/// The states of all notifications.
async fn states(roster: &Roster) -> Vec<String> {
    let items = roster.table.items().await;
    items
        .iter()
        .filter(|((_, sort), _)| sort.starts_with("NOTIFICATION#"))
        .map(|(_, item)| item["state"].as_s().unwrap().clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(moto), ignore = "needs moto's server")]
async fn mails_and_sms_go_out_by_services_that_others_wrote() {
    let moto = Moto::start().await;
    let mut roster = Roster::start().await;
    moto.sends_for(&mut roster, SENDER);
    let ada = roster.ada().await;
    ada.change_email("Ada@Example.com", sample::PASSWORD)
        .await
        .expect(200);
    roster.send_notifications().await;

    assert_eq!(states(&roster).await, ["sent", "sent"]);
    let [[sender, subject, html]] = moto.mails_to("Ada@example.com").await.try_into().unwrap();
    assert_eq!(
        [sender.as_str(), subject.as_str()],
        [SENDER, "Confirm your new e-mail address"]
    );
    assert!(html.starts_with("<!doctype html>"), "{html}");
    let [sms] = moto.sms_to("+441514960815").await.try_into().unwrap();
    let start = "Someone who knows your password asked to make ";
    assert!(sms.starts_with(start), "{sms}");

    let page = roster.open(&link(&roster, &sms)).await.expect(200);
    assert!(
        page.html()
            .contains("A new <span class=\"whole\">e-mail</span> address is waiting")
    );
    let mailed = link(&roster, &html);
    roster.press(&mailed, "").await.expect(200);
    let primary = ("Ada@Example.com".to_owned(), true, true);
    assert_eq!(ada.emails().await[0], primary);
    roster.send_notifications().await;
    let subjects: Vec<_> = moto.mails_to("ada@example.org").await;
    let subjects: Vec<_> = subjects.iter().map(|[_, subject, _]| subject).collect();
    assert_eq!(subjects, ["Your main e-mail address was changed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(moto), ignore = "needs moto's server")]
async fn a_mail_from_a_sender_that_ses_does_not_know_fails_and_holds_nothing_up() {
    let moto = Moto::start().await;
    let mut roster = Roster::start().await;
    moto.sends_for(&mut roster, "somebody@else.example");
    let bob = roster.person("bob").await;
    bob.add_email("refused@example.com").await.expect(200);
    roster.send_notifications().await;
    assert_eq!(states(&roster).await, ["failed"]);

    moto.sends_for(&mut roster, SENDER);
    let bob = roster.sign_in("bob", sample::PASSWORD).await;
    bob.add_email("accepted@example.com").await.expect(200);
    roster.send_notifications().await;
    let mut states = states(&roster).await;
    states.sort();
    assert_eq!(states, ["failed", "sent"]);
    assert_eq!(moto.mails_to("refused@example.com").await.len(), 0);
    assert_eq!(moto.mails_to("accepted@example.com").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(moto), ignore = "needs moto's server")]
async fn keys_are_read_decrypted_and_absent_ones_are_left_out() {
    let moto = Moto::start().await;
    let names = ["/roster/link-key/current", "/roster/link-key/previous"];
    for (name, value) in [(names[0], "first key"), (names[1], "second key")] {
        moto.put_secure_string(name, value).await;
    }
    let asked = [names[0], names[1], "/roster/link-key/none"];
    let read = aws::parameters(&moto.settings, &asked).await.unwrap();
    let read: Vec<_> = read
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose_secret()))
        .collect();
    assert_eq!(read, [(names[0], "first key"), (names[1], "second key")]);
}

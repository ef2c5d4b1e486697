//! SES, SNS and SSM as their SDKs use them, and the outbox as people and programs use it.

use aws::{Cause, Mail, SendError};
use local::link_keys::{KeyPair, PARAMETERS};
use local::outbox::Outbox;
use local::services;
use roster_http::Entropy;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::common::{courier, free_port, start};

const NUMBER: &str = "+4915112345678";

fn mail() -> Mail {
    Mail {
        subject: "Grüße & <mehr>".to_owned(),
        text: "Text: http://127.0.0.1/a?b=1&c=2".to_owned(),
        html: "<p style=\"color:red\">HTML <a href=\"/x\">link</a></p>".to_owned(),
    }
}

async fn service() -> (String, Outbox) {
    start(&KeyPair::new(&Entropy::seeded(1)), &[]).await
}

/// The head and the body of an answer.
async fn get(base: &str, path: &str, accept: &str) -> (reqwest::Response, String) {
    let request = reqwest::Client::new()
        .get(format!("{base}{path}"))
        .header("accept", accept);
    let response = request.try_clone().unwrap().send().await.unwrap();
    let text = request.send().await.unwrap().text().await.unwrap();
    (response, text)
}

#[tokio::test]
async fn what_the_sdks_send_is_in_the_outbox_newest_last() {
    let (base, outbox) = service().await;
    let courier = courier(&base);
    courier.mail("a@example.org", &mail()).await.unwrap();
    let sms = "Öffne https://x.example/?a=1&b=2 + 3";
    courier.sms(NUMBER, sms).await.unwrap();
    let (_, list) = get(&base, "/_local/outbox", "application/json").await;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(
        list,
        json!([
            {
                "id": 1, "channel": "email", "to": "a@example.org", "subject": mail().subject,
                "text": mail().text, "html": mail().html, "sent_at": 1_700_000_000,
            },
            {
                "id": 2, "channel": "sms", "to": NUMBER, "subject": null,
                "text": sms, "html": null, "sent_at": 1_700_000_000,
            },
        ])
    );
    assert_eq!(json!(outbox.messages()), list);
}

/// The request that a courier with this configuration set makes to SES.
async fn request_of(configuration_set: Option<&str>) -> String {
    let (listener, base) = free_port().await;
    let asked = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = vec![];
        while !request.ends_with(b"}") {
            assert!(connection.read_buf(&mut request).await.unwrap() > 0);
        }
        String::from_utf8(request).unwrap()
    });
    let name = configuration_set.map(str::to_owned);
    let courier = courier(&base).with_configuration_set(name);
    let sent = courier.mail("a@example.org", &mail()).await;
    assert!(sent.is_err(), "nobody answers");
    asked.await.unwrap()
}

#[tokio::test]
async fn e_mails_name_the_configuration_set_if_there_is_one() {
    let named = request_of(Some("bounces")).await;
    assert!(
        named.contains(r#""ConfigurationSetName":"bounces""#),
        "{named}"
    );
    let unnamed = request_of(None).await;
    assert!(!unnamed.contains("ConfigurationSetName"), "{unnamed}");
}

#[tokio::test]
async fn people_read_the_outbox_as_pages_without_scripts() {
    let (base, _) = service().await;
    let courier = courier(&base);
    let accept = "text/html,application/xhtml+xml,application/json;q=0.9";
    let (_, empty) = get(&base, "/_local/outbox", accept).await;
    assert!(empty.contains("Nothing yet"), "{empty}");
    courier.mail("a@example.org", &mail()).await.unwrap();
    courier.sms(NUMBER, "Open http://x/?a=1&b").await.unwrap();

    let (head, list) = get(&base, "/_local/outbox", accept).await;
    let policy = head.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'"));
    assert!(list.contains("Grüße &#38; &#60;mehr&#62;"), "{list}");
    for link in ["outbox/1\"", "outbox/1/text\"", "outbox/2\""] {
        assert!(list.contains(&format!("href=\"/_local/{link}")), "{list}");
    }
    let (head, shown) = get(&base, "/_local/outbox/1", accept).await;
    assert_eq!(shown, mail().html);
    let policy = head.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'"));
    let (head, text) = get(&base, "/_local/outbox/1/text", accept).await;
    assert_eq!(text, mail().text);
    assert_eq!(head.headers()["content-type"], "text/plain; charset=utf-8");
    let (_, sms) = get(&base, "/_local/outbox/2", accept).await;
    assert!(
        sms.contains("Open <a href=\"http://x/?a=1&#38;b\">"),
        "{sms}"
    );
    for missing in ["outbox/3", "outbox/0", "outbox/x", "elsewhere"] {
        let (head, _) = get(&base, &format!("/_local/{missing}"), accept).await;
        assert_eq!(head.status(), 404, "{missing}");
    }
}

#[tokio::test]
async fn a_planned_refusal_reaches_the_sender_and_nothing_is_kept() {
    let (base, outbox) = service().await;
    let courier = courier(&base);
    outbox.refuse(1, 400, "MessageRejected");
    let refused = courier.mail("a@example.org", &mail()).await.unwrap_err();
    assert!(
        matches!(&refused, SendError::Refused(Cause::Answered(code)) if code == "MessageRejected"),
        "{refused}"
    );
    outbox.refuse(1, 400, "OptedOut");
    let refused = courier.sms(NUMBER, "text").await.unwrap_err();
    assert!(
        matches!(&refused, SendError::Refused(Cause::Answered(code)) if code == "OptedOut"),
        "{refused}"
    );
    // More refusals than the SDK makes attempts.
    outbox.refuse(4, 500, "InternalFailure");
    let failed = courier.sms(NUMBER, "text").await.unwrap_err();
    assert!(
        matches!(&failed, SendError::Unavailable(Cause::Answered(code)) if code == "InternalFailure"),
        "{failed}"
    );
    assert_eq!(outbox.messages(), []);
    courier.sms(NUMBER, "text").await.unwrap();
    assert_eq!(outbox.messages().len(), 1);
}

#[tokio::test]
async fn requests_that_the_real_services_would_refuse_are_refused() {
    let (base, outbox) = service().await;
    let courier = courier(&base);
    for sent in [
        courier.mail("nobody", &mail()).await,
        courier.sms("no number", "text").await,
        courier.sms(NUMBER, "").await,
    ] {
        assert!(matches!(sent, Err(SendError::Refused(_))), "{sent:?}");
    }
    assert_eq!(outbox.messages(), []);
}

#[tokio::test]
async fn the_link_keys_are_parameters() {
    let keys = KeyPair::new(&Entropy::seeded(1));
    let (base, _) = start(&keys, &[]).await;
    let settings = services::settings(&base);
    let [current, previous] = PARAMETERS;
    let values = aws::parameters(&settings, &[current, previous, "/other"]).await;
    let values = values.unwrap();
    assert_eq!(values.keys().collect::<Vec<_>>(), PARAMETERS.to_vec());
    let text = |name| secrecy::ExposeSecret::expose_secret(&values[name]);
    assert!(domain::link::Keys::parse(text(current), Some(text(previous))).is_ok());
    assert_ne!(text(current), text(previous));
}

#[test]
fn local_env_names_these_services_and_parameters() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../local.env");
    let text = std::fs::read_to_string(file).unwrap();
    let [current, previous] = PARAMETERS;
    let settings = services::settings("http://127.0.0.1:9080");
    for line in [
        format!("AWS_ENDPOINT_URL={}", settings.endpoint.unwrap()),
        format!("AWS_REGION={}", settings.region),
        format!("LINK_KEY_PARAMETER={current}"),
        format!("PREVIOUS_LINK_KEY_PARAMETER={previous}"),
    ] {
        assert!(text.lines().any(|present| present == line), "{line}");
    }
}

//! The embedded store's port, for other programs on this machine.

use dynoxide::Database;
use embedded::Embedded;
use hyper::StatusCode;
use local::database::{self, Dynamodb};
use local::port;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use store::{Settings, Table, Users};

use crate::common::{free_port, template};

const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, \
     Signature=0";

struct Scene {
    url: String,
    settings: Settings,
}

impl Scene {
    async fn new() -> Self {
        let embedded = Embedded::open(None).unwrap();
        let (listener, url) = free_port().await;
        port::serve(&embedded, listener, ["store.example".to_owned()]);
        let dynamodb = Dynamodb::Embedded(embedded);
        let settings = dynamodb.settings("port");
        let made = database::prepare(&dynamodb, &settings, &template(&[]).table).await;
        made.unwrap();
        Self { url, settings }
    }

    fn request(&self, target: &str) -> RequestBuilder {
        Client::new()
            .post(&self.url)
            .header("authorization", SIGNED)
            .header("x-amz-date", "20260101T000000Z")
            .header("x-amz-target", target)
            .body(json!({ "TableName": "port" }).to_string())
    }
}

async fn answer(request: RequestBuilder) -> (StatusCode, HeaderMap, Value) {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.text().await.unwrap();
    (
        status,
        headers,
        serde_json::from_str(&body).unwrap_or_default(),
    )
}

const SCAN: &str = "DynamoDB_20120810.Scan";

#[tokio::test]
async fn the_port_and_the_process_see_the_same_table() {
    let scene = Scene::new().await;
    let through_the_port = Settings {
        endpoint: Some(scene.url.clone()),
        http_client: store::http_client(),
        ..scene.settings.clone()
    };
    let [inside, outside] =
        [&scene.settings, &through_the_port].map(|settings| Users::new(Table::at(settings)));
    let user = domain::sample::published();
    local::samples::write_user(&outside, crate::common::NOW)
        .await
        .unwrap();
    assert_eq!(
        inside.get(user.id()).await.unwrap(),
        outside.get(user.id()).await.unwrap()
    );
    assert!(inside.get(user.id()).await.unwrap().is_some());
}

#[tokio::test]
async fn pages_in_a_browser_get_no_answer() {
    let scene = Scene::new().await;
    let (status, _, body) = answer(scene.request(SCAN)).await;
    assert_eq!((status, &body["Count"]), (StatusCode::OK, &json!(0)));
    let (page, name) = (StatusCode::FORBIDDEN, StatusCode::MISDIRECTED_REQUEST);
    for (header, value, wanted) in [
        ("origin", "https://elsewhere.example", page),
        ("origin", "http://127.0.0.1:9080", page),
        ("origin", "null", page),
        ("host", "elsewhere.example", name),
    ] {
        let (status, headers, body) = answer(scene.request(SCAN).header(header, value)).await;
        assert_eq!(status, wanted, "{header}: {value}");
        assert!(!headers.contains_key("access-control-allow-origin"));
        assert_eq!(body["Count"], Value::Null);
    }
    let preflight = Client::new()
        .request(Method::OPTIONS, &scene.url)
        .header("origin", "https://elsewhere.example")
        .header("access-control-request-method", "POST");
    let (status, headers, _) = answer(preflight).await;
    assert_eq!(status, page);
    assert!(!headers.contains_key("access-control-allow-origin"));

    let (status, ..) = answer(scene.request(SCAN).header("host", "store.example")).await;
    assert_eq!(status, StatusCode::OK);
}

fn kind(body: &Value) -> String {
    let kind = body["__type"].as_str().unwrap_or_default();
    kind.rsplit('#').next().unwrap_or_default().to_owned()
}

/// Requests that are not valid, each with its target and its body.
fn bad_requests() -> Vec<(&'static str, String)> {
    let key = json!({ "PK": { "S": "a" }, "SK": { "S": "b" } });
    let put = |value: Value| {
        let mut item = key.clone();
        item["value"] = value;
        json!({ "TransactItems": [{ "Put": { "TableName": "port", "Item": item } }] })
    };
    let get = |key: Value| json!({ "TableName": "port", "Key": key });
    let mut bad = vec![
        ("DynamoDB_20120810.Guess", json!({})),
        ("Elsewhere.Scan", json!({})),
        (SCAN, json!({ "TableName": 1 })),
        (SCAN, json!({})),
        (SCAN, json!({ "TableName": null })),
        (SCAN, json!({ "TableName": "none" })),
        (SCAN, json!({ "TableName": "port", "Select": "NOTHING" })),
    ];
    for key in [
        json!({ "PK": { "S": "a" }, "SK": { "N": "1" } }),
        json!({ "PK": { "S": "a" } }),
        json!({ "PK": { "S": "" }, "SK": { "S": "b" } }),
        json!({ "PK": {}, "SK": { "S": "b" } }),
        json!({ "PK": { "S": "a", "N": "1" }, "SK": { "S": "b" } }),
        json!({ "PK": { "S": 1 }, "SK": { "S": "b" } }),
    ] {
        bad.push(("DynamoDB_20120810.GetItem", get(key)));
    }
    for value in [
        json!({ "N": "x" }),
        json!({ "N": "1e400" }),
        json!({ "N": "1".repeat(39) }),
        json!({ "SS": ["a", "a"] }),
        json!({ "SS": [] }),
        json!({ "NULL": false }),
        json!({ "B": "no base64" }),
    ] {
        bad.push(("DynamoDB_20120810.TransactWriteItems", put(value)));
    }
    let mut bad: Vec<_> = bad
        .into_iter()
        .map(|(target, body)| (target, body.to_string()))
        .collect();
    bad.extend(["{", "", "[]", "{\"TableName\":"].map(|body| (SCAN, body.to_owned())));
    bad
}

#[tokio::test]
async fn a_request_that_dynoxides_own_server_refuses_is_refused_in_the_same_way() {
    let scene = Scene::new().await;
    let (listener, url) = free_port().await;
    let database = Database::memory().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    let their = Scene {
        settings: Settings {
            endpoint: Some(url.clone()),
            http_client: store::http_client(),
            ..scene.settings.clone()
        },
        url,
    };
    let dynamodb = Dynamodb::At(their.url.clone());
    let made = database::prepare(&dynamodb, &their.settings, &template(&[]).table).await;
    made.unwrap();
    let mut differences = Vec::new();
    for (target, body) in bad_requests() {
        let ask = async |scene: &Scene| {
            let request = scene
                .request(target)
                .header("content-type", "application/json");
            let (status, _, answer) = answer(request.body(body.clone())).await;
            (status, kind(&answer))
        };
        let our = ask(&scene).await;
        assert_eq!(our.0, StatusCode::BAD_REQUEST, "{target} {body}");
        let their = ask(&their).await;
        if our != their {
            differences.push((body, our, their));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[tokio::test]
async fn a_request_that_is_none_of_dynamodbs_is_refused() {
    let scene = Scene::new().await;
    let unsigned = Client::new().post(&scene.url).header("x-amz-target", SCAN);
    let (status, _, body) = answer(unsigned).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(kind(&body), "MissingAuthenticationTokenException");
    let (status, ..) = answer(Client::new().get(&scene.url)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, ..) = answer(scene.request(SCAN).body(vec![b' '; 16 * 1024 * 1024 + 1])).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

//! The embedded store's port, for other programs on this machine.

use embedded::Embedded;
use hyper::StatusCode;
use local::database::{self, Dynamodb};
use local::port;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use store::{Settings, Users};

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
        let settings = Dynamodb::Embedded(embedded).settings("port");
        let made = database::prepare(&settings, &template(&[]).table).await;
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
    let [inside, outside] = [&scene.settings, &through_the_port]
        .map(|settings| Users::new(store::connect(settings), settings.table.clone()));
    let user = domain::sample::published();
    local::samples::write_user(&outside, crate::common::NOW)
        .await
        .unwrap();
    assert_eq!(
        inside.get(&user.id).await.unwrap(),
        outside.get(&user.id).await.unwrap()
    );
    assert!(inside.get(&user.id).await.unwrap().is_some());
}

#[tokio::test]
async fn no_page_in_a_browser_is_answered() {
    let scene = Scene::new().await;
    let (status, _, body) = answer(scene.request(SCAN)).await;
    assert_eq!((status, &body["Count"]), (StatusCode::OK, &json!(0)));
    for (name, value) in [
        ("origin", "https://elsewhere.example"),
        ("origin", "http://127.0.0.1:9080"),
        ("origin", "null"),
        ("host", "elsewhere.example"),
    ] {
        let (status, headers, body) = answer(scene.request(SCAN).header(name, value)).await;
        assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{name}: {value}");
        assert!(!headers.contains_key("access-control-allow-origin"));
        assert_eq!(body["Count"], Value::Null);
    }
    let preflight = Client::new()
        .request(Method::OPTIONS, &scene.url)
        .header("origin", "https://elsewhere.example")
        .header("access-control-request-method", "POST");
    let (status, headers, _) = answer(preflight).await;
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!headers.contains_key("access-control-allow-origin"));

    let (status, ..) = answer(scene.request(SCAN).header("host", "store.example")).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn what_dynamodb_would_not_take_is_refused_as_it_refuses() {
    let scene = Scene::new().await;
    let kind = |body: &Value| {
        let kind = body["__type"].as_str().unwrap_or_default();
        kind.rsplit('#').next().unwrap_or_default().to_owned()
    };
    let unsigned = Client::new().post(&scene.url).header("x-amz-target", SCAN);
    let key = json!({ "PK": { "S": "a" }, "SK": { "N": "1" } });
    let get = "DynamoDB_20120810.GetItem";
    for (request, wanted) in [
        (unsigned, "MissingAuthenticationTokenException"),
        (
            scene.request("DynamoDB_20120810.Guess"),
            "UnknownOperationException",
        ),
        (scene.request("Elsewhere.Scan"), "UnknownOperationException"),
        (scene.request(SCAN).body("{"), "SerializationException"),
        (scene.request(SCAN).body(""), "SerializationException"),
        (
            scene
                .request(SCAN)
                .body(json!({ "TableName": 1 }).to_string()),
            "SerializationException",
        ),
        (scene.request(SCAN).body("{}"), "ValidationException"),
        (
            scene
                .request(SCAN)
                .body(json!({ "TableName": "none" }).to_string()),
            "ResourceNotFoundException",
        ),
        (
            scene
                .request(get)
                .body(json!({ "TableName": "port", "Key": key }).to_string()),
            "ValidationException",
        ),
    ] {
        let (status, _, body) = answer(request).await;
        assert_eq!(
            (status, kind(&body).as_str()),
            (StatusCode::BAD_REQUEST, wanted)
        );
    }
    let (status, ..) = answer(Client::new().get(&scene.url)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, ..) = answer(scene.request(SCAN).body(vec![b' '; 16 * 1024 * 1024 + 1])).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

//! Routes: keys, throttles, methods.

use local::link_keys::KeyPair;
use roster_http::Entropy;
use serde_json::Value;

use crate::common::start;

/// Status, and whether the answer is the gateway's own.
async fn send(base: &str, method: &str, path: &str, key: Option<&str>) -> (u16, bool) {
    let mut request =
        reqwest::Client::new().request(method.parse().unwrap(), format!("{base}{path}"));
    if let Some(key) = key {
        request = request.header("x-api-key", key);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
    (status, body["gateway"].is_string())
}

fn keys() -> KeyPair {
    KeyPair::new(&Entropy::seeded(1))
}

#[tokio::test]
async fn a_route_without_a_key_is_the_functions_to_refuse() {
    let (base, _) = start(&keys(), &[]).await;
    assert_eq!(send(&base, "GET", "/keyed", None).await, (401, true));
    let (_, is_gateways) = send(&base, "GET", "/open/x", None).await;
    assert!(!is_gateways);
    let key = Some("local-admin-key");
    assert_eq!(send(&base, "GET", "/keyed", key).await, (204, false));
}

#[tokio::test]
async fn head_goes_only_where_it_is_routed() {
    let (base, _) = start(&keys(), &[]).await;
    let key = Some("local-admin-key");
    assert_eq!(send(&base, "HEAD", "/keyed", key).await.0, 404);
    let routed = send(&base, "HEAD", "/open/x", None).await.0;
    assert_ne!(routed, 404);
}

#[tokio::test]
async fn a_route_with_a_limit_of_its_own_uses_up_nothing_but_that() {
    let (base, _) = start(&keys(), &[]).await;
    let throttled = (429, true);
    for _ in 0..2 {
        assert_ne!(send(&base, "POST", "/open/x", None).await, throttled);
    }
    assert_eq!(send(&base, "POST", "/open/y", None).await, throttled);
    assert_ne!(send(&base, "GET", "/open/x", None).await, throttled);

    let (base, _) = start(&keys(), &[("Rate", "0.001")]).await;
    assert_eq!(send(&base, "GET", "/open/x", None).await, throttled);
    assert_ne!(send(&base, "POST", "/open/x", None).await, throttled);
}

#[tokio::test]
async fn the_services_are_below_their_own_path_only() {
    let (base, _) = start(&keys(), &[]).await;
    assert_eq!(send(&base, "GET", "/_local", None).await, (404, true));
    assert_eq!(send(&base, "GET", "/_local/", None).await, (404, false));
    assert_eq!(
        send(&base, "GET", "/_local/outbox", None).await,
        (200, false)
    );
}

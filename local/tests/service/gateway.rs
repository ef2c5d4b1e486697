//! Routes: keys, throttles, methods.

use local::link_keys::KeyPair;
use roster_http::Entropy;
use serde_json::Value;

use crate::common::start;

/// The status, and whether the answer is the gateway's own.
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
async fn each_route_has_a_limit_of_its_own_for_all_callers_together() {
    let (base, _) = start(&keys(), &[("Rate", "1")]).await;
    let throttled = (429, true);
    assert_ne!(send(&base, "GET", "/open/x", None).await, throttled);
    assert_eq!(send(&base, "GET", "/open/y", None).await, throttled);
    assert_ne!(send(&base, "HEAD", "/open/x", None).await.0, 429);
    let key = Some("local-admin-key");
    assert_eq!(send(&base, "GET", "/keyed", key).await, (204, false));
}

#[tokio::test]
async fn a_key_that_is_used_up_leaves_other_keys_alone() {
    let (base, _) = start(&keys(), &[("KeyRate", "1")]).await;
    let [first, second] = ["local-admin-key", "local-read-only-key"].map(Some);
    assert_eq!(send(&base, "GET", "/keyed", first).await, (204, false));
    assert_eq!(send(&base, "GET", "/keyed", first).await, (429, true));
    assert_eq!(send(&base, "GET", "/keyed", second).await, (204, false));
    assert_ne!(send(&base, "GET", "/open/x", None).await.0, 429);
}

/// The status and text that a browser gets when it asks for this host name.
async fn open(base: &str, path: &str, host: &str) -> (u16, String) {
    let request = reqwest::Client::new()
        .get(format!("{base}{path}"))
        .header("host", host)
        .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_host_name_that_is_not_allowed_is_refused() {
    let public = [("PublicUrl", "https://accounts.example.org/base")];
    let (base, _) = start(&keys(), &public).await;
    for path in ["/", "/open/x", "/keyed", "/_local/outbox", "/_local/aws"] {
        let (status, text) = open(&base, path, "elsewhere.example:9080").await;
        assert_eq!(status, 421, "{path}");
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["status"], 421);
    }
    for host in [
        "localhost:9080",
        "127.0.0.1",
        "[::1]:9080",
        "accounts.example.org",
        "allowed.example",
    ] {
        assert_eq!(open(&base, "/_local/outbox", host).await.0, 200, "{host}");
    }
    // This is no host name at all.
    assert_eq!(open(&base, "/_local/outbox", "a name").await.0, 400);
}

#[tokio::test]
async fn a_browser_finds_a_page_at_the_root_and_a_program_a_problem() {
    let (base, _) = start(&keys(), &[]).await;
    let (status, page) = open(&base, "/", "localhost:9080").await;
    assert_eq!(status, 200);
    for part in [
        "<html lang=\"en\">",
        "href=\"/_local/outbox\"",
        "http://localhost:9080/api/users/",
        "GET /keyed",
        "POST /open/{token}",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script"));
    assert_eq!(send(&base, "GET", "/", None).await, (404, true));
    assert_eq!(open(&base, "/nothing", "localhost").await.0, 404);
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

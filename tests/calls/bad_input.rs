//! Bad input gets the answer of the contract, is not stored, and does not appear in answers or logs.

use domain::sample;
use local::calls::ENDPOINTS;
use local::generate::openapi::example_path;
use local::samples;
use roster_http::{Access, Answer as Answered, Body, Endpoint, schema};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{ADMIN, Answer, NOW, READ_ONLY, Roster};

/// Every route of every call as a request on the sample user; not those of a call that takes many objects
/// and judges each by itself.
fn calls() -> Vec<(&'static str, String)> {
    let takes_one = |endpoint: &&&Endpoint| !matches!(endpoint.body, Body::Lines { .. });
    let routes = ENDPOINTS.iter().filter(takes_one);
    routes
        .flat_map(|endpoint| endpoint.routes)
        .map(|(method, route)| (method.as_str(), example_path(route)))
        .collect()
}

async fn create(roster: &Roster, body: impl Into<Vec<u8>>) -> Answer {
    roster.request("POST", "/api/users").body(body).send().await
}

/// An object with this many levels.
fn nested(levels: usize) -> String {
    format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels))
}

/// Sends a request that an HTTP library would refuse to send.
async fn raw(roster: &Roster, request: &str) -> String {
    let mut stream = TcpStream::connect(roster.base.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_malformed_body_is_refused_by_every_call_needed_or_not() {
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    let before = roster.table.items().await;
    let unclosed = "{\"a\":".repeat(500);
    let bodies: [&[u8]; 11] = [
        b"{",
        b"nonsense",
        b"[]",
        b"null",
        b"\"{}\"",
        b"{\"email\":\"\xff\xfe\"}",
        b"{}{}",
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        b"{}\xef\xbb\xbf",
        b"\xff\xfe{\0}\0",
        unclosed.as_bytes(),
    ];
    for (method, path) in calls() {
        for body in bodies {
            let answer = roster.request(method, &path).body(body).send().await;
            assert_eq!(answer.status, 400, "{method} {path} {body:?}: {answer:?}");
        }
    }
    assert_eq!(roster.table.items().await, before);
}

/// The lists of the management API.
fn lists() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS
        .iter()
        .copied()
        .filter(|endpoint| matches!(endpoint.answer, Answered::List(_)))
}

#[tokio::test]
async fn every_list_refuses_what_is_no_page_no_size_and_no_order() {
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    let wrong = [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=", "page"),
        ("page=1.0", "page"),
        ("page=2147483648", "page"),
        ("page=1&page=2", "page"),
        ("size=0", "size"),
        ("size=101", "size"),
        ("size=10&size=10", "size"),
        ("sort=x:2", "sort"),
        ("sort=x", "sort"),
        ("sort=", "sort"),
    ];
    for endpoint in lists() {
        for (_, route) in endpoint.routes {
            let path = example_path(route);
            for (query, parameter) in wrong {
                let answer = roster.send("GET", &format!("{path}?{query}")).await;
                let detail = answer.expect(400).body["detail"].clone();
                let start = format!("The query parameter {parameter} must ");
                assert!(
                    detail.as_str().unwrap().starts_with(&start),
                    "{path}?{query}: {detail}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_page_past_the_end_of_a_list_is_empty_and_tells_how_much_there_is() {
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    samples::write_group(&roster.app().table, NOW)
        .await
        .unwrap();
    for endpoint in lists() {
        for (_, route) in endpoint.routes {
            let path = example_path(route);
            let answer = roster.send("GET", &format!("{path}?page=7&size=100")).await;
            let answer = answer.expect(200);
            assert_eq!(answer.body, json!([]));
            // The sample user and the sample group have nothing that is listed, and are listed.
            let total = u8::from(matches!(endpoint.name, "list_users" | "list_groups"));
            let wanted = format!(
                "{{\"page_size\":100,\"current_page\":7,\"total_count\":{total},\
                 \"has_previous\":true,\"has_next\":false}}"
            );
            assert_eq!(answer.header("x-pagination"), Some(&*wanted), "{path}");
            // What a list does not know is ignored, as everywhere.
            let query = format!("{path}?unknown=1&fields=x");
            roster.send("GET", &query).await.expect(200);
        }
    }
}

#[tokio::test]
async fn deep_nesting_is_ignored_where_it_is_unknown_and_a_wrong_type_where_it_is_not() {
    let roster = Roster::start().await;
    let deep = nested(20_000);
    let body = format!("{{\"username\":\"grace\",\"x\":{deep}}}");
    create(&roster, body).await.expect(201);
    let answer = create(&roster, format!("{{\"username\":{deep}}}"))
        .await
        .expect(422);
    assert!(answer.body["errors"]["username"].is_array(), "{answer:?}");
    let path = roster.write(&sample::published()).await;
    roster
        .request("POST", &format!("{path}/enable"))
        .body(deep)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn a_member_that_comes_twice_is_malformed() {
    let roster = Roster::start().await;
    let body = r#"{"username":"grace","username":"hopper"}"#;
    create(&roster, body).await.expect(400);
}

#[tokio::test]
async fn half_a_character_is_malformed() {
    let roster = Roster::start().await;
    create(&roster, r#"{"username":"\ud800"}"#)
        .await
        .expect(400);
    assert!(roster.table.items().await.is_empty());
}

#[tokio::test]
async fn a_body_over_256_kb_is_refused_by_every_call() {
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    let before = roster.table.items().await;
    let body = json!({ "padding": "x".repeat(257 * 1024) }).to_string();
    for (method, path) in calls() {
        let answer = roster
            .request(method, &path)
            .body(body.clone())
            .send()
            .await;
        assert_eq!(answer.status, 413, "{method} {path}: {answer:?}");
    }
    assert_eq!(roster.table.items().await, before);
}

#[tokio::test]
async fn a_body_of_256_kb_is_read() {
    let roster = Roster::start().await;
    let frame = json!({ "username": "grace", "padding": "" }).to_string();
    let padding = "x".repeat(256 * 1024 - frame.len());
    let body = json!({ "username": "grace", "padding": padding }).to_string();
    assert_eq!(body.len(), 256 * 1024);
    create(&roster, body).await.expect(201);
}

#[tokio::test]
async fn a_body_over_ten_megabytes_is_the_gateways_to_refuse() {
    let roster = Roster::start().await;
    let answer = create(&roster, vec![b' '; 10 * 1024 * 1024 + 1])
        .await
        .expect(413);
    assert!(answer.body.get("instance").is_none());
}

#[tokio::test]
async fn unknown_members_are_ignored_and_wrong_types_named() {
    let roster = Roster::start().await;
    let wrong = [
        ("username", "7"),
        ("username", "[]"),
        ("email", "{}"),
        ("phone_number", "true"),
        ("email_verified", "\"true\""),
        ("password", "12345678"),
        ("name", "[\"a\"]"),
        // The number is greater than a double can be.
        ("email_verified", "1e400"),
        ("username", "-1e400"),
        ("password", "1e999"),
    ];
    for (member, value) in wrong {
        let answer = create(&roster, format!("{{\"{member}\":{value}}}"))
            .await
            .expect(422);
        assert_eq!(
            answer.body["type"],
            "https://httpstatuses.io/422#validation-error"
        );
        let named: Vec<_> = answer.body["errors"].as_object().unwrap().keys().collect();
        assert_eq!(named, [member]);
    }
    assert!(roster.table.items().await.is_empty());
    create(&roster, r#"{"username":"grace","":{"a":[1e999]},"x":null}"#)
        .await
        .expect(201);
}

#[tokio::test]
async fn a_byte_order_mark_before_the_body_is_ignored() {
    const MARK: &str = "\u{feff}";
    let roster = Roster::start().await;
    let body = r#"{"username":"grace"}"#;
    let named = |body: String| {
        roster
            .request("POST", "/api/users")
            .header("idempotency-key", "k")
            .body(body)
            .send()
    };
    let first = named(format!("{MARK}{body}")).await.expect(201);
    assert_eq!(named(body.to_owned()).await.expect(201).body, first.body);
    let path = first.header("location").unwrap();
    let enable = || roster.request("POST", &format!("{path}/enable"));
    for body in [MARK.to_owned(), format!("{MARK} "), format!("{MARK}{{}}")] {
        enable().body(body).send().await.expect(200);
    }
    let login = roster.visit("POST", "/users/login/");
    login
        .body(format!(
            "{MARK}{}",
            json!({ "username": "grace", "password": "x" })
        ))
        .send()
        .await
        .expect(401);
}

#[tokio::test]
async fn no_error_repeats_a_value_that_was_sent() {
    const SECRETS: [&str; 2] = ["hunter2", "71077345"];
    let roster = Roster::start().await;
    roster.write(&sample::published()).await;
    let ada = roster.ada().await;
    let values = [
        json!(71_077_345),
        json!(71_077_345.5),
        json!("hunter2, expected hunter2"),
        json!(["hunter2"]),
        json!({ "hunter2": 71_077_345 }),
        json!([[71_077_345]]),
    ];
    let mut refused = 0;
    for endpoint in ENDPOINTS.iter() {
        let (method, route) = endpoint.route();
        let (method, path) = (method.as_str(), example_path(route));
        let Ok(Value::Object(example)) = serde_json::from_str(endpoint.body.example()) else {
            continue;
        };
        for member in example.keys() {
            for value in &values {
                let mut body = example.clone();
                body.insert(member.clone(), value.clone());
                let call = match endpoint.access {
                    Access::Session => ada.request(method, &path),
                    access if access.needs_key() => roster.request(method, &path),
                    _ => roster.visit(method, &path),
                };
                let answer = call.json(Value::Object(body)).send().await;
                // Of a line, the answer's body has the status.
                let of_line = answer.body[0]["status"].as_u64().unwrap_or_default();
                if answer.status < 400 && of_line < 400 {
                    continue;
                }
                refused += 1;
                let told = SECRETS.iter().any(|secret| answer.raw.contains(secret));
                assert!(!told, "{method} {path} {member}: {answer:?}");
            }
        }
    }
    assert!(refused > 20, "only {refused} were refused");
}

#[tokio::test]
async fn control_characters_and_marks_that_hide_are_refused() {
    let roster = Roster::start().await;
    for hidden in [
        "\u{0}", "\u{7}", "\u{7f}", "\u{202e}", "\u{200f}", "\u{200b}", "\u{feff}", "\u{2028}",
        "\u{3164}", "\u{115f}",
    ] {
        let answer = create(
            &roster,
            json!({ "username": format!("gr{hidden}ace") }).to_string(),
        );
        assert_eq!(
            answer.await.expect(422).codes(),
            ["InvalidUserName"],
            "{hidden:?}"
        );
        let email = format!("gr{hidden}ace@example.org");
        let answer = create(&roster, json!({ "email": email }).to_string());
        assert_eq!(
            answer.await.expect(422).codes(),
            ["InvalidEmail"],
            "{hidden:?}"
        );
        let phone = format!("+4415{hidden}1496045");
        let answer = create(&roster, json!({ "phone_number": phone }).to_string());
        assert_eq!(
            answer.await.expect(422).codes(),
            ["InvalidPhoneNumber"],
            "{hidden:?}"
        );
    }
    let answer = create(
        &roster,
        json!({ "username": "grace", "name": "a\u{0}b" }).to_string(),
    );
    assert!(answer.await.expect(422).body["errors"]["name"].is_array());
    assert!(roster.table.items().await.is_empty());
}

#[tokio::test]
async fn homoglyphs_are_different_names_and_no_duplicates() {
    let roster = Roster::start().await;
    // The second address has a Cyrillic letter: it looks the same and is another address. Neither may
    // be taken for the other.
    create(&roster, json!({ "email": "grace@example.org" }).to_string())
        .await
        .expect(201);
    let other = create(&roster, json!({ "email": "grаce@example.org" }).to_string()).await;
    assert_eq!(
        other.expect(201).body["emails"][0]["email"],
        "grаce@example.org"
    );
    roster.table.check_invariants().await;
}

#[tokio::test]
async fn an_overlong_address_is_refused() {
    let roster = Roster::start().await;
    let labels = ["d".repeat(60), "e".repeat(60), "f".repeat(60)].join(".");
    let email = format!("{}@{labels}.example", "a".repeat(64));
    assert_eq!(email.len(), 255);
    let answer = create(&roster, json!({ "email": email }).to_string())
        .await
        .expect(422);
    assert_eq!(answer.codes(), ["InvalidEmail"]);
}

#[tokio::test]
async fn percent_encoded_slashes_and_bytes_in_ids_are_refused() {
    let roster = Roster::start().await;
    for id in [
        "a%2Fb",
        "..%2Fgroups",
        "%00",
        "%FF",
        "%E2%80%AE",
        "a%252Fb",
        "groups",
        "a.b",
    ] {
        let answer = roster
            .send("GET", &format!("/api/users/{id}"))
            .await
            .expect(422);
        assert!(
            answer.body["errors"]["user_id"].is_array(),
            "{id}: {answer:?}"
        );
    }
    let path = roster.write(&sample::published()).await;
    for id in ["%2F", "6cec8047%2D6149", "6cec804761494d9b8d9991c83c22a9dc"] {
        let answer = roster
            .send("POST", &format!("{path}/emails/{id}/primary"))
            .await;
        assert!(
            answer.expect(422).body["errors"]["identifier_id"].is_array(),
            "{id}"
        );
    }
    let encoded = path.replace("UOtB", "%55Ot%42");
    roster.send("GET", &encoded).await.expect(200);
}

#[tokio::test]
async fn clients_that_send_a_content_type_without_a_body_are_served() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    for accept in [
        "*/*",
        "application/json",
        "application/problem+json",
        "text/html",
    ] {
        roster
            .request("GET", &path)
            .header("accept", accept)
            .send()
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn of_repeated_headers_the_last_one_counts() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let enable = || roster.request("POST", &format!("{path}/enable"));
    enable()
        .header("if-match", "\"1\"")
        .header("if-match", "\"9\"")
        .send()
        .await
        .expect(412);
    enable()
        .header("if-match", "\"9\"")
        .header("if-match", "\"1\"")
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn a_second_key_can_not_lift_the_limits_of_the_first_one() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let call = roster
        .request("POST", &format!("{path}/enable"))
        .key(Some(READ_ONLY));
    call.header("x-api-key", ADMIN).send().await.expect(403);
}

#[tokio::test]
async fn a_request_without_a_good_host_is_refused() {
    let roster = Roster::start().await;
    for head in ["", "Host: a b\r\n", "Host: \r\n", "Host: http://x/y\r\n"] {
        let request = format!(
            "GET /api/users/x HTTP/1.1\r\n{head}X-API-KEY: {ADMIN}\r\nConnection: close\r\n\r\n"
        );
        let answer = raw(&roster, &request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head:?}: {answer}");
    }
}

#[tokio::test]
async fn a_header_that_is_not_text_is_refused_where_it_matters() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    roster
        .request("GET", &path)
        .header("x-other", b"\xff".to_vec())
        .send()
        .await
        .expect(200);
    let call = roster.request("GET", &path);
    call.header("if-none-match", b"\"\xff\"".to_vec())
        .send()
        .await
        .expect(400);
}

#[tokio::test]
async fn a_header_is_malformed_exactly_where_the_openapi_document_says_so() {
    let roster = Roster::start().await;
    let path = roster.write(&sample::published()).await;
    let many = |count: usize| vec!["\"7\""; count].join(",");
    let long = |count: usize| "k".repeat(count);
    let tags = [
        "*",
        "\"\"",
        "W/\"7\"",
        ",\"7\" ,\t, \"8\",",
        "\"!#~\"",
        &many(32),
        &many(33),
        "",
        "7",
        "0",
        ",",
        "\"7",
        "7\"",
        "\"7\" \"8\"",
        "w/\"7\"",
        "\"a b\"",
        "*,\"7\"",
        "**",
    ];
    let names = [
        "k",
        "a b",
        "!",
        "~",
        &long(255),
        &long(256),
        "",
        "a\tb",
        "é",
    ];
    for (header, pattern, values) in [
        ("if-match", schema::ENTITY_TAGS, &tags[..]),
        ("idempotency-key", schema::IDEMPOTENCY_KEY, &names),
    ] {
        let document = json!({ "type": "string", "pattern": pattern });
        let document = jsonschema::validator_for(&document).unwrap();
        for value in values {
            let call = roster.request("POST", &format!("{path}/enable"));
            let answer = call.header(header, value.as_bytes()).send().await;
            let is_valid = document.is_valid(&Value::from(*value));
            assert_eq!(
                is_valid,
                answer.status != 400,
                "{header}: {value:?}: {answer:?}"
            );
        }
    }
}

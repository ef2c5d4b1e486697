//! API Gateway's proxy event, before it becomes a request.

use std::convert::Infallible;

use lambda_http::aws_lambda_events::apigw::ApiGatewayProxyRequest;
use lambda_http::http::{HeaderName, HeaderValue};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, LambdaEvent, Service as _, service_fn};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::{Map, Value};

use crate::{App, Endpoint, call};

/// An event with all lines of its headers.
///
/// `lambda_http` reads the headers from two members of the event: `headers` has the last line of each,
/// `multiValueHeaders` has all lines, and the former replaces the latter. It also refuses the whole
/// event when one name or value is not allowed in HTTP. So there is only one list here, with all lines,
/// and each line is valid: a name that is not allowed is left out, and a character that is not allowed
/// is replaced by one that makes the value no plain text.
#[derive(Debug)]
pub struct Event(LambdaRequest);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The cause is left out, because it may quote the event.
        let refused = || D::Error::custom("the event is no proxy event of API Gateway");
        let mut event = Map::deserialize(deserializer).map_err(|_| refused())?;
        let last_lines = event.remove("headers");
        let all_lines = event.remove("multiValueHeaders");
        let headers = headers(all_lines, last_lines);
        event.insert("multiValueHeaders".to_owned(), headers.into());
        let event = ApiGatewayProxyRequest::deserialize(Value::Object(event));
        let event = event.map_err(|_| refused())?;
        Ok(Self(LambdaRequest::ApiGatewayV1(event)))
    }
}

impl From<Event> for lambda_http::Request {
    fn from(event: Event) -> Self {
        event.0.into()
    }
}

/// Answers an event, from Lambda's JSON to the call and back. The deployed function and the local
/// gateway both use it.
pub async fn invoke(
    app: &App,
    endpoint: &Endpoint,
    event: LambdaEvent<Event>,
) -> impl Serialize + use<> {
    let event = LambdaEvent::new(event.payload.0, event.context);
    let mut adapter = Adapter::from(service_fn(|request| async move {
        Ok::<_, Infallible>(call(app, endpoint, request).await)
    }));
    match adapter.call(event).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

/// Every header with all of its lines. Where the event has only the last line, that one.
fn headers(all_lines: Option<Value>, last_lines: Option<Value>) -> Map<String, Value> {
    let members = |value| match value {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let mut headers = Map::new();
    for (name, lines) in members(all_lines) {
        if let (true, Value::Array(lines)) = (is_header_name(&name), lines) {
            // Names that differ only in case are one header.
            let is_same = |known: &&String| known.eq_ignore_ascii_case(&name);
            let name = headers.keys().find(is_same).cloned().unwrap_or(name);
            let all = headers
                .entry(name)
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(all) = all {
                all.extend(lines.into_iter().filter_map(fit));
            }
        }
    }
    for (name, line) in members(last_lines) {
        let is_same = |known: &String| known.eq_ignore_ascii_case(&name);
        if is_header_name(&name) && !headers.keys().any(is_same) {
            headers.insert(name, fit(line).into_iter().collect());
        }
    }
    headers
}

fn is_header_name(name: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok()
}

/// The line, with each character that HTTP doesn't allow replaced.
fn fit(line: Value) -> Option<Value> {
    let Value::String(line) = line else {
        return None;
    };
    if HeaderValue::from_str(&line).is_ok() {
        return Some(line.into());
    }
    let is_fit = |c: char| c == '\t' || !c.is_ascii_control();
    let fit = |c| {
        if is_fit(c) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    Some(line.chars().map(fit).collect::<String>().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(headers: Value, all: Value) -> lambda_http::Request {
        let event = json!({
            "path": "/users/emails", "httpMethod": "GET", "headers": headers,
            "multiValueHeaders": all, "requestContext": {
                "domainName": "a.example.org", "httpMethod": "GET", "identity": {}, "authorizer": {},
            },
        });
        serde_json::from_value::<Event>(event).unwrap().into()
    }

    fn lines(request: &lambda_http::Request, name: &str) -> Vec<Vec<u8>> {
        let lines = request.headers().get_all(name).iter();
        lines.map(|line| line.as_bytes().to_vec()).collect()
    }

    #[test]
    fn every_line_of_a_header_arrives_in_its_order() {
        let request = request(
            json!({ "Cookie": "c=3", "Host": "other.example", "x-forwarded-proto": "a b" }),
            json!({ "cookie": ["a=1", "b=\u{e9}", "c=3"], "Host": ["other.example"] }),
        );
        assert_eq!(
            lines(&request, "cookie"),
            [
                b"a=1".to_vec(),
                "b=\u{e9}".as_bytes().to_vec(),
                b"c=3".to_vec()
            ]
        );
        assert_eq!(lines(&request, "host"), [b"other.example"]);
        assert_eq!(lines(&request, "x-forwarded-proto"), [b"a b"]);
    }

    #[test]
    fn two_spellings_of_a_name_are_one_header_with_all_lines() {
        let request = request(
            json!({ "COOKIE": "b=2" }),
            json!({ "Cookie": ["a=1"], "cookie": ["b=2"] }),
        );
        assert_eq!(lines(&request, "cookie"), [b"a=1", b"b=2"]);
    }

    #[test]
    fn a_header_that_only_the_last_lines_have_arrives_too() {
        for none in [json!(null), json!({})] {
            let request = request(json!({ "Accept": "text/html" }), none);
            assert_eq!(lines(&request, "accept"), [b"text/html"]);
        }
        let request = request(json!(null), json!({ "Accept": ["a/b"] }));
        assert_eq!(lines(&request, "accept"), [b"a/b"]);
    }

    #[test]
    fn a_header_that_http_does_not_allow_does_no_harm_to_the_others() {
        let request = request(
            json!({}),
            json!({
                "a b": ["x"], "": ["x"], "x-number": [7], "x-one": "text",
                "If-Match": ["\"1\"\u{0}"], "Cookie": ["a=\u{1}; b=2", "c=3\r\nx: y"],
            }),
        );
        assert_eq!(request.headers().keys_len(), 2);
        let if_match = &lines(&request, "if-match")[0];
        assert!(if_match.starts_with(b"\"1\"") && !if_match.is_ascii());
        assert_eq!(
            lines(&request, "cookie"),
            [
                "a=\u{fffd}; b=2".as_bytes(),
                "c=3\u{fffd}\u{fffd}x: y".as_bytes()
            ]
        );
    }

    #[test]
    fn a_body_that_is_no_event_is_refused_and_not_repeated() {
        let event = json!({ "httpMethod": "GET", "requestContext": "hunter2" });
        let refused = serde_json::from_value::<Event>(event).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the event is no proxy event of API Gateway"
        );
    }
}

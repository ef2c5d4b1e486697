//! A request as a call sees it: checked as far as every call needs it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use domain::sign_in::Visitor;
use domain::user::Place;
use domain::{IdentifierId, OperationId, UserId};
use lambda_http::http::{HeaderMap, HeaderValue, header};
use lambda_http::lambda_runtime::Context;
use lambda_http::request::RequestContext;
use lambda_http::{RequestExt as _, http};
use percent_encoding::percent_decode_str;
use serde::de::{DeserializeOwned, IgnoredAny};
use store::{Precondition, Write};
use tokio::time::Instant;

use crate::app::since_epoch;
use crate::etag::Tags;
use crate::{Access, App, Endpoint, Method, Problem, PublicUrl, viewer};

/// A request whose key, headers and body are in order.
#[derive(Debug)]
pub struct Request {
    method: Method,
    parameters: BTreeMap<String, String>,
    headers: HeaderMap,
    body: Vec<u8>,
    /// The path that the client sees.
    public_path: String,
    /// Where it comes from; behind CloudFront the viewer's address.
    ip_address: String,
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
    operation: Option<OperationId>,
    deadline: Instant,
}

/// What is known of a request before it is checked: enough to show a problem.
pub(crate) struct Origin {
    /// The request path, without the stage.
    pub(crate) path: String,
    /// API Gateway's request id.
    pub(crate) trace_id: String,
    /// Lambda's request id, as its own log lines have it.
    pub(crate) request_id: String,
    /// The path that the client sees, stage or base path included, without a last slash.
    pub(crate) public_path: String,
    key_id: Option<String>,
    /// The key's value: what an operation id must not be guessed without.
    key: String,
    source_ip: String,
}

impl Origin {
    pub(crate) fn of(event: &lambda_http::Request) -> Self {
        let context = match event.request_context_ref() {
            Some(RequestContext::ApiGatewayV1(context)) => Some(context),
            _ => None,
        };
        Self {
            path: event.raw_http_path().to_owned(),
            trace_id: context
                .and_then(|context| context.request_id.clone())
                .unwrap_or_default(),
            request_id: event
                .lambda_context_ref()
                .map(|context| context.request_id.clone())
                .unwrap_or_default(),
            public_path: context
                .and_then(|context| context.path.clone())
                .map(|path| path.trim_end_matches('/').to_owned())
                .unwrap_or_default(),
            key: context
                .and_then(|context| context.identity.api_key.clone())
                .unwrap_or_default(),
            key_id: context.and_then(|context| context.identity.api_key_id.clone()),
            source_ip: context
                .and_then(|context| context.identity.source_ip.clone())
                .unwrap_or_default(),
        }
    }
}

/// 256 KB.
const MOST_BODY_BYTES: usize = 256 * 1024;

/// What some editors and libraries write before UTF-8 (RFC 8259, section 8.1, lets readers ignore
/// it).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The template's time-out of a call.
const USUAL_TIME: Duration = Duration::from_secs(10);

/// Time that the answer needs after the last attempt at a write.
const ANSWER: Duration = Duration::from_millis(100);

impl Request {
    /// Checks what every call must: the key, the body's size and form, and the headers.
    pub(crate) fn new(
        app: &App,
        endpoint: &Endpoint,
        origin: &Origin,
        event: lambda_http::Request,
    ) -> Result<Self, Problem> {
        let key_id = origin.key_id.as_deref().filter(|id| !id.is_empty());
        if endpoint.access.needs_key() {
            let key_id = key_id.ok_or(Problem::Unauthorized)?;
            app.keys.check(key_id, endpoint.access)?;
        }
        let deadline = end_of(event.lambda_context_ref(), USUAL_TIME) - ANSWER;
        let parameters = event
            .path_parameters()
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let (head, body) = event.into_parts();
        let mut ip_address = origin.source_ip.clone();
        if app.account.behind_cloudfront && !endpoint.access.needs_key() {
            let viewer = viewer::address(&head.headers).ok_or(Problem::PastCloudFront)?;
            ip_address = viewer.to_string();
        }
        let mut body = body.to_vec();
        if body.len() > MOST_BODY_BYTES {
            return Err(Problem::BodyTooLarge);
        }
        if body.starts_with(BYTE_ORDER_MARK) {
            body.drain(..BYTE_ORDER_MARK.len());
        }
        // A link's page sends a form.
        if endpoint.access != Access::Link {
            check_object(&body)?;
        }
        // Versions and names of requests are for programs: what people do themselves is safe to
        // repeat without.
        let (mut operation, mut if_match, mut if_none_match) = (None, None, None);
        if let (Some(key_id), true) = (key_id, endpoint.access.needs_key()) {
            if_match = tags(&head.headers, "if-match")?;
            if_none_match = tags(&head.headers, "if-none-match")?;
            operation = header_text(&head.headers, "idempotency-key")?
                .map(|name| named_operation(name, key_id, origin, &head.method, &body))
                .transpose()?;
        }
        Ok(Self {
            parameters,
            body,
            if_match,
            if_none_match,
            operation,
            deadline,
            method: head.method,
            headers: head.headers,
            public_path: origin.public_path.clone(),
            ip_address,
        })
    }

    /// When the answer must be on its way.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The path parameter `user_id`.
    pub fn user_id(&self) -> Result<UserId, Problem> {
        let text = self.parameter("user_id")?;
        UserId::parse(&text).map_err(|invalid| Problem::invalid("user_id", invalid))
    }

    /// The path parameter `identifier_id`.
    pub fn identifier_id(&self) -> Result<IdentifierId, Problem> {
        let text = self.parameter("identifier_id")?;
        IdentifierId::parse(&text).map_err(|invalid| Problem::invalid("identifier_id", invalid))
    }

    /// API Gateway passes path parameters percent-encoded; they are decoded here, once.
    pub(crate) fn parameter(&self, name: &str) -> Result<Cow<'_, str>, Problem> {
        let encoded = self.parameters.get(name).map_or("", String::as_str);
        percent_decode_str(encoded)
            .decode_utf8()
            .map_err(|_| Problem::invalid(name, "must be UTF-8"))
    }

    /// The body as a `T`. An empty body is an empty object; unknown members are ignored; a member
    /// of the wrong type is named; one that comes twice makes the body malformed.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body: &[u8] = if is_blank(&self.body) {
            b"{}"
        } else {
            &self.body
        };
        // An array would be taken for the members in their order.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(malformed_body("a JSON object"));
        }
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let member = error.path().to_string();
            unreadable(member, &error.into_inner())
        })
    }

    /// Whether the caller has this version already (`If-None-Match`).
    pub fn has_current(&self, version: domain::Version) -> bool {
        self.if_none_match
            .as_ref()
            .is_some_and(|tags| tags.matches(version))
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path that the client sees, stage or base path included, without a last slash.
    pub(crate) fn public_path(&self) -> &str {
        &self.public_path
    }

    /// A header's text, of several lines the last one's; nothing where it isn't plain text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        last_line(&self.headers, name)?.to_str().ok()
    }

    /// All lines of a header.
    pub(crate) fn header_lines(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers.get_all(name).iter().map(HeaderValue::as_bytes)
    }

    /// The values of a cookie, of which there may be several: other applications on the host and
    /// on parent domains set cookies, too, whatever their names and bytes.
    pub(crate) fn cookies<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.header_lines(header::COOKIE.as_str())
            .flat_map(|line| line.split(|byte| *byte == b';'))
            .filter_map(move |cookie| {
                let value = cookie.trim_ascii().strip_prefix(name.as_bytes())?;
                std::str::from_utf8(value.strip_prefix(b"=")?).ok()
            })
    }

    /// Whether the header Origin, if it is there, is the service's own.
    pub(crate) fn has_own_origin(&self, app: &App) -> bool {
        let own = app.account.public_url.as_ref().map(PublicUrl::origin);
        self.header_lines(header::ORIGIN.as_str())
            .all(|origin| own.is_some_and(|own| origin == own.as_bytes()))
    }

    /// Whether the body says that it is of this media type.
    pub(crate) fn is_of(&self, media_type: &str) -> bool {
        let content_type = self.header("content-type").unwrap_or_default();
        let given = content_type.split(';').next().unwrap_or_default();
        given.trim().eq_ignore_ascii_case(media_type)
    }

    /// The body as it came.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Who sends it. Where CloudFront stands before the API, its viewer headers tell address and
    /// place.
    pub fn visitor(&self, app: &App) -> Visitor {
        const MOST_CHARACTERS: usize = 256;
        let text = |name: &str| {
            let value = last_line(&self.headers, name)?;
            let value = String::from_utf8_lossy(value.as_bytes());
            Some(value.chars().take(MOST_CHARACTERS).collect::<String>())
        };
        let viewer = |name| app.account.behind_cloudfront.then(|| text(name)).flatten();
        Visitor {
            ip_address: self.ip_address.clone(),
            user_agent: text("user-agent"),
            place: Place {
                city: viewer("cloudfront-viewer-city"),
                region: viewer("cloudfront-viewer-country-region-name"),
                country: viewer("cloudfront-viewer-country-name"),
            },
        }
    }

    /// How this request writes.
    pub fn write(&self, app: &App) -> Write {
        Write {
            operation: self
                .operation
                .clone()
                .unwrap_or_else(|| app.new_operation_id()),
            is_named: self.operation.is_some(),
            precondition: self
                .if_match
                .as_ref()
                .map_or(Precondition::None, Tags::precondition),
            now: app.clock.now(),
            deadline: self.deadline,
        }
    }
}

/// A member that must be there.
pub fn required<T>(member: &'static str, value: Option<T>) -> Result<T, Problem> {
    value.ok_or_else(|| Problem::invalid(member, "is required"))
}

/// When Lambda ends the function, on the monotonic clock. cargo-lambda sends a constant that passed
/// in 1970; then the invocation gets the time that the template gives it.
pub(crate) fn end_of(context: Option<&Context>, by_template: Duration) -> Instant {
    let left = context
        .map(|context| Duration::from_millis(context.deadline).saturating_sub(since_epoch()))
        .filter(|left| !left.is_zero())
        .unwrap_or(by_template);
    Instant::now() + left
}

fn is_blank(body: &[u8]) -> bool {
    body.iter()
        .all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}

/// On every call a body that is sent must be a JSON object in UTF-8, even where it isn't needed.
pub(crate) fn check_object(body: &[u8]) -> Result<(), Problem> {
    if is_blank(body) {
        return Ok(());
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed_body("UTF-8"))?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|_| malformed_body("JSON"))?;
    if text.trim_start().starts_with('{') {
        Ok(())
    } else {
        Err(malformed_body("a JSON object"))
    }
}

fn malformed_body(what: &str) -> Problem {
    Problem::Malformed(format!("The body is not {what}."))
}

/// What is wrong with the member that could not be read. `serde_json`'s messages repeat the value,
/// which may be a password in the wrong place or type: only what they expect is said.
fn unreadable(member: String, error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    let message = message
        .rsplit_once(" at line ")
        .map_or(&*message, |(message, _)| message);
    if message == "number out of range" {
        return Problem::invalid(member, "must be a value that fits");
    }
    if !error.is_data() {
        return malformed_body("JSON");
    }
    if message.starts_with("duplicate field") {
        return Problem::Malformed(format!("The body has a {message}."));
    }
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => Problem::invalid(member, format!("must be {expected}")),
        None => Problem::invalid(member, "is not valid"),
    }
}

fn last_line<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    headers.get_all(name).iter().next_back()
}

fn header_text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Problem> {
    last_line(headers, name)
        .map(|value| value.to_str().map_err(|_| malformed_header(name)))
        .transpose()
}

fn tags(headers: &HeaderMap, name: &'static str) -> Result<Option<Tags>, Problem> {
    header_text(headers, name)?
        .map(|value| Tags::parse(value).ok_or_else(|| malformed_header(name)))
        .transpose()
}

/// The operation that an `Idempotency-Key` names. The API key's value is hashed in, too: a body
/// may hold a password, and who can read the table or a user's id must not be able to try guesses
/// of it against them.
fn named_operation(
    name: &str,
    key_id: &str,
    origin: &Origin,
    method: &http::Method,
    body: &[u8],
) -> Result<OperationId, Problem> {
    const MOST_CHARACTERS: usize = 255;
    let is_printable = |b: u8| (0x20..=0x7e).contains(&b);
    if !(1..=MOST_CHARACTERS).contains(&name.len()) || !name.bytes().all(is_printable) {
        return Err(malformed_header("idempotency-key"));
    }
    // Without what a domain of one's own puts before it: a repeat may come another way.
    let path = origin
        .path
        .find("/api/")
        .map_or("", |start| &origin.path[start..]);
    let path = path.strip_suffix('/').unwrap_or(path);
    Ok(OperationId::of(&[
        origin.key.as_bytes(),
        key_id.as_bytes(),
        method.as_str().as_bytes(),
        path.as_bytes(),
        body,
        name.as_bytes(),
    ]))
}

fn malformed_header(name: &str) -> Problem {
    Problem::Malformed(format!("The header {name} is malformed."))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read for its type only")]
    struct Body {
        flag: Option<bool>,
        text: Option<String>,
        secret: Option<SecretString>,
        number: Option<u8>,
        choice: Option<Choice>,
        list: Option<Vec<String>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        One,
        Other,
    }

    fn refused(body: &str) -> Problem {
        let mut deserializer = serde_json::Deserializer::from_str(body);
        let read: Result<Body, _> = serde_path_to_error::deserialize(&mut deserializer);
        let error = read.unwrap_err();
        unreadable(error.path().to_string(), &error.into_inner())
    }

    #[test]
    fn a_member_that_can_not_be_read_is_named_with_what_it_must_be() {
        for (member, value, wanted) in [
            ("flag", "7", "must be a boolean"),
            ("flag", "1e400", "must be a value that fits"),
            ("number", "-1e400", "must be a value that fits"),
            ("number", "300", "must be u8"),
            ("text", "{}", "must be a string"),
            ("secret", "[7]", "must be a string"),
            ("choice", "\"third\"", "must be `one` or `other`"),
            ("list", "\"a\"", "must be a sequence"),
        ] {
            let Problem::Validation(members) = refused(&format!("{{\"{member}\":{value}}}")) else {
                panic!("{member} {value}");
            };
            let wanted = BTreeMap::from([(member.to_owned(), vec![wanted.to_owned()])]);
            assert_eq!(members, wanted, "{value}");
        }
    }

    #[test]
    fn no_error_repeats_a_value_that_was_sent() {
        let tricky = "hunter2, expected hunter2 at line 1 column hunter2";
        for member in ["flag", "secret", "number", "choice", "list", "text"] {
            for value in [
                format!("\"{tricky}\""),
                "71077345".to_owned(),
                "71077345.5".to_owned(),
                "-71077345".to_owned(),
                format!("[\"{tricky}\",71077345]"),
                format!("{{\"{tricky}\":71077345}}"),
                "71077345e400".to_owned(),
            ] {
                let body = format!("{{\"{member}\":{value}}}");
                let Err(error) = serde_json::from_str::<Body>(&body) else {
                    continue;
                };
                let said = format!("{:?}", unreadable(member.to_owned(), &error));
                assert!(
                    !said.contains("hunter2") && !said.contains("71077345"),
                    "{said}"
                );
            }
        }
    }

    fn origin(key: &str, path: &str) -> Origin {
        Origin {
            path: path.to_owned(),
            trace_id: String::new(),
            request_id: String::new(),
            public_path: String::new(),
            key_id: None,
            key: key.to_owned(),
            source_ip: String::new(),
        }
    }

    #[test]
    fn everything_that_a_request_says_makes_its_operation() {
        let post = http::Method::POST;
        let operation = |name, key_id, key, method: &http::Method, path, body: &[u8]| {
            named_operation(name, key_id, &origin(key, path), method, body).unwrap()
        };
        let first = operation("n", "i", "k", &post, "/api/p", b"{}");
        for same in ["/api/p/", "/base/api/p"] {
            assert_eq!(first, operation("n", "i", "k", &post, same, b"{}"));
        }
        for other in [
            operation("m", "i", "k", &post, "/api/p", b"{}"),
            operation("n", "j", "k", &post, "/api/p", b"{}"),
            operation("n", "i", "l", &post, "/api/p", b"{}"),
            operation("n", "i", "k", &http::Method::PUT, "/api/p", b"{}"),
            operation("n", "i", "k", &post, "/api/q", b"{}"),
            operation("n", "i", "k", &post, "/api/p", b"{ }"),
        ] {
            assert_ne!(first, other);
        }
    }
}

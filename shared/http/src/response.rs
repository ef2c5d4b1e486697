//! A call's answer on success.

use std::collections::BTreeMap;
use std::ops::Range;

use domain::group::CountedGroup;
use domain::{Timestamp, User, Version};
use lambda_http::Body;
use lambda_http::http::{self, HeaderName, HeaderValue, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use tracing::{error, info};

use crate::problem::Cause;
use crate::{
    Failure, GroupBody, LineBody, LineOutcome, ListPage, Problem, Request, UserBody, etag,
};

/// How much of a list there is.
const PAGINATION: HeaderName = HeaderName::from_static("x-pagination");
/// Where the next page of a list begins.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");
/// How many bytes a list's body may have: Lambda takes answers of 6 MB, headers and the body's own
/// quotes included.
const MAX_LIST: usize = 5_000_000;

/// A successful answer.
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Vec<u8>>,
    /// What lets its holder act for the user. The log tells that it was handed out, and never holds the
    /// thing itself.
    handed_out: Option<&'static str>,
}

/// A page for people.
#[derive(Debug)]
pub struct Page {
    /// The whole document.
    pub html: String,
    /// Its Content-Security-Policy.
    pub policy: String,
}

impl Response {
    const fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
            handed_out: None,
        }
    }

    /// 200 with the whole user, as of `now`.
    pub fn user(user: &User, now: Timestamp) -> Result<Self, Failure> {
        Self::part(&UserBody::of(user, now), user)
    }

    /// 200 with a part of the user, and the user's entity tag.
    pub fn part(body: &impl Serialize, user: &User) -> Result<Self, Failure> {
        Ok(Self::json(body)?.with(header::ETAG, &etag::of(user.version())))
    }

    /// 201 with the whole user and its URL, which is below the path of the request as the client sees
    /// it.
    pub fn created(user: &User, request: &Request) -> Result<Self, Failure> {
        let location = format!("{}/{}", request.public_path(), user.id());
        request.concerns(user.id());
        Ok(Self::user(user, request.now())?.made(&location))
    }

    /// 200 with a group.
    pub fn group(group: &CountedGroup) -> Result<Self, Failure> {
        let tag = etag::of(group.group.version);
        Ok(Self::json(&GroupBody::of(group))?.with(header::ETAG, &tag))
    }

    /// 201 with a group and its URL, which is below the path of the request as the client sees it.
    pub fn created_group(group: &CountedGroup, request: &Request) -> Result<Self, Failure> {
        let location = format!("{}/{}", request.public_path(), group.group.id);
        Ok(Self::group(group)?.made(&location))
    }

    /// 201 with something of the user's that was made where the request says, and the user's entity tag.
    pub fn assigned(
        body: &impl Serialize,
        user: &User,
        request: &Request,
    ) -> Result<Self, Failure> {
        Ok(Self::part(body, user)?.made(request.public_path()))
    }

    /// The same answer with 201, and where to find what was made.
    fn made(mut self, location: &str) -> Self {
        self.status = StatusCode::CREATED;
        self.with(header::LOCATION, location)
    }

    /// 200 with a JSON body.
    pub fn json(body: &impl Serialize) -> Result<Self, Failure> {
        Ok(Self::ok("application/json", Some(json(body)?)))
    }

    /// 200 with one page of a list; a problem where the answer would be too large.
    pub fn list(page: &ListPage<impl Serialize>) -> Result<Self, Failure> {
        let pagination = json(&page.pagination)?;
        let pagination = String::from_utf8_lossy(&pagination);
        let body = json(&page.entries)?;
        if body.len() > MAX_LIST {
            let message = "must be smaller: the entries of this page have more than 5 MB";
            return Err(Problem::query("size", message).into());
        }
        let response = Self::ok("application/json", Some(body)).with(PAGINATION, &pagination);
        Ok(match &page.next_cursor {
            Some(cursor) => response.with(NEXT_CURSOR, cursor),
            None => response,
        })
    }

    /// The same answer, and where the next one goes on.
    pub fn with_next(self, cursor: &str) -> Self {
        self.with(NEXT_CURSOR, cursor)
    }

    /// 200 with what became of each line, in their order. Where the service failed at all of them, that is
    /// the answer: a caller then tries again as with any call, and alarms count it.
    pub fn lines(outcomes: Vec<LineOutcome>) -> Result<Self, Failure> {
        let is_fault = |line: &LineOutcome| {
            let problem = line.outcome.as_ref().err();
            problem.is_some_and(|problem| problem.cause().is_some())
        };
        if !outcomes.is_empty() && outcomes.iter().all(is_fault) {
            let first = outcomes.into_iter().find_map(|line| line.outcome.err());
            return Err(first
                .unwrap_or(Problem::Unavailable(Cause::OutOfTime))
                .into());
        }
        log_lines(&outcomes);
        let body = lines(&outcomes)?;
        Ok(Self::ok("application/json", Some(body)))
    }

    /// 200 with a page.
    pub fn page(page: Page) -> Self {
        Self::new(StatusCode::OK).with_page(page)
    }

    /// 304: the caller already has this version.
    pub fn not_modified(version: Version) -> Self {
        Self::new(StatusCode::NOT_MODIFIED).with(header::ETAG, &etag::of(version))
    }

    /// 200 with an empty text. Without a media type, API Gateway would send it as JSON.
    pub fn done() -> Self {
        Self::ok("text/plain", None)
    }

    /// 204.
    pub const fn empty() -> Self {
        Self::new(StatusCode::NO_CONTENT)
    }

    /// The same answer with cookies, each as the value of `Set-Cookie`.
    pub fn with_cookies(mut self, cookies: impl IntoIterator<Item = SecretString>) -> Self {
        for cookie in cookies {
            let mut value = header_value(cookie.expose_secret());
            value.set_sensitive(true);
            self.headers.push((header::SET_COOKIE, value));
        }
        self
    }

    /// The same, and the log tells that it hands out `what`, which lets its holder act for the user.
    pub const fn handing_out(mut self, what: &'static str) -> Self {
        self.handed_out = Some(what);
        self
    }

    /// What the log must tell.
    pub(crate) const fn handed_out(&self) -> Option<&'static str> {
        self.handed_out
    }

    /// An answer with the problem's status, without a body.
    pub(crate) fn refusal(problem: &Problem) -> Self {
        let response = Self::new(problem.status());
        match problem.retry_after() {
            Some(wait) => response.with(header::RETRY_AFTER, &wait.as_secs().to_string()),
            None => response,
        }
    }

    /// A page, with the headers that keep other sites from framing it and from learning its URL.
    pub(crate) fn with_page(self, page: Page) -> Self {
        let response = self
            .with(header::CONTENT_TYPE, "text/html; charset=utf-8")
            .with(header::CONTENT_SECURITY_POLICY, &page.policy)
            .with(header::REFERRER_POLICY, "no-referrer");
        response.with_body(page.html.into_bytes())
    }

    /// The same answer with another header; `value` must be allowed in one.
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, header_value(value)));
        self
    }

    pub(crate) fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }

    fn ok(media_type: &str, body: Option<Vec<u8>>) -> Self {
        Self {
            body,
            ..Self::new(StatusCode::OK).with(header::CONTENT_TYPE, media_type)
        }
    }
}

impl From<Response> for http::Response<Body> {
    /// JSON and pages are UTF-8. API Gateway passes them on as text, unchanged.
    fn from(response: Response) -> Self {
        let body = response
            .body
            .map_or(Body::Empty, |body| match String::from_utf8(body) {
                Ok(text) => Body::Text(text),
                Err(error) => Body::Binary(error.into_bytes()),
            });
        let mut answer = Self::new(body);
        *answer.status_mut() = response.status;
        for (name, value) in response.headers {
            answer.headers_mut().append(name, value);
        }
        answer
    }
}

/// An array of all outcomes. Lambda takes an answer of 6 MB, in which each quotation mark takes two bytes;
/// so past 3 MB, problems are shown in short.
fn lines(outcomes: &[LineOutcome]) -> Result<Vec<u8>, Problem> {
    const MAX_IN_FULL: usize = 3 * 1024 * 1024;
    let mut body = vec![b'['];
    for (n, outcome) in outcomes.iter().enumerate() {
        if n > 0 {
            body.push(b',');
        }
        let shown = LineBody::of(outcome);
        if body.len() > MAX_IN_FULL {
            body.extend(json(&shown.in_short())?);
        } else {
            body.extend(json(&shown)?);
        }
    }
    body.push(b']');
    Ok(body)
}

/// How many lines had which outcome; and each fault of the service, with the number of lines that met it.
fn log_lines(outcomes: &[LineOutcome]) {
    let count = |statuses: Range<u16>| {
        let of_each = outcomes.iter().map(LineOutcome::status);
        of_each.filter(|status| statuses.contains(status)).count()
    };
    info!(
        lines_found = count(200..201),
        lines_created = count(201..300),
        lines_refused = count(400..500),
        lines_failed = count(500..600),
    );
    let causes = outcomes
        .iter()
        .filter_map(|line| line.outcome.as_ref().err()?.cause());
    let mut faults = BTreeMap::new();
    for cause in causes {
        *faults.entry(store::with_sources(cause)).or_insert(0_usize) += 1;
    }
    for (fault, lines) in faults {
        error!(fault, lines);
    }
}

pub(crate) fn json(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|error| Problem::Internal(Cause::Answer(error)))
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text)
        .expect("constants, ids, versions, paths and cookies are header values")
}

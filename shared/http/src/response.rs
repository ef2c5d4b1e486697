//! A call's answer on success.

use domain::{Timestamp, User, UserId, Version};
use lambda_http::Body;
use lambda_http::http::{self, HeaderName, HeaderValue, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::problem::Cause;
use crate::{Failure, ListPage, Problem, Request, UserBody, etag};

/// How much of a list there is.
const PAGINATION: HeaderName = HeaderName::from_static("x-pagination");

/// A successful answer.
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Vec<u8>>,
    handed_out: Option<HandedOut>,
}

/// Something that lets its holder act for a user. The log tells that it was handed out, and never
/// holds the thing itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HandedOut {
    /// What it is.
    pub(crate) what: &'static str,
    /// The user for whom its holder can act.
    pub(crate) user_id: UserId,
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
        Ok(Self {
            status: StatusCode::CREATED,
            ..Self::user(user, request.now())?.with(header::LOCATION, &location)
        })
    }

    /// 200 with a JSON body.
    pub fn json(body: &impl Serialize) -> Result<Self, Failure> {
        Ok(Self::ok("application/json", Some(json(body)?)))
    }

    /// 200 with one page of a list.
    pub fn list(page: &ListPage<impl Serialize>) -> Result<Self, Failure> {
        let pagination = json(&page.pagination)?;
        let pagination = String::from_utf8_lossy(&pagination);
        let response = Self::json(&page.entries)?;
        Ok(response.with(PAGINATION, &pagination))
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
    pub fn handing_out(mut self, what: &'static str, user_id: &UserId) -> Self {
        self.handed_out = Some(HandedOut {
            what,
            user_id: user_id.clone(),
        });
        self
    }

    /// What the log must tell.
    pub(crate) const fn handed_out(&self) -> Option<&HandedOut> {
        self.handed_out.as_ref()
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

pub(crate) fn json(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|error| Problem::Internal(Cause::Answer(error)))
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text)
        .expect("constants, ids, versions, paths and cookies are header values")
}

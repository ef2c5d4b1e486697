//! A call's answer on success.

use domain::{Timestamp, User, UserId, Version};
use lambda_http::Body;
use lambda_http::http::{self, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::{Problem, UserBody, etag};

/// A successful answer.
#[derive(Debug)]
pub struct Response {
    status: u16,
    etag: Option<String>,
    /// The user that was created.
    created: Option<UserId>,
    cookies: Vec<SecretString>,
    body: Content,
}

#[derive(Debug)]
enum Content {
    None,
    /// Nothing, of a media type: API Gateway calls all other nothings JSON.
    Empty,
    Json(Vec<u8>),
    Page(Page),
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
    const fn new(status: u16, body: Content) -> Self {
        Self {
            status,
            etag: None,
            created: None,
            cookies: Vec::new(),
            body,
        }
    }

    /// 200 with the whole user, as of `now`.
    pub fn user(user: &User, now: Timestamp) -> Result<Self, Problem> {
        Ok(Self {
            etag: Some(etag::of(user.version())),
            ..Self::json(&UserBody::of(user, now))?
        })
    }

    /// 201 with the whole user and where it is.
    pub fn created(user: &User, now: Timestamp) -> Result<Self, Problem> {
        Ok(Self {
            status: 201,
            created: Some(user.id().clone()),
            ..Self::user(user, now)?
        })
    }

    /// 200 with a JSON body.
    pub fn json(body: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self::new(200, Content::Json(json(body)?)))
    }

    /// 200 with a page.
    pub const fn page(page: Page) -> Self {
        Self::new(200, Content::Page(page))
    }

    /// 304: the caller has this version.
    pub fn not_modified(version: Version) -> Self {
        Self {
            etag: Some(etag::of(version)),
            ..Self::new(304, Content::None)
        }
    }

    /// 200 with an empty text.
    pub const fn done() -> Self {
        Self::new(200, Content::Empty)
    }

    /// 204.
    pub const fn empty() -> Self {
        Self::new(204, Content::None)
    }

    /// The same with cookies to set, each as `Set-Cookie` has it.
    pub fn with_cookies(mut self, cookies: impl IntoIterator<Item = SecretString>) -> Self {
        self.cookies.extend(cookies);
        self
    }

    /// `path` is the request's, as the client sees it: what was created is below it.
    pub(crate) fn into_http(self, path: &str) -> http::Response<Body> {
        let mut response = http::Response::builder().status(self.status);
        if let Some(etag) = self.etag {
            response = response.header(header::ETAG, etag);
        }
        if let Some(id) = self.created {
            response = response.header(header::LOCATION, format!("{path}/{id}"));
        }
        for cookie in self.cookies {
            response = response.header(header::SET_COOKIE, cookie.expose_secret());
        }
        match self.body {
            Content::None => finish(response, None),
            Content::Empty => {
                let response = response.header(header::CONTENT_TYPE, "text/plain");
                finish(response, None)
            }
            Content::Json(body) => {
                let response = response.header(header::CONTENT_TYPE, "application/json");
                finish(response, Some(body))
            }
            Content::Page(page) => show(response, page),
        }
    }
}

/// A page with the headers that keep it and its address to itself.
pub(crate) fn show(response: http::response::Builder, page: Page) -> http::Response<Body> {
    let response = response
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, page.policy)
        .header(header::REFERRER_POLICY, "no-referrer");
    finish(response, Some(page.html.into_bytes()))
}

pub(crate) fn json(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|error| Problem::Internal(format!("answer: {error}")))
}

/// JSON is UTF-8; as text, API Gateway passes it on as it is.
pub(crate) fn finish(
    response: http::response::Builder,
    body: Option<Vec<u8>>,
) -> http::Response<Body> {
    let body = body.map_or(Body::Empty, |body| match String::from_utf8(body) {
        Ok(text) => Body::Text(text),
        Err(error) => Body::Binary(error.into_bytes()),
    });
    response
        .body(body)
        .expect("constant headers, ids, versions and paths are valid header values")
}

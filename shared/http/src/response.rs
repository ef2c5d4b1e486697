//! A call's answer on success.

use domain::{Timestamp, User, UserId};
use lambda_http::Body;
use lambda_http::http::{self, header};
use serde::Serialize;

use crate::{Problem, UserBody, etag};

/// A successful answer.
#[derive(Debug)]
pub struct Response {
    status: u16,
    etag: Option<String>,
    /// The user that was created.
    created: Option<UserId>,
    body: Option<Vec<u8>>,
}

impl Response {
    /// 200 with the whole user, as of `now`.
    pub fn user(user: &User, now: Timestamp) -> Result<Self, Problem> {
        Ok(Self {
            status: 200,
            etag: Some(etag::of(user.version)),
            created: None,
            body: Some(json(&UserBody::of(user, now))?),
        })
    }

    /// 201 with the whole user and where it is.
    pub fn created(user: &User, now: Timestamp) -> Result<Self, Problem> {
        Ok(Self {
            status: 201,
            created: Some(user.id.clone()),
            ..Self::user(user, now)?
        })
    }

    /// 304: the caller has this version.
    pub fn not_modified(version: u64) -> Self {
        Self {
            status: 304,
            etag: Some(etag::of(version)),
            created: None,
            body: None,
        }
    }

    /// 204.
    pub const fn empty() -> Self {
        Self {
            status: 204,
            etag: None,
            created: None,
            body: None,
        }
    }

    /// `path` is the request's, as the client sees it: what was created is below it.
    pub(crate) fn into_http(self, path: &str) -> http::Response<Body> {
        let mut response = http::Response::builder()
            .status(self.status)
            .header(header::CACHE_CONTROL, "no-store");
        if let Some(etag) = self.etag {
            response = response.header(header::ETAG, etag);
        }
        if let Some(id) = self.created {
            response = response.header(header::LOCATION, format!("{path}/{id}"));
        }
        if self.body.is_some() {
            response = response.header(header::CONTENT_TYPE, "application/json");
        }
        finish(response, self.body)
    }
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

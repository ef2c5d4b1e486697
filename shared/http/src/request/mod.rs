//! A request as a call gets it, after the checks that every call needs.

mod body;
mod headers;
mod lines;
mod operation;
mod origin;
mod path;
mod query;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::sign_in::Visitor;
use domain::user::Place;
use domain::{Actor, ChangedBy, OperationId, Timestamp, UserId, Version};
use lambda_http::RequestExt as _;
use lambda_http::http::HeaderMap;
use store::{Precondition, Write};
use tokio::time::Instant;

pub use body::required;
pub use lines::{Line, MAX_LINES};
pub(crate) use origin::Origin;
pub use path::PathParameter;

use crate::deadline::end_of;
use crate::etag::Tags;
use crate::{Access, App, Endpoint, Method, Problem, viewer};
use operation::{named_operation, of_key};
use path::PathParameters;
use query::Query;

/// A request whose key, headers and body are in order.
#[derive(Debug)]
pub struct Request {
    /// How the request writes: its operation, its time, the versions that it may replace, its deadline.
    /// A request is one operation at one moment.
    pub write: Write,
    /// Stands for the API key in ids that must not be guessed; none where the call needs no key.
    key: Option<OperationId>,
    method: Method,
    path_parameters: PathParameters,
    query: Query,
    headers: HeaderMap,
    body: Vec<u8>,
    /// The path that the client sees.
    public_path: String,
    /// The client's IP address; behind CloudFront, the viewer's.
    ip_address: String,
    if_none_match: Option<Tags>,
    concerned: Concerned,
}

/// The user that a request is about, once that is known: for the log. Clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Concerned(Arc<OnceLock<UserId>>);

impl Concerned {
    /// The user's opaque id.
    pub(crate) fn user_id(&self) -> Option<&str> {
        self.0.get().map(UserId::as_str)
    }
}

/// Time that the answer needs after the last attempt at a write.
const ANSWER: Duration = Duration::from_millis(100);

impl Request {
    /// Makes the checks that every call needs: the key, the body's size and form, and the headers.
    pub(crate) fn new(
        app: &App,
        endpoint: &Endpoint,
        origin: &Origin,
        concerned: &Concerned,
        event: lambda_http::Request,
    ) -> Result<Self, Problem> {
        let key_id = match origin.key_id.as_deref().filter(|id| !id.is_empty()) {
            // People's own calls ignore a key.
            key_id if endpoint.access.needs_key() => {
                let key_id = key_id.ok_or(Problem::Unauthorized)?;
                app.keys.check(key_id, endpoint.access)?;
                Some(key_id)
            }
            _ => None,
        };
        let deadline = end_of(event.lambda_context_ref(), endpoint.time()) - ANSWER;
        let path_parameters = PathParameters::of(&event);
        let query = Query::of(&event);
        let (head, body) = event.into_parts();
        let mut ip_address = origin.source_ip.clone();
        if app.account.behind_cloudfront && !endpoint.access.needs_key() {
            let viewer = viewer::address(&head.headers).ok_or(Problem::PastCloudFront)?;
            ip_address = viewer.to_string();
        }
        let body = body::checked(body.to_vec(), &endpoint.body)?;
        // Only programs use versions and `Idempotency-Key`: what people do themselves is safe to repeat
        // without them.
        let (mut operation, mut if_match, mut if_none_match) = (None, None, None);
        if let Some(key_id) = key_id {
            if_match = headers::tags(&head.headers, "if-match")?;
            if_none_match = headers::tags(&head.headers, "if-none-match")?;
            operation = headers::text(&head.headers, "idempotency-key")?
                .map(|name| named_operation(name, key_id, origin, &head.method, &body))
                .transpose()?;
        }
        let actor = match (endpoint.access, key_id) {
            (Access::Link, _) => Actor::Link,
            (_, Some(key_id)) => Actor::Key(key_id.to_owned()),
            (_, None) => Actor::User,
        };
        Ok(Self {
            write: Write {
                by: ChangedBy {
                    actor,
                    call: endpoint.name.into(),
                },
                is_named: operation.is_some(),
                operation: operation.unwrap_or_else(|| app.new_operation_id()),
                precondition: if_match.map_or(Precondition::None, |tags| tags.precondition()),
                now: app.clock.now(),
                deadline,
            },
            key: key_id.map(|id| of_key(id, origin)),
            method: head.method,
            path_parameters,
            query,
            headers: head.headers,
            body,
            public_path: origin.public_path.clone(),
            ip_address,
            if_none_match,
            concerned: concerned.clone(),
        })
    }

    /// Tells the log which user the request is about. The first one counts.
    pub fn concerns(&self, user_id: &UserId) {
        let _ = self.concerned.0.set(user_id.clone());
    }

    /// When the answer must be sent.
    pub(crate) fn deadline(&self) -> Instant {
        self.write.deadline
    }

    /// The moment of the request.
    pub fn now(&self) -> Timestamp {
        self.write.now
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path that the client sees, stage or base path included, without a last slash.
    pub(crate) fn public_path(&self) -> &str {
        &self.public_path
    }

    /// Whether the caller already has this version (`If-None-Match`).
    pub fn has_current(&self, version: Version) -> bool {
        self.if_none_match
            .as_ref()
            .is_some_and(|tags| tags.matches(version))
    }

    /// Where the request comes from. Behind CloudFront, its viewer headers have the IP address and the
    /// place.
    pub fn visitor(&self, app: &App) -> Visitor {
        const MAX_CHARACTERS: usize = 256;
        let text = |name: &str| {
            let value = headers::last_line(&self.headers, name)?;
            let value = String::from_utf8_lossy(value.as_bytes());
            Some(value.chars().take(MAX_CHARACTERS).collect::<String>())
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
}

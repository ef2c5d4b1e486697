//! `GET /api/users/{user_id}/sessions`: the live sessions of a user.

use std::cmp::Ordering;

use domain::{Part, Session};
use roster_http::{
    Action, Answer, App, Connect, Endpoint, Failure, Method, Paging, Problem, Request, Response,
    Schema, SessionBody, Sort, SortField,
};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "list_sessions",
    summary: "List a user's sessions",
    description: "The live sessions that signing in has made, those of a disabled user included: they \
        hold again once the user is enabled.",
    routes: &[(Method::GET, "/api/users/{user_id}/sessions")],
    actions: &[Action::Query],
    connect: Connect::BY_QUERY,
    query: &[
        Schema::of::<Paging<Sort<SortBy>>>(),
        Schema::of::<SessionsQuery>(),
    ],
    answer: Answer::list::<SessionBody<'_>>(),
    handler: |app, request| Box::pin(list_sessions(app, request)),
    ..Endpoint::LISTS
};

/// The query, beside the page.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct SessionsQuery {
    /// Sessions of this client alone. Clients are an OAuth server's, so there is none.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    client_id: Option<String>,
    /// The same under its older name.
    #[serde(rename = "clientId")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    older_client_id: Option<String>,
}

#[derive(Clone, Copy)]
enum SortBy {
    SessionId,
    InitiatedAt,
    ExpiresAt,
    LastUpdated,
}

impl SortField for SortBy {
    const ALL: &'static [(&'static str, Self)] = &[
        ("session_id", Self::SessionId),
        ("initiated_at", Self::InitiatedAt),
        ("expires_at", Self::ExpiresAt),
        ("last_updated", Self::LastUpdated),
    ];
}

impl SortBy {
    fn compare(self, one: &Session, other: &Session) -> Ordering {
        match self {
            Self::SessionId => one.id.cmp(&other.id),
            Self::InitiatedAt => one.initiated_at.cmp(&other.initiated_at),
            Self::ExpiresAt => one.expires_at.cmp(&other.expires_at),
            Self::LastUpdated => one.last_updated.cmp(&other.last_updated),
        }
    }
}

async fn list_sessions(app: &App, request: Request) -> Result<Response, Failure> {
    let paging: Paging<Sort<SortBy>> = request.query()?;
    let query: SessionsQuery = request.query()?;
    let user_id = request.path()?;
    let found = app.sessions.of(&user_id).await?;
    let (user, mut sessions) = found.ok_or(Problem::NotFound(Part::User))?;
    let of_any_client = query.client_id.is_none() && query.older_client_id.is_none();
    sessions
        .retain(|session| of_any_client && session.is_live(user.session_epoch(), request.now()));
    let usual = Sort::downward(SortBy::InitiatedAt);
    paging.sort(&mut sessions, usual, SortBy::compare);
    Response::list(&paging.cut(sessions.iter().map(SessionBody::of).collect()))
}

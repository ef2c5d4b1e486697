//! `POST /api/users/{user_id}/disable`: keep a user from signing in.

use domain::rule;
use roster_http::{App, Body, Endpoint, Failure, Method, Request, Response};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "disable_user",
    summary: "Disable a user",
    description: "The user can't sign in any more, and no session of theirs is accepted while they are \
        disabled. With `revoke_sessions` their sessions are ended for good.",
    routes: &[(Method::POST, "/api/users/{user_id}/disable")],
    body: Body::object::<DisableUser>(r#"{"revoke_sessions":true}"#),
    handler: |app, request| Box::pin(disable_user(app, request)),
    ..Endpoint::CHANGES_USER
};

/// The body; it may be empty.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct DisableUser {
    /// End all sessions of the user, too. Default: false.
    revoke_sessions: Option<bool>,
}

async fn disable_user(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: DisableUser = request.json()?;
    let change = rule::disable(body.revoke_sessions.unwrap_or(false));
    let user = app.users.change(&user_id, &change, &request.write).await?;
    Response::user(&user, request.now())
}

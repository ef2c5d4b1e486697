//! `POST /api/users/{user_id}/disable`: keep a user from signing in.

use domain::rule;
use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, UserBody,
};
use serde::Deserialize;

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "disable_user",
    summary: "Disable a user",
    routes: &[(Method::POST, "/api/users/{user_id}/disable")],
    access: Access::Write,
    actions: &[Action::UpdateItem],
    connect: Connect::BY_UPDATE,
    statuses: &[200, 404, 409, 412, 422],
    body: Schema::of::<DisableUser>(),
    example: r#"{"revoke_sessions":true}"#,
    answer: Schema::of::<UserBody>(),
    handler: |app, request| Box::pin(disable_user(app, request)),
};

/// The body; it may be empty.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct DisableUser {
    /// End all sessions of the user, too. Default: false.
    revoke_sessions: Option<bool>,
}

async fn disable_user(app: &App, request: Request) -> Result<Response, Problem> {
    let user_id = request.user_id()?;
    let body: DisableUser = request.json()?;
    let change = rule::disable(body.revoke_sessions.unwrap_or(false));
    let user = app
        .users
        .change(&user_id, &change, &request.write(app))
        .await?;
    Response::user(&user, app.clock.now())
}

//! `POST /api/users/{user_id}/password/force_reset`: let a user sign in again only with another
//! password.

use domain::rule;
use roster_http::{App, Body, Endpoint, Failure, Method, Request, Response};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "force_password_reset",
    summary: "Force a user to change the password",
    description: "The user must change the password at the next sign-in; a link to do it is mailed then. \
        Sessions go on, unless `revoke_sessions` ends them. A user without a password: 400.",
    routes: &[(Method::POST, "/api/users/{user_id}/password/force_reset")],
    body: Body::object::<ForcePasswordReset>("{}"),
    handler: |app, request| Box::pin(force_password_reset(app, request)),
    ..Endpoint::CHANGES_USER
};

/// The body, which may be empty.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ForcePasswordReset {
    /// End all sessions of the user, too. Default: false.
    revoke_sessions: Option<bool>,
}

async fn force_password_reset(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: ForcePasswordReset = request.json()?;
    let change = rule::force_password_reset(body.revoke_sessions.unwrap_or(false));
    let user = app.users.change(&user_id, &change, &request.write).await?;
    Response::user(&user, request.now())
}

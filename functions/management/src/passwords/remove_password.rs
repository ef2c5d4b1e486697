//! `DELETE /api/users/{user_id}/password`: take the password off a user.

use roster_http::{Answer, App, Body, Endpoint, Failure, Method, Request, Response};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "remove_password",
    summary: "Remove a user's password",
    description: "The user can't sign in with a password any more. Links that were mailed before end. \
        Sessions go on, unless `revoke_sessions` ends them. No password: 404.",
    routes: &[(Method::DELETE, "/api/users/{user_id}/password")],
    statuses: &[204, 404, 409, 412, 422],
    body: Body::object::<RemovePassword>("{}"),
    answer: Answer::Nothing,
    handler: |app, request| Box::pin(remove_password(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body, which may be empty.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct RemovePassword {
    /// End all sessions of the user, too. Default: false.
    revoke_sessions: Option<bool>,
}

async fn remove_password(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: RemovePassword = request.json()?;
    app.users
        .edit(&user_id, &request.write, |user| {
            user.remove_password()?;
            if body.revoke_sessions == Some(true) {
                user.end_sessions();
            }
            Ok(())
        })
        .await?;
    Ok(Response::empty())
}

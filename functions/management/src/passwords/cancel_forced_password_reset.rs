//! `DELETE /api/users/{user_id}/password/force_reset`: let a user sign in with the present password
//! again.

use domain::rule;
use roster_http::{App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "cancel_forced_password_reset",
    summary: "No longer force a user to change the password",
    description: "The user may sign in with the present password again. A user without a password: 400.",
    routes: &[(Method::DELETE, "/api/users/{user_id}/password/force_reset")],
    handler: |app, request| Box::pin(cancel_forced_password_reset(app, request)),
    ..Endpoint::CHANGES_USER
};

async fn cancel_forced_password_reset(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let change = rule::cancel_forced_password_reset();
    let user = app.users.change(&user_id, &change, &request.write).await?;
    Response::user(&user, request.now())
}

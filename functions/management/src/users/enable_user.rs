//! `POST /api/users/{user_id}/enable`: let a user sign in again.

use domain::rule;
use roster_http::{App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "enable_user",
    summary: "Enable a user",
    description: "The user may sign in again. Sessions that were ended stay ended.",
    routes: &[(Method::POST, "/api/users/{user_id}/enable")],
    handler: |app, request| Box::pin(enable_user(app, request)),
    ..Endpoint::CHANGES_USER
};

async fn enable_user(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let change = rule::enable();
    let user = app.users.change(&user_id, &change, &request.write).await?;
    Response::user(&user, request.now())
}

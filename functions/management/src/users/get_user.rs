//! `GET /api/users/{user_id}`: one user.

use roster_http::{App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "get_user",
    summary: "Get a user",
    description: "Answers 304 when `If-None-Match` names the present version, unless a lock-out is set: \
        the clock changes `blocked`.",
    routes: &[(Method::GET, "/api/users/{user_id}")],
    handler: |app, request| Box::pin(get_user(app, request)),
    ..Endpoint::READS_USER
};

async fn get_user(app: &App, request: Request) -> Result<Response, Failure> {
    let user = app.user(&request.path()?).await?;
    // While a lock-out is set, the answer changes with the time alone: `blocked` becomes false when it
    // ends.
    if user.sign_ins().block_until.is_none() && request.has_current(user.version()) {
        return Ok(Response::not_modified(user.version()));
    }
    Response::user(&user, request.now())
}

//! `GET /api/users/{user_id}`: one user.

use roster_http::{App, Endpoint, Failure, Method, Problem, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "get_user",
    summary: "Get a user",
    routes: &[(Method::GET, "/api/users/{user_id}")],
    handler: |app, request| Box::pin(get_user(app, request)),
    ..Endpoint::READS_USER
};

async fn get_user(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let user = app
        .users
        .get(&user_id)
        .await?
        .ok_or(Problem::NotFound(domain::Part::User))?;
    // While a lock-out is set, the answer changes with the time alone: `blocked` becomes false when it
    // ends.
    if user.sign_ins().block_until.is_none() && request.has_current(user.version()) {
        return Ok(Response::not_modified(user.version()));
    }
    Response::user(&user, request.now())
}

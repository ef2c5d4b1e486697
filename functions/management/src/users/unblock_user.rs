//! `POST /api/users/{user_id}/unblock`: forget failed sign-ins and lift a lock-out.

use domain::rule;
use roster_http::{App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "unblock_user",
    summary: "Unblock a user",
    description: "Sets `failure_count` to 0 and ends the lock-out of the account. What is counted for \
        single IP addresses is not touched.",
    routes: &[(Method::POST, "/api/users/{user_id}/unblock")],
    handler: |app, request| Box::pin(unblock_user(app, request)),
    ..Endpoint::CHANGES_USER
};

async fn unblock_user(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let change = rule::unblock();
    let user = app.users.change(&user_id, &change, &request.write).await?;
    Response::user(&user, request.now())
}

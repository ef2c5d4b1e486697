//! `DELETE /api/users/{user_id}/passkeys/{passkey_id}`: take a passkey off a user.

use roster_http::{Answer, App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "remove_passkey",
    summary: "Remove a passkey",
    description: "A second time: 404.",
    routes: &[(Method::DELETE, "/api/users/{user_id}/passkeys/{passkey_id}")],
    statuses: &[204, 404, 409, 412, 422],
    answer: Answer::Nothing,
    handler: |app, request| Box::pin(remove_passkey(app, request)),
    ..Endpoint::EDITS_USER
};

async fn remove_passkey(app: &App, request: Request) -> Result<Response, Failure> {
    let (user_id, passkey_id) = (request.path()?, request.path()?);
    app.users
        .edit(&user_id, &request.write, |user| {
            user.remove_passkey(&passkey_id)
        })
        .await?;
    Ok(Response::empty())
}

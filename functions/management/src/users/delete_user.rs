//! `DELETE /api/users/{user_id}`: delete a user and free all identifiers.

use roster_http::{Action, Answer, App, Endpoint, Failure, Method, Partition, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "delete_user",
    summary: "Delete a user",
    description: "Frees all identifiers and ends all sessions. A second deletion is 404; a repeat with \
        the same `Idempotency-Key` is 204.",
    routes: &[(Method::DELETE, "/api/users/{user_id}")],
    actions: &[Action::DeleteItem, Action::GetItem, Action::PutItem],
    partitions: &[
        Partition::Email,
        Partition::Phone,
        Partition::User,
        Partition::Username,
    ],
    statuses: &[204, 404, 409, 412, 422],
    answer: Answer::Nothing,
    handler: |app, request| Box::pin(delete_user(app, request)),
    ..Endpoint::EDITS_USER
};

async fn delete_user(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    app.users.delete(&user_id, &request.write).await?;
    Ok(Response::empty())
}

//! `DELETE /api/users/{user_id}/username`: take the username off a user and free it.

use domain::User;
use roster_http::{Action, App, Endpoint, Failure, Method, Partition, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "remove_username",
    summary: "Remove the username",
    description: "The name is free for others at once. No username: 404. The last identifier of a user \
        can't be removed (`LastIdentifier`).",
    routes: &[(Method::DELETE, "/api/users/{user_id}/username")],
    actions: &[Action::DeleteItem, Action::GetItem, Action::UpdateItem],
    partitions: &[Partition::User, Partition::Username],
    handler: |app, request| Box::pin(remove_username(app, request)),
    ..Endpoint::EDITS_USER
};

async fn remove_username(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let user = app
        .users
        .edit(&user_id, &request.write, User::remove_username)
        .await?;
    Response::user(&user, request.now())
}

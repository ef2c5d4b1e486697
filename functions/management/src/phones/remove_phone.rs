//! `DELETE /api/users/{user_id}/phones/{identifier_id}`: take a phone number off a user and free it.

use domain::User;
use roster_http::{Action, App, Endpoint, Failure, Method, Partition, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "remove_phone",
    summary: "Remove a phone number",
    description: "The number is free for others at once. The primary number can be removed only as the \
        last of its kind (`PrimaryIdentifier`), and the last identifier of a user not at all \
        (`LastIdentifier`). Links that were mailed or sent before end.",
    routes: &[(
        Method::DELETE,
        "/api/users/{user_id}/phones/{identifier_id}",
    )],
    actions: &[Action::DeleteItem, Action::GetItem, Action::UpdateItem],
    partitions: &[Partition::Phone, Partition::User],
    handler: |app, request| Box::pin(remove_phone(app, request)),
    ..Endpoint::EDITS_USER
};

async fn remove_phone(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let phone_id = request.path()?;
    let edit = |user: &mut User| user.remove_phone(phone_id);
    let user = app.users.edit(&user_id, &request.write, edit).await?;
    Response::user(&user, request.now())
}

//! `DELETE /api/users/{user_id}/emails/{identifier_id}`: take an e-mail address off a user and free it.

use domain::User;
use roster_http::{Action, App, Endpoint, Failure, Method, Partition, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "remove_email",
    summary: "Remove an e-mail address",
    description: "The address is free for others at once. The primary address can be removed only as the \
        last of its kind (`PrimaryIdentifier`), and the last identifier of a user not at all \
        (`LastIdentifier`). Links that were mailed before end.",
    routes: &[(
        Method::DELETE,
        "/api/users/{user_id}/emails/{identifier_id}",
    )],
    actions: &[Action::DeleteItem, Action::GetItem, Action::UpdateItem],
    partitions: &[Partition::Email, Partition::User],
    handler: |app, request| Box::pin(remove_email(app, request)),
    ..Endpoint::EDITS_USER
};

async fn remove_email(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let email_id = request.path()?;
    let edit = |user: &mut User| user.remove_email(email_id);
    let user = app.users.edit(&user_id, &request.write, edit).await?;
    Response::user(&user, request.now())
}

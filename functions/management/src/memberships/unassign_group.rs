//! `DELETE /api/users/{user_id}/groups/{group_id}`: take a user out of a group.

use roster_http::{
    Action, Answer, App, Connect, Endpoint, Failure, Method, Partition, Request, Response,
};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "unassign_group",
    summary: "Take a user out of a group",
    description: "404 where the user is not in the group; a repeat with the same `Idempotency-Key` is \
        204. `If-Match` is about the user.",
    routes: &[(Method::DELETE, "/api/users/{user_id}/groups/{group_id}")],
    actions: &[
        Action::BatchGetItem,
        Action::DeleteItem,
        Action::PutItem,
        Action::UpdateItem,
    ],
    partitions: &[Partition::Group, Partition::User],
    connect: Connect::BY_BATCH_GET,
    statuses: &[204, 404, 409, 412, 422],
    answer: Answer::Nothing,
    handler: |app, request| Box::pin(unassign_group(app, request)),
    ..Endpoint::EDITS_USER
};

async fn unassign_group(app: &App, request: Request) -> Result<Response, Failure> {
    let (user_id, group_id) = (request.path()?, request.path()?);
    app.memberships
        .unassign(&user_id, group_id, &request.write)
        .await?;
    Ok(Response::empty())
}

//! `POST /api/users/{user_id}/groups/{group_id}`: assign a user to a group.

use roster_http::{
    Action, Answer, App, Connect, Endpoint, Failure, Method, Partition, Request, Response,
    UserGroupBody,
};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "assign_group",
    summary: "Assign a user to a group",
    description: "A user who is in the group already keeps the time of the first assignment: 201, and \
        nothing changes. The user's version does not move. `If-Match` is about the user.",
    routes: &[(Method::POST, "/api/users/{user_id}/groups/{group_id}")],
    actions: &[
        Action::BatchGetItem,
        Action::ConditionCheckItem,
        Action::DeleteItem,
        Action::PutItem,
        Action::UpdateItem,
    ],
    partitions: &[Partition::Group, Partition::User],
    connect: Connect::BY_BATCH_GET,
    statuses: &[201, 404, 409, 412, 422],
    answer: Answer::json::<UserGroupBody<'_>>(),
    handler: |app, request| Box::pin(assign_group(app, request)),
    ..Endpoint::EDITS_USER
};

async fn assign_group(app: &App, request: Request) -> Result<Response, Failure> {
    let (user_id, group_id) = (request.path()?, request.path()?);
    let (user, membership, group) = app
        .memberships
        .assign(&user_id, group_id, &request.write)
        .await?;
    Response::assigned(&UserGroupBody::of(&membership, &group), &user, &request)
}

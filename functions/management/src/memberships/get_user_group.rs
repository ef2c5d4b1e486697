//! `GET /api/users/{user_id}/groups/{group_id}`: since when a user is in a group.

use roster_http::{
    Action, Answer, App, Connect, Endpoint, Failure, Method, Partition, Request, Response,
    UserGroupBody,
};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "get_user_group",
    summary: "Get a group of a user",
    description: "404 where there is no such user or group, and where the user is not in the group: the \
        answer says which.",
    routes: &[(Method::GET, "/api/users/{user_id}/groups/{group_id}")],
    actions: &[Action::BatchGetItem],
    partitions: &[Partition::Group, Partition::User],
    connect: Connect::BY_BATCH_GET,
    statuses: &[200, 404, 422],
    answer: Answer::json::<UserGroupBody<'_>>(),
    handler: |app, request| Box::pin(get_user_group(app, request)),
    ..Endpoint::READS_USER
};

async fn get_user_group(app: &App, request: Request) -> Result<Response, Failure> {
    let (user_id, group_id) = (request.path()?, request.path()?);
    let (membership, group) = app.memberships.get(&user_id, group_id).await?;
    Response::json(&UserGroupBody::of(&membership, &group))
}

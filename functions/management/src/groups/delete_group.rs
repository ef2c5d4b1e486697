//! `DELETE /api/groups/{group_id}`: delete a group and free its name.

use roster_http::{Action, Answer, App, Endpoint, Failure, Method, Partition, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "delete_group",
    summary: "Delete a group",
    description: "Frees its name. From then on no user is in it; their memberships are deleted \
        within seconds. A second deletion is 404; a repeat with the same `Idempotency-Key` is 204.",
    routes: &[(Method::DELETE, "/api/groups/{group_id}")],
    actions: &[
        Action::DeleteItem,
        Action::GetItem,
        Action::PutItem,
        Action::UpdateItem,
    ],
    partitions: &[
        Partition::AutoGroups,
        Partition::Group,
        Partition::GroupName,
    ],
    statuses: &[204, 404, 409, 412, 422],
    answer: Answer::Nothing,
    handler: |app, request| Box::pin(delete_group(app, request)),
    ..Endpoint::EDITS_USER
};

async fn delete_group(app: &App, request: Request) -> Result<Response, Failure> {
    let group_id = request.path()?;
    app.groups.delete(group_id, &request.write).await?;
    Ok(Response::empty())
}

//! `GET /api/groups/{group_id}`: one group.

use domain::Part;
use roster_http::{
    Action, Answer, App, Connect, Endpoint, Failure, Method, Partition, Problem, Request, Response,
};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "get_group",
    summary: "Get a group",
    description: "How many users are in it, and when one was assigned last, may trail a write by about a \
        second. The entity tag is of the group itself, so it does not move with them, and the answer is \
        never 304.",
    routes: &[(Method::GET, "/api/groups/{group_id}")],
    actions: &[Action::Query],
    partitions: &[Partition::Group],
    connect: Connect::BY_QUERY,
    statuses: &[200, 404, 422],
    answer: Answer::Group,
    handler: |app, request| Box::pin(get_group(app, request)),
    ..Endpoint::READS_USER
};

async fn get_group(app: &App, request: Request) -> Result<Response, Failure> {
    let group = app.groups.get(request.path()?).await?;
    Response::group(&group.ok_or(Problem::NotFound(Part::Group))?)
}

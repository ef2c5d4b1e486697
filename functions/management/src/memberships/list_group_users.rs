//! `GET /api/users/groups/{group_id}/assigned`: the users of a group, or those of them whom a filter
//! finds.

use domain::Part;
use roster_http::{
    Action, App, Connect, Endpoint, Failure, Method, Partition, Problem, Request, Response,
    UserList,
};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "list_group_users",
    summary: "List the users of a group",
    description: "Summaries of users, in the order of the users' creation. The query is that of the list \
        of all users; a filter and another order are for groups of at most 10,000 users.",
    routes: &[(Method::GET, "/api/users/groups/{group_id}/assigned")],
    actions: &[Action::BatchGetItem, Action::Query],
    partitions: &[Partition::Group, Partition::User],
    connect: Connect::BY_BATCH_GET,
    statuses: &[200, 404, 422],
    handler: |app, request| Box::pin(list_group_users(app, request)),
    ..Endpoint::LISTS_USERS
};

async fn list_group_users(app: &App, request: Request) -> Result<Response, Failure> {
    let list = UserList::of(&request)?;
    let listed = app
        .directory
        .users_of_group(request.path()?, &list.wanted)
        .await;
    let listed = match listed {
        Ok(None) => return Err(Problem::NotFound(Part::Group).into()),
        Ok(Some(listed)) => Ok(listed),
        Err(error) => Err(error),
    };
    list.answer(listed, request.now())
}

//! `GET /api/users`: the users of the directory, or those whom a filter finds.

use roster_http::{App, Endpoint, Failure, Index, Method, Partition, Request, Response, UserList};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "list_users",
    summary: "List users, or search for some",
    description: "Summaries of users, in the order of their creation. Every filter is an index; what none \
        finds is 400, and `filter` is named with what works. By number, `page` times `size` is at most \
        10,000. `cursor`, from the header `x-next-cursor` of the page before, walks a list of any length. \
        The order by another field than `creation_time`, and a filter of several terms, are for lists of \
        at most 10,000 users. A longer list of one term, without `sort`, comes in the order of the names \
        that match, and its `total_count` is a lower bound.",
    routes: &[(Method::GET, "/api/users")],
    partitions: &[
        Partition::Counter,
        Partition::Email,
        Partition::Phone,
        Partition::User,
        Partition::Username,
    ],
    indexes: &[
        Index::ByCreation,
        Index::ByDisabled,
        Index::ByDomain,
        Index::ByPrefix,
    ],
    handler: |app, request| Box::pin(list_users(app, request)),
    ..Endpoint::LISTS_USERS
};

async fn list_users(app: &App, request: Request) -> Result<Response, Failure> {
    let list = UserList::of(&request)?;
    let users = app.directory.users(&list.wanted).await;
    list.answer(users, request.now())
}

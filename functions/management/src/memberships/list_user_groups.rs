//! `GET /api/users/{user_id}/groups`: the groups that a user is in.

use std::cmp::Ordering;

use domain::{Group, Membership, Part};
use roster_http::{
    Action, Answer, App, Connect, Endpoint, Failure, Method, Paging, Partition, Problem, Request,
    Response, Schema, Sort, SortField, UserGroupBody,
};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "list_user_groups",
    summary: "List a user's groups",
    description: "Each with its present name. The group that the user was assigned to last comes first.",
    routes: &[(Method::GET, "/api/users/{user_id}/groups")],
    actions: &[Action::BatchGetItem, Action::GetItem, Action::Query],
    partitions: &[Partition::Group, Partition::User],
    connect: Connect::BY_QUERY,
    query: &[Schema::of::<Paging<Sort<SortBy>>>()],
    answer: Answer::list::<UserGroupBody<'_>>(),
    handler: |app, request| Box::pin(list_user_groups(app, request)),
    ..Endpoint::LISTS
};

#[derive(Clone, Copy)]
enum SortBy {
    CreationTime,
}

impl SortField for SortBy {
    const ALL: &'static [(&'static str, Self)] = &[("creation_time", Self::CreationTime)];
}

impl SortBy {
    fn compare(self, (one, _): &(Membership, Group), (other, _): &(Membership, Group)) -> Ordering {
        match self {
            Self::CreationTime => one.creation_time.cmp(&other.creation_time),
        }
    }
}

async fn list_user_groups(app: &App, request: Request) -> Result<Response, Failure> {
    let paging: Paging<Sort<SortBy>> = request.query()?;
    let found = app.memberships.of(&request.path()?).await?;
    let mut groups = found.ok_or(Problem::NotFound(Part::User))?;
    let usual = Sort::downward(SortBy::CreationTime);
    paging.sort(&mut groups, usual, SortBy::compare);
    let bodies = groups
        .iter()
        .map(|(membership, group)| UserGroupBody::of(membership, group));
    Response::list(&paging.cut(bodies.collect()))
}

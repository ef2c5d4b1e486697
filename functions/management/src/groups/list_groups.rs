//! `GET /api/groups`: the groups of the directory.

use std::cmp::Ordering;

use domain::Group;
use domain::group::{CountedGroup, MAX_LISTED, NameStart};
use roster_http::{
    Action, Answer, App, Connect, Endpoint, Failure, GroupBody, Index, ListPage, Method, Paging,
    Partition, Problem, Request, Response, Schema, Sort, SortField, query_text,
};
use serde::{Deserialize, Deserializer};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "list_groups",
    summary: "List groups",
    description: "`filter` is the start of a name, in whatever case. A list of more than 10,000 groups is \
        refused with 400. Which groups are listed, and what is counted of them, may trail a write by \
        about a second.",
    routes: &[(Method::GET, "/api/groups")],
    actions: &[Action::BatchGetItem, Action::Query],
    partitions: &[Partition::Group],
    indexes: &[Index::ByCreation, Index::ByPrefix],
    connect: Connect::BY_QUERY,
    statuses: &[200],
    query: &[
        Schema::of::<Paging<Sort<SortBy>>>(),
        Schema::of::<GroupsQuery>(),
    ],
    answer: Answer::list::<GroupBody<'_>>(),
    handler: |app, request| Box::pin(list_groups(app, request)),
    ..Endpoint::LISTS
};

/// The query, beside the page.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct GroupsQuery {
    /// The start of a name.
    #[serde(default, deserialize_with = "name_start")]
    #[cfg_attr(
        feature = "schema",
        schemars(
            with = "String",
            length(max = 64),
            regex(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")
        )
    )]
    filter: Option<NameStart>,
}

fn name_start<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NameStart>, D::Error> {
    query_text(
        deserializer,
        "the start of a group's name",
        |text| match text.trim() {
            "" => Some(None),
            _ => NameStart::parse(text).map(Some),
        },
    )
}

#[derive(Clone, Copy)]
enum SortBy {
    Name,
    Type,
    ClientsAssigned,
    UsersAssigned,
    LastAssigned,
    CreationTime,
    LastUpdated,
}

impl SortField for SortBy {
    const ALL: &'static [(&'static str, Self)] = &[
        ("name", Self::Name),
        ("type", Self::Type),
        ("clients_assigned", Self::ClientsAssigned),
        ("users_assigned", Self::UsersAssigned),
        ("last_assigned", Self::LastAssigned),
        ("creation_time", Self::CreationTime),
        ("last_updated", Self::LastUpdated),
    ];
}

impl SortBy {
    /// Whether it takes the counters to put groups into this order.
    const fn is_counted(self) -> bool {
        matches!(self, Self::UsersAssigned | Self::LastAssigned)
    }

    fn compare(self, one: &Group, other: &Group) -> Ordering {
        match self {
            Self::Name => one.name.canonical().cmp(other.name.canonical()),
            Self::CreationTime => one.creation_time.cmp(&other.creation_time),
            Self::LastUpdated => one.last_updated.cmp(&other.last_updated),
            // All groups have the same type and no clients; counters are not a group's own.
            Self::Type | Self::ClientsAssigned | Self::UsersAssigned | Self::LastAssigned => {
                Ordering::Equal
            }
        }
    }

    fn compare_counted(self, one: &CountedGroup, other: &CountedGroup) -> Ordering {
        match self {
            Self::UsersAssigned => one.assigned.users.cmp(&other.assigned.users),
            Self::LastAssigned => one.last_assigned().cmp(&other.last_assigned()),
            by => by.compare(&one.group, &other.group),
        }
    }
}

async fn list_groups(app: &App, request: Request) -> Result<Response, Failure> {
    let paging: Paging<Sort<SortBy>> = request.query()?;
    let GroupsQuery { filter } = request.query()?;
    let groups = app.groups.list(filter.as_ref()).await?;
    let mut groups = groups.ok_or_else(too_many)?;
    let usual = Sort::downward(SortBy::CreationTime);
    // Counting costs a read for each group, so only what is shown is counted where that is enough.
    let page = if paging.sorted_by(usual).is_counted() {
        let mut counted = app.groups.count(groups).await?;
        paging.sort(&mut counted, usual, SortBy::compare_counted);
        paging.cut(counted)
    } else {
        paging.sort(&mut groups, usual, SortBy::compare);
        let page = paging.cut(groups);
        ListPage::new(app.groups.count(page.entries).await?, page.pagination)
    };
    let shown = page.entries.iter().map(GroupBody::of).collect();
    Response::list(&ListPage::new(shown, page.pagination))
}

fn too_many() -> Problem {
    Problem::Malformed(format!(
        "There are more than {MAX_LISTED} groups to list: filter names the start of a name."
    ))
}

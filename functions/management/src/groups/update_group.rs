//! `PATCH /api/groups/{group_id}`: change a group.

use domain::Patch;
use domain::group::GroupChanges;
#[cfg(feature = "schema")]
use roster_http::schema::{GroupDescriptionText, GroupNameText};
use roster_http::{
    Action, Answer, App, Body, Connect, Endpoint, Failure, Method, Partition, Request, Response,
};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "update_group",
    summary: "Change a group",
    description: "Changes the members that are named; a null `description` removes it. A name that \
        another group has is refused under `name`. `is_auto_assigned` is about users who are created \
        from then on: those who are there stay where they are.",
    routes: &[(Method::PATCH, "/api/groups/{group_id}")],
    actions: &[
        Action::DeleteItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    partitions: &[
        Partition::AutoGroups,
        Partition::Group,
        Partition::GroupName,
    ],
    connect: Connect::BY_QUERY,
    body: Body::object::<UpdateGroup>(
        r#"{"name":"Subscribers","description":null,"is_auto_assigned":true}"#,
    ),
    answer: Answer::Group,
    handler: |app, request| Box::pin(update_group(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body. What is absent stays as it is.
#[derive(Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct UpdateGroup {
    /// 1 to 64 characters.
    #[cfg_attr(feature = "schema", schemars(with = "GroupNameText"))]
    name: Patch<String>,
    /// At most 1,000 characters; it may have lines. Null removes it.
    #[cfg_attr(feature = "schema", schemars(with = "Option<GroupDescriptionText>"))]
    description: Patch<String>,
    /// Put every new user into the group.
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    is_auto_assigned: Patch<bool>,
}

async fn update_group(app: &App, request: Request) -> Result<Response, Failure> {
    let group_id = request.path()?;
    let body: UpdateGroup = request.json()?;
    let changes = GroupChanges::parse(body.name, body.description, body.is_auto_assigned)?;
    let group = app.groups.change(group_id, &changes, &request.write);
    Response::group(&group.await?)
}

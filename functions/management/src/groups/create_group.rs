//! `POST /api/groups`: create a group.

use domain::Group;
use domain::group::{Description, GroupName, NewGroup};
#[cfg(feature = "schema")]
use roster_http::schema::{GroupDescriptionText, GroupNameText};
use roster_http::{
    Action, Answer, App, Body, Connect, Endpoint, Failure, Method, Partition, Request, Response,
    required,
};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "create_group",
    summary: "Create a group",
    description: "A name that another group has, in whatever case, is refused under `name`. With \
        `is_auto_assigned`, every user who is created from then on is in the group; at most 20 groups \
        may be so.",
    routes: &[(Method::POST, "/api/groups")],
    actions: &[Action::PutItem, Action::Query, Action::UpdateItem],
    partitions: &[
        Partition::AutoGroups,
        Partition::Group,
        Partition::GroupName,
    ],
    connect: Connect::BY_PUT,
    statuses: &[201, 409, 422],
    body: Body::object::<CreateGroup>(
        r#"{"name":"Editors","description":"People who may publish articles.","is_auto_assigned":true}"#,
    ),
    answer: Answer::Group,
    handler: |app, request| Box::pin(create_group(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct CreateGroup {
    /// 1 to 64 characters.
    #[cfg_attr(feature = "schema", schemars(required, with = "GroupNameText"))]
    name: Option<String>,
    /// At most 1,000 characters; it may have lines.
    #[cfg_attr(feature = "schema", schemars(with = "Option<GroupDescriptionText>"))]
    description: Option<String>,
    /// Put every new user into the group. Default: false.
    is_auto_assigned: Option<bool>,
}

async fn create_group(app: &App, request: Request) -> Result<Response, Failure> {
    let body: CreateGroup = request.json()?;
    let new = NewGroup {
        operation: request.write.operation.clone(),
        name: GroupName::parse(&required("name", body.name)?)?,
        description: body.description.map(Description::parse).transpose()?,
        is_auto_assigned: body.is_auto_assigned.unwrap_or(false),
    };
    let group = Group::create(new, request.now());
    let group = app.groups.create(group, &request.write).await?;
    Response::created_group(&group, &request)
}

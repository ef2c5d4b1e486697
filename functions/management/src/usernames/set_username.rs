//! `PUT /api/users/{user_id}/username`: give a user a username, in place of any other.

use domain::{User, Username};
#[cfg(feature = "schema")]
use roster_http::schema::UsernameText;
use roster_http::{
    Action, App, Body, Endpoint, Failure, Method, Partition, Request, Response, required,
};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "set_username",
    summary: "Set the username",
    description: "Takes the place of any other username, which is free for others at once. Another \
        user's name is refused with `DuplicateUserName`.",
    routes: &[(Method::PUT, "/api/users/{user_id}/username")],
    actions: &[
        Action::DeleteItem,
        Action::GetItem,
        Action::PutItem,
        Action::UpdateItem,
    ],
    partitions: &[Partition::User, Partition::Username],
    body: Body::object::<SetUsername>(r#"{"username":"grace.hopper"}"#),
    handler: |app, request| Box::pin(set_username(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct SetUsername {
    /// 1 to 64 characters, no `@`, no phone number.
    #[cfg_attr(feature = "schema", schemars(required, with = "UsernameText"))]
    username: Option<String>,
}

async fn set_username(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: SetUsername = request.json()?;
    let username = Username::parse(&required("username", body.username)?)?;
    let id = app.new_identifier_id(request.now());
    let edit = |user: &mut User| {
        user.set_username(id, username.clone());
        Ok(())
    };
    let user = app.users.edit(&user_id, &request.write, edit).await?;
    Response::user(&user, request.now())
}

//! `PUT /api/users/{user_id}/username`: give a user a username, in place of any other.

use domain::{User, Username};
use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, UserBody,
    required,
};
use serde::Deserialize;

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "set_username",
    summary: "Set the username",
    routes: &[(Method::PUT, "/api/users/{user_id}/username")],
    access: Access::Write,
    actions: &[
        Action::DeleteItem,
        Action::GetItem,
        Action::PutItem,
        Action::UpdateItem,
    ],
    connect: Connect::BY_GET,
    statuses: &[200, 404, 409, 412, 422],
    body: Schema::of::<SetUsername>(),
    example: r#"{"username":"grace.hopper"}"#,
    answer: Schema::of::<UserBody>(),
    handler: |app, request| Box::pin(set_username(app, request)),
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct SetUsername {
    /// 1 to 64 characters, no `@`, no phone number.
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    username: Option<String>,
}

async fn set_username(app: &App, request: Request) -> Result<Response, Problem> {
    let user_id = request.user_id()?;
    let body: SetUsername = request.json()?;
    let username = Username::parse(&required("username", body.username)?)?;
    let id = app.new_identifier_id();
    let edit = |user: &mut User| {
        user.set_username(id, username.clone());
        Ok(())
    };
    let user = app.users.edit(&user_id, &request.write(app), edit).await?;
    Response::user(&user, app.clock.now())
}

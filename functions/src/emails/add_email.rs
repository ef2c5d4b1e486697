//! `POST /api/users/{user_id}/emails`: put an e-mail address on a user.

use domain::{Email, User};
use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, UserBody,
    required,
};
use serde::Deserialize;

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "add_email",
    summary: "Add an e-mail address",
    routes: &[(Method::POST, "/api/users/{user_id}/emails")],
    access: Access::Write,
    actions: &[Action::GetItem, Action::PutItem, Action::UpdateItem],
    connect: Connect::BY_GET,
    statuses: &[200, 404, 409, 412, 422],
    body: Schema::of::<AddEmail>(),
    example: r#"{"email":"grace@example.com","is_verified":true}"#,
    answer: Schema::of::<UserBody>(),
    handler: |app, request| Box::pin(add_email(app, request)),
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct AddEmail {
    /// At most 254 characters.
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    email: Option<String>,
    /// The address is proved. Default: false.
    is_verified: Option<bool>,
    /// Taken for compatibility: this directory has no restrictions to skip.
    #[expect(dead_code, reason = "checked for its type only")]
    skip_restriction_checks: Option<bool>,
}

async fn add_email(app: &App, request: Request) -> Result<Response, Problem> {
    let user_id = request.user_id()?;
    let body: AddEmail = request.json()?;
    let email = Email::parse(&required("email", body.email)?)?;
    let is_verified = body.is_verified.unwrap_or(false);
    let id = app.new_identifier_id();
    let edit = |user: &mut User| user.add_email(id, email.clone(), is_verified);
    let user = app.users.edit(&user_id, &request.write(app), edit).await?;
    Response::user(&user, app.clock.now())
}

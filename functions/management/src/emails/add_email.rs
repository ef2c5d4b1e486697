//! `POST /api/users/{user_id}/emails`: put an e-mail address on a user.

use domain::{Email, User};
#[cfg(feature = "schema")]
use roster_http::schema::EmailText;
use roster_http::{
    Action, App, Body, Endpoint, Failure, Method, Partition, Request, Response, required,
};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "add_email",
    summary: "Add an e-mail address",
    description: "Becomes the primary address when it is verified and there is no primary one. An \
        address that a user has is refused with `DuplicateEmail`; a user may have 40. Links \
        that were mailed before end.",
    routes: &[(Method::POST, "/api/users/{user_id}/emails")],
    actions: &[Action::GetItem, Action::PutItem, Action::UpdateItem],
    partitions: &[Partition::Email, Partition::User],
    body: Body::object::<AddEmail>(r#"{"email":"grace@example.com","is_verified":true}"#),
    handler: |app, request| Box::pin(add_email(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct AddEmail {
    /// At most 254 characters.
    #[cfg_attr(feature = "schema", schemars(required, with = "EmailText"))]
    email: Option<String>,
    /// The address is proved. Default: false.
    is_verified: Option<bool>,
    /// Taken for compatibility: this directory has no restrictions to skip.
    #[expect(dead_code, reason = "checked for its type only")]
    skip_restriction_checks: Option<bool>,
}

async fn add_email(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: AddEmail = request.json()?;
    let email = Email::parse(&required("email", body.email)?)?;
    let is_verified = body.is_verified.unwrap_or(false);
    let id = app.new_identifier_id(request.now());
    let edit = |user: &mut User| user.add_email(id, email.clone(), is_verified);
    let user = app.users.edit(&user_id, &request.write, edit).await?;
    Response::user(&user, request.now())
}

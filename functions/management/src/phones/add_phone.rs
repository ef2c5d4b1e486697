//! `POST /api/users/{user_id}/phones`: put a phone number on a user.

use domain::{Phone, User};
#[cfg(feature = "schema")]
use roster_http::schema::PhoneText;
use roster_http::{
    Action, App, Body, Endpoint, Failure, Method, Partition, Request, Response, required,
};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "add_phone",
    summary: "Add a phone number",
    description: "Becomes the primary number when it is verified and there is no primary one. A number \
        that a user has is refused with `DuplicatePhoneNumber`; a user may have 40. Links that \
        were mailed or sent before end.",
    routes: &[(Method::POST, "/api/users/{user_id}/phones")],
    actions: &[Action::GetItem, Action::PutItem, Action::UpdateItem],
    partitions: &[Partition::Phone, Partition::User],
    body: Body::object::<AddPhone>(r#"{"phone_number":"+441514960961","is_verified":true}"#),
    handler: |app, request| Box::pin(add_phone(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct AddPhone {
    /// With a plus sign and the country code; it is shown in E.164.
    #[cfg_attr(feature = "schema", schemars(required, with = "PhoneText"))]
    phone_number: Option<String>,
    /// The number is proved. Default: false.
    is_verified: Option<bool>,
    /// Taken for compatibility: this directory has no restrictions to skip.
    #[expect(dead_code, reason = "checked for its type only")]
    skip_restriction_checks: Option<bool>,
}

async fn add_phone(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: AddPhone = request.json()?;
    let phone = Phone::parse(&required("phone_number", body.phone_number)?)?;
    let is_verified = body.is_verified.unwrap_or(false);
    let id = app.new_identifier_id(request.now());
    let edit = |user: &mut User| user.add_phone(id, phone.clone(), is_verified);
    let user = app.users.edit(&user_id, &request.write, edit).await?;
    Response::user(&user, request.now())
}

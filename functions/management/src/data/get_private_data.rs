//! `GET /api/users/{user_id}/private_data`: what only the application may see of its data of a user.

use domain::user::DataKind;
use domain::{JsonObject, User};
use roster_http::{Answer, App, Endpoint, Failure, Method, Request, Response};
use serde::Serialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "get_private_data",
    summary: "Get a user's private data",
    description: "Only the application sees it. The entity tag is the user's.",
    routes: &[(Method::GET, "/api/users/{user_id}/private_data")],
    answer: Answer::json::<PrivateDataBody<'_>>(),
    handler: |app, request| Box::pin(get_private_data(app, request)),
    ..Endpoint::READS_USER
};

/// The application's private data of a user.
#[derive(Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "PrivateData")
)]
pub(super) struct PrivateDataBody<'a> {
    /// What only the application may see.
    #[cfg_attr(feature = "schema", schemars(with = "roster_http::schema::Map"))]
    private_data: &'a JsonObject,
}

impl PrivateDataBody<'_> {
    /// 200 with a user's own.
    pub(super) fn show(user: &User) -> Result<Response, Failure> {
        let private_data = user.data(DataKind::Private);
        Response::part(&PrivateDataBody { private_data }, user)
    }
}

async fn get_private_data(app: &App, request: Request) -> Result<Response, Failure> {
    let user = app.user(&request.path()?).await?;
    if request.has_current(user.version()) {
        return Ok(Response::not_modified(user.version()));
    }
    PrivateDataBody::show(&user)
}

//! `GET /api/users/{user_id}/public_data`: what the user may see of the application's data.

use domain::user::DataKind;
use domain::{JsonObject, User};
use roster_http::{Answer, App, Endpoint, Failure, Method, Request, Response};
use serde::Serialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "get_public_data",
    summary: "Get a user's public data",
    description: "The user may see it, too. The entity tag is the user's.",
    routes: &[(Method::GET, "/api/users/{user_id}/public_data")],
    answer: Answer::json::<PublicDataBody<'_>>(),
    handler: |app, request| Box::pin(get_public_data(app, request)),
    ..Endpoint::READS_USER
};

/// The application's public data of a user.
#[derive(Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "PublicData")
)]
pub(super) struct PublicDataBody<'a> {
    /// What the user may see, too.
    #[cfg_attr(feature = "schema", schemars(with = "roster_http::schema::Map"))]
    public_data: &'a JsonObject,
}

impl PublicDataBody<'_> {
    /// 200 with a user's own.
    pub(super) fn show(user: &User) -> Result<Response, Failure> {
        let public_data = user.data(DataKind::Public);
        Response::part(&PublicDataBody { public_data }, user)
    }
}

async fn get_public_data(app: &App, request: Request) -> Result<Response, Failure> {
    let user = app.user(&request.path()?).await?;
    if request.has_current(user.version()) {
        return Ok(Response::not_modified(user.version()));
    }
    PublicDataBody::show(&user)
}

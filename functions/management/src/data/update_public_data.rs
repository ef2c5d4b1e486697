//! `PATCH /api/users/{user_id}/public_data`: change some of what the user may see of the application's data.

use domain::user::DataKind;
use roster_http::{Answer, App, Body, Endpoint, Failure, Method, Request, Response};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::change::change;
use super::get_public_data::PublicDataBody;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "update_public_data",
    summary: "Change some of a user's public data",
    description: "Each member that is sent replaces the one of its name whole, null removes it, and the \
        others stay. Every JSON value is kept exactly as it was sent. At most 64 KB and 64 \
        levels, before and after.",
    routes: &[(Method::PATCH, "/api/users/{user_id}/public_data")],
    body: Body::object::<UpdatePublicData>(
        r#"{"public_data":{"color_preference":{"phone":"dark"},"send_emails":null}}"#,
    ),
    answer: Answer::json::<PublicDataBody<'_>>(),
    handler: |app, request| Box::pin(update_public_data(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct UpdatePublicData {
    /// Each member replaces the present one of its name whole; null removes it; members that are not
    /// named stay. At most 64 KB and 64 levels, before and after.
    #[cfg_attr(
        feature = "schema",
        schemars(required, with = "roster_http::schema::Map")
    )]
    public_data: Option<Box<RawValue>>,
}

async fn update_public_data(app: &App, request: Request) -> Result<Response, Failure> {
    let body: UpdatePublicData = request.json()?;
    let user = change(app, &request, DataKind::Public, body.public_data).await?;
    PublicDataBody::show(&user)
}

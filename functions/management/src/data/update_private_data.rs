//! `PATCH /api/users/{user_id}/private_data`: change some of what only the application may see of its data of a user.

use domain::user::DataKind;
use roster_http::{Answer, App, Body, Endpoint, Failure, Method, Request, Response};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::change::change;
use super::get_private_data::PrivateDataBody;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "update_private_data",
    summary: "Change some of a user's private data",
    description: "Each member that is sent replaces the one of its name whole, null removes it, and the \
        others stay. Every JSON value is kept exactly as it was sent. At most 64 KB and 64 \
        levels, before and after.",
    routes: &[(Method::PATCH, "/api/users/{user_id}/private_data")],
    body: Body::object::<UpdatePrivateData>(
        r#"{"private_data":{"subscription_plan":"free","last_renewed":null}}"#,
    ),
    answer: Answer::json::<PrivateDataBody<'_>>(),
    handler: |app, request| Box::pin(update_private_data(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct UpdatePrivateData {
    /// Each member replaces the present one of its name whole; null removes it; members that are not
    /// named stay. At most 64 KB and 64 levels, before and after.
    #[cfg_attr(
        feature = "schema",
        schemars(required, with = "roster_http::schema::Map")
    )]
    private_data: Option<Box<RawValue>>,
}

async fn update_private_data(app: &App, request: Request) -> Result<Response, Failure> {
    let body: UpdatePrivateData = request.json()?;
    let user = change(app, &request, DataKind::Private, body.private_data).await?;
    PrivateDataBody::show(&user)
}

//! `GET /api/users/{user_id}/grants/{kind}`: what OAuth servers were granted by a user: nothing, since
//! this directory has none.

use roster_http::{
    Answer, AnySort, App, Endpoint, Failure, Method, Paging, Request, Response, Schema,
};
use serde::{Deserialize, Serialize};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "list_grants",
    summary: "List a user's grants: none",
    description: "Grants belong to an OAuth server that this directory may sit behind. The list is \
        always empty.",
    routes: &[
        (Method::GET, "/api/users/{user_id}/grants/clients"),
        (Method::GET, "/api/users/{user_id}/grants/consents"),
        (Method::GET, "/api/users/{user_id}/grants/reference_tokens"),
        (Method::GET, "/api/users/{user_id}/grants/refresh_tokens"),
        (Method::GET, "/api/users/{user_id}/grants/codes"),
    ],
    query: &[Schema::of::<Paging<AnySort>>(), Schema::of::<GrantsQuery>()],
    answer: Answer::list::<Grant>(),
    handler: |app, request| Box::pin(list_grants(app, request)),
    ..Endpoint::LISTS
};

/// The query, beside the page.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(dead_code, reason = "there is nothing to look for")]
#[expect(clippy::struct_field_names, reason = "the names of the query")]
struct GrantsQuery {
    /// Grants of this client alone.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    client_id: Option<String>,
    /// The same under its older name.
    #[serde(rename = "clientId")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    older_client_id: Option<String>,
    /// Grants of this session alone.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    session_id: Option<String>,
    /// The same under its older name.
    #[serde(rename = "sessionId")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    older_session_id: Option<String>,
}

/// A grant: there is none.
#[derive(Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields)
)]
struct Grant {}

async fn list_grants(app: &App, request: Request) -> Result<Response, Failure> {
    let paging: Paging<AnySort> = request.query()?;
    let _: GrantsQuery = request.query()?;
    app.user(&request.path()?).await?;
    Response::list(&paging.cut(Vec::<Grant>::new()))
}

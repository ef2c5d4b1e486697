//! `POST /api/users/{user_id}/external_authenticator/disconnect`: take an account with a provider
//! outside off a user.

use domain::external::Authenticator;
use roster_http::{App, Body, Endpoint, Failure, Method, Problem, Request, Response, required};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "disconnect_external_authenticator",
    summary: "Disconnect an external account",
    description: "Removes the account with this provider, and the user's connection of the same provider \
        and id. Another pair: 404.",
    routes: &[(
        Method::POST,
        "/api/users/{user_id}/external_authenticator/disconnect",
    )],
    body: Body::object::<DisconnectExternalAuthenticator>(
        r#"{"authenticator":"google","provider_user_id":"79a500f9-aba6-4f03-baec-c18f4b7136ad"}"#,
    ),
    handler: |app, request| Box::pin(disconnect_external_authenticator(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct DisconnectExternalAuthenticator {
    /// Which provider.
    #[cfg_attr(
        feature = "schema",
        schemars(required, with = "roster_http::schema::Authenticator")
    )]
    authenticator: Option<String>,
    /// The user's id there.
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    provider_user_id: Option<String>,
}

async fn disconnect_external_authenticator(
    app: &App,
    request: Request,
) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: DisconnectExternalAuthenticator = request.json()?;
    let authenticator = Authenticator::parse(&required("authenticator", body.authenticator)?)
        .map_err(|unknown| Problem::invalid("authenticator", unknown))?;
    let provider_user_id = required("provider_user_id", body.provider_user_id)?;
    let user = app
        .users
        .edit(&user_id, &request.write, |user| {
            user.disconnect(authenticator, &provider_user_id)
        })
        .await?;
    Response::user(&user, request.now())
}

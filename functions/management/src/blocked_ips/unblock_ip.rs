//! `POST /api/users/{user_id}/blocked_ips/unblock`: forget the failures of an IP address, or of all.

use domain::blocked_ip::Unblocked;
use roster_http::{
    Action, App, Body, Endpoint, Failure, Method, Partition, Problem, Request, Response, required,
};
use serde::Deserialize;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "unblock_ip",
    summary: "Forget the failed sign-ins of an IP address",
    description: "Forgets the failures of one address, or of `all`, for this user's identifiers. \
        `failure_count` and `block_until` of the user stay: see unblock_user.",
    routes: &[(Method::POST, "/api/users/{user_id}/blocked_ips/unblock")],
    actions: &[
        Action::GetItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    partitions: &[Partition::SignIn, Partition::User],
    body: Body::object::<UnblockIp>(r#"{"ip_address":"all"}"#),
    handler: |app, request| Box::pin(unblock_ip(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct UnblockIp {
    /// An IP address, a /64 network as the list shows it, or `all`.
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    ip_address: Option<String>,
}

async fn unblock_ip(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: UnblockIp = request.json()?;
    let unblocked = Unblocked::parse(&required("ip_address", body.ip_address)?);
    let unblocked = unblocked.ok_or_else(|| {
        Problem::invalid(
            "ip_address",
            "must be an IP address, a /64 network or \"all\"",
        )
    })?;
    let user = app
        .sign_ins
        .unblock_ip_addresses(&user_id, &unblocked, &request.write)
        .await?;
    Response::user(&user, request.now())
}

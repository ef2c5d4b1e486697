//! `POST /api/users/{user_id}/phones/{identifier_id}/unverify`: mark a phone number as not proved.

use domain::{AddressKind, rule};
use roster_http::{App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "unverify_phone",
    summary: "Unverify a phone number",
    description: "The primary number stays verified (`PrimaryIdentifier`). Links that were mailed or \
        sent before end.",
    routes: &[(
        Method::POST,
        "/api/users/{user_id}/phones/{identifier_id}/unverify",
    )],
    handler: |app, request| Box::pin(unverify_phone(app, request)),
    ..Endpoint::CHANGES_USER
};

async fn unverify_phone(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let phone_id = request.path()?;
    let change = rule::unverify(AddressKind::Phone, phone_id);
    let user = app.users.change(&user_id, &change, &request.write).await?;
    Response::user(&user, request.now())
}

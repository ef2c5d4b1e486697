//! `POST /api/users/{user_id}/phones/{identifier_id}/primary`: make a phone number the primary one.

use domain::{AddressKind, rule};
use roster_http::{App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "set_primary_phone",
    summary: "Set the primary phone number",
    description: "Only a verified number can be the primary one (`PhoneNotVerified`). Links that were \
        mailed or sent before end.",
    routes: &[(
        Method::POST,
        "/api/users/{user_id}/phones/{identifier_id}/primary",
    )],
    handler: |app, request| Box::pin(set_primary_phone(app, request)),
    ..Endpoint::CHANGES_USER
};

async fn set_primary_phone(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let phone_id = request.path()?;
    let change = rule::set_primary(AddressKind::Phone, phone_id);
    let user = app.users.change(&user_id, &change, &request.write).await?;
    Response::user(&user, request.now())
}

//! `POST /api/users/{user_id}/phones/{identifier_id}/verify`: mark a phone number as proved.

use domain::user::Source;
use domain::{AddressKind, rule};
use roster_http::{App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "verify_phone",
    summary: "Verify a phone number",
    description: "Marks the number as proved; `verification_source` is `api`. It becomes the primary one \
        when there is none. Links that were mailed or sent before end.",
    routes: &[(
        Method::POST,
        "/api/users/{user_id}/phones/{identifier_id}/verify",
    )],
    handler: |app, request| Box::pin(verify_phone(app, request)),
    ..Endpoint::CHANGES_USER
};

async fn verify_phone(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let phone_id = request.path()?;
    let change = rule::verify(AddressKind::Phone, phone_id, Source::API);
    let user = app.users.change(&user_id, &change, &request.write).await?;
    Response::user(&user, request.now())
}

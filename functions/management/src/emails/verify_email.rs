//! `POST /api/users/{user_id}/emails/{identifier_id}/verify`: mark an e-mail address as proved.

use domain::user::Source;
use domain::{AddressKind, rule};
use roster_http::{App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "verify_email",
    summary: "Verify an e-mail address",
    description: "Marks the address as proved; `verification_source` is `api`. It becomes the primary \
        one when there is none. Links that were mailed before end.",
    routes: &[(
        Method::POST,
        "/api/users/{user_id}/emails/{identifier_id}/verify",
    )],
    handler: |app, request| Box::pin(verify_email(app, request)),
    ..Endpoint::CHANGES_USER
};

async fn verify_email(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let email_id = request.path()?;
    let change = rule::verify(AddressKind::Email, email_id, Source::API);
    let user = app.users.change(&user_id, &change, &request.write).await?;
    Response::user(&user, request.now())
}

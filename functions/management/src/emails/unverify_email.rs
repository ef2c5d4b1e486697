//! `POST /api/users/{user_id}/emails/{identifier_id}/unverify`: mark an e-mail address as not proved.

use domain::{AddressKind, rule};
use roster_http::{App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "unverify_email",
    summary: "Unverify an e-mail address",
    description: "The primary address stays verified (`PrimaryIdentifier`). It ends the right of this \
        address to undo a change. Links that were mailed before end.",
    routes: &[(
        Method::POST,
        "/api/users/{user_id}/emails/{identifier_id}/unverify",
    )],
    handler: |app, request| Box::pin(unverify_email(app, request)),
    ..Endpoint::CHANGES_USER
};

async fn unverify_email(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let email_id = request.path()?;
    let change = rule::unverify(AddressKind::Email, email_id);
    let user = app.users.change(&user_id, &change, &request.write).await?;
    Response::user(&user, request.now())
}

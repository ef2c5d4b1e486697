//! `POST /api/users/{user_id}/emails/{identifier_id}/primary`: make an e-mail address the primary one.

use domain::{AddressKind, rule};
use roster_http::{App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "set_primary_email",
    summary: "Set the primary e-mail address",
    description: "Only a verified address can be the primary one (`EmailNotVerified`). It ends the \
        rights of the other addresses to undo a change. Links that were mailed before end.",
    routes: &[(
        Method::POST,
        "/api/users/{user_id}/emails/{identifier_id}/primary",
    )],
    handler: |app, request| Box::pin(set_primary_email(app, request)),
    ..Endpoint::CHANGES_USER
};

async fn set_primary_email(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let email_id = request.path()?;
    let change = rule::set_primary(AddressKind::Email, email_id);
    let user = app.users.change(&user_id, &change, &request.write).await?;
    Response::user(&user, request.now())
}

//! `POST /api/users/{user_id}/emails/{identifier_id}/unverify`: mark an e-mail address as not proved.

use domain::{AddressKind, rule};
use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, UserBody,
};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "unverify_email",
    summary: "Unverify an e-mail address",
    routes: &[(
        Method::POST,
        "/api/users/{user_id}/emails/{identifier_id}/unverify",
    )],
    access: Access::Write,
    actions: &[Action::UpdateItem],
    connect: Connect::BY_UPDATE,
    statuses: &[200, 404, 409, 412, 422],
    body: Schema::NONE,
    example: "",
    answer: Schema::of::<UserBody>(),
    handler: |app, request| Box::pin(unverify_email(app, request)),
};

async fn unverify_email(app: &App, request: Request) -> Result<Response, Problem> {
    let user_id = request.user_id()?;
    let email_id = request.identifier_id()?;
    let change = rule::unverify(AddressKind::Email, email_id);
    let user = app
        .users
        .change(&user_id, &change, &request.write(app))
        .await?;
    Response::user(&user, app.clock.now())
}

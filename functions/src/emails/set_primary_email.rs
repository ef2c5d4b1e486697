//! `POST /api/users/{user_id}/emails/{identifier_id}/primary`: make an e-mail address the primary one.

use domain::{AddressKind, rule};
use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, UserBody,
};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "set_primary_email",
    summary: "Set the primary e-mail address",
    routes: &[(
        Method::POST,
        "/api/users/{user_id}/emails/{identifier_id}/primary",
    )],
    access: Access::Write,
    actions: &[Action::UpdateItem],
    connect: Connect::BY_UPDATE,
    statuses: &[200, 404, 409, 412, 422],
    body: Schema::NONE,
    example: "",
    answer: Schema::of::<UserBody>(),
    handler: |app, request| Box::pin(set_primary_email(app, request)),
};

async fn set_primary_email(app: &App, request: Request) -> Result<Response, Problem> {
    let user_id = request.user_id()?;
    let email_id = request.identifier_id()?;
    let change = rule::set_primary(AddressKind::Email, email_id);
    let user = app
        .users
        .change(&user_id, &change, &request.write(app))
        .await?;
    Response::user(&user, app.clock.now())
}

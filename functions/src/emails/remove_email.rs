//! `DELETE /api/users/{user_id}/emails/{identifier_id}`: take an e-mail address off a user and free it.

use domain::User;
use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, UserBody,
};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "remove_email",
    summary: "Remove an e-mail address",
    routes: &[(
        Method::DELETE,
        "/api/users/{user_id}/emails/{identifier_id}",
    )],
    access: Access::Write,
    actions: &[Action::DeleteItem, Action::GetItem, Action::UpdateItem],
    connect: Connect::BY_GET,
    statuses: &[200, 404, 409, 412, 422],
    body: Schema::NONE,
    example: "",
    answer: Schema::of::<UserBody>(),
    handler: |app, request| Box::pin(remove_email(app, request)),
};

async fn remove_email(app: &App, request: Request) -> Result<Response, Problem> {
    let user_id = request.user_id()?;
    let email_id = request.identifier_id()?;
    let edit = |user: &mut User| user.remove_email(email_id);
    let user = app.users.edit(&user_id, &request.write(app), edit).await?;
    Response::user(&user, app.clock.now())
}

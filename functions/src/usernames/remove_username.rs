//! `DELETE /api/users/{user_id}/username`: take the username off a user and free it.

use domain::User;
use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, UserBody,
};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "remove_username",
    summary: "Remove the username",
    routes: &[(Method::DELETE, "/api/users/{user_id}/username")],
    access: Access::Write,
    actions: &[Action::DeleteItem, Action::GetItem, Action::UpdateItem],
    connect: Connect::BY_GET,
    statuses: &[200, 404, 409, 412, 422],
    body: Schema::NONE,
    example: "",
    answer: Schema::of::<UserBody>(),
    handler: |app, request| Box::pin(remove_username(app, request)),
};

async fn remove_username(app: &App, request: Request) -> Result<Response, Problem> {
    let user_id = request.user_id()?;
    let user = app
        .users
        .edit(&user_id, &request.write(app), User::remove_username)
        .await?;
    Response::user(&user, app.clock.now())
}

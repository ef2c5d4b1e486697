//! `POST /api/users/{user_id}/enable`: let a user sign in again.

use domain::rule;
use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, UserBody,
};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "enable_user",
    summary: "Enable a user",
    routes: &[(Method::POST, "/api/users/{user_id}/enable")],
    access: Access::Write,
    actions: &[Action::UpdateItem],
    connect: Connect::BY_UPDATE,
    statuses: &[200, 404, 409, 412, 422],
    body: Schema::NONE,
    example: "",
    answer: Schema::of::<UserBody>(),
    handler: |app, request| Box::pin(enable_user(app, request)),
};

async fn enable_user(app: &App, request: Request) -> Result<Response, Problem> {
    let user_id = request.user_id()?;
    let change = rule::enable();
    let user = app
        .users
        .change(&user_id, &change, &request.write(app))
        .await?;
    Response::user(&user, app.clock.now())
}

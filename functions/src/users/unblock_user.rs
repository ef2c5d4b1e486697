//! `POST /api/users/{user_id}/unblock`: forget failed sign-ins and lift a lock-out.

use domain::rule;
use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, UserBody,
};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "unblock_user",
    summary: "Unblock a user",
    routes: &[(Method::POST, "/api/users/{user_id}/unblock")],
    access: Access::Write,
    actions: &[Action::UpdateItem],
    connect: Connect::BY_UPDATE,
    statuses: &[200, 404, 409, 412, 422],
    body: Schema::NONE,
    example: "",
    answer: Schema::of::<UserBody>(),
    handler: |app, request| Box::pin(unblock_user(app, request)),
};

async fn unblock_user(app: &App, request: Request) -> Result<Response, Problem> {
    let user_id = request.user_id()?;
    let change = rule::unblock();
    let user = app
        .users
        .change(&user_id, &change, &request.write(app))
        .await?;
    Response::user(&user, app.clock.now())
}

//! `GET /api/users/{user_id}`: one user.

use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, UserBody,
};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "get_user",
    summary: "Get a user",
    routes: &[(Method::GET, "/api/users/{user_id}")],
    access: Access::Read,
    actions: &[Action::GetItem],
    connect: Connect::BY_GET,
    statuses: &[200, 304, 404, 422],
    body: Schema::NONE,
    example: "",
    answer: Schema::of::<UserBody>(),
    handler: |app, request| Box::pin(get_user(app, request)),
};

async fn get_user(app: &App, request: Request) -> Result<Response, Problem> {
    let user_id = request.user_id()?;
    let user = app
        .users
        .get(&user_id)
        .await?
        .ok_or(Problem::NotFound(domain::Part::User))?;
    // While a lock-out is set, the clock alone changes the answer.
    if user.sign_ins().block_until.is_none() && request.has_current(user.version()) {
        return Ok(Response::not_modified(user.version()));
    }
    Response::user(&user, app.clock.now())
}

//! `POST /users/logout/`: end this session.

use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema,
    ended_session_cookies,
};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "logout",
    summary: "Sign out",
    routes: &[(Method::POST, "/users/logout")],
    access: Access::Session,
    actions: &[Action::BatchGetItem, Action::DeleteItem, Action::UpdateItem],
    connect: Connect::BY_UPDATE,
    statuses: &[204],
    body: Schema::NONE,
    example: "",
    answer: Schema::NONE,
    handler: |app, request| Box::pin(logout(app, request)),
};

async fn logout(app: &App, request: Request) -> Result<Response, Problem> {
    let caller = request.caller(app).await?;
    app.sessions
        .end(caller.user.id(), &caller.session_id)
        .await?;
    Ok(Response::empty().with_cookies(ended_session_cookies(app)))
}

//! `POST /users/logout/`: end this session.

use roster_http::{
    Action, App, Endpoint, Failure, Method, Request, Response, ended_session_cookies,
};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "logout",
    summary: "Sign out",
    description: "Ends the session and clears its cookies. The device stays known.",
    routes: &[(Method::POST, "/users/logout")],
    actions: &[Action::BatchGetItem, Action::DeleteItem, Action::UpdateItem],
    statuses: &[204],
    handler: |app, request| Box::pin(logout(app, request)),
    ..Endpoint::PERSON
};

async fn logout(app: &App, request: Request) -> Result<Response, Failure> {
    let caller = request.caller(app).await?;
    app.sessions
        .sign_out(caller.user.id(), &caller.session_id, &request.write)
        .await?;
    Ok(Response::empty().with_cookies(ended_session_cookies(app)))
}

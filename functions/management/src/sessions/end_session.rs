//! `DELETE /api/users/{user_id}/sessions/{session_id}`: end a session of a user.

use roster_http::{Action, Answer, App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "end_session",
    summary: "End a user's session",
    description: "The session is over at once; others go on. A second time: 404.",
    routes: &[(Method::DELETE, "/api/users/{user_id}/sessions/{session_id}")],
    actions: &[
        Action::BatchGetItem,
        Action::DeleteItem,
        Action::GetItem,
        Action::PutItem,
        Action::UpdateItem,
    ],
    statuses: &[204, 404, 409, 412, 422],
    answer: Answer::Nothing,
    handler: |app, request| Box::pin(end_session(app, request)),
    ..Endpoint::EDITS_USER
};

async fn end_session(app: &App, request: Request) -> Result<Response, Failure> {
    let (user_id, session_id) = (request.path()?, request.path()?);
    app.sessions
        .end_live(&user_id, &session_id, &request.write)
        .await?;
    Ok(Response::empty())
}

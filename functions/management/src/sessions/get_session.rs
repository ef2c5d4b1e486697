//! `GET /api/users/{user_id}/sessions/{session_id}`: one live session of a user.

use domain::Part;
use roster_http::{
    Action, Answer, App, Connect, Endpoint, Failure, Method, Problem, Request, Response,
    SessionBody,
};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "get_session",
    summary: "Get a user's session",
    description: "A session that has ended or expired is 404.",
    routes: &[(Method::GET, "/api/users/{user_id}/sessions/{session_id}")],
    actions: &[Action::BatchGetItem],
    connect: Connect::BY_BATCH_GET,
    statuses: &[200, 404, 422],
    answer: Answer::json::<SessionBody<'_>>(),
    handler: |app, request| Box::pin(get_session(app, request)),
    ..Endpoint::READS_USER
};

async fn get_session(app: &App, request: Request) -> Result<Response, Failure> {
    let (user_id, session_id) = (request.path()?, request.path()?);
    let found = app.sessions.get(&user_id, &session_id).await?;
    let (user, session) = found.ok_or(Problem::NotFound(Part::User))?;
    let session = session
        .filter(|session| session.is_live(user.session_epoch(), request.now()))
        .ok_or(Problem::NotFound(Part::Session))?;
    Response::json(&SessionBody::of(&session))
}

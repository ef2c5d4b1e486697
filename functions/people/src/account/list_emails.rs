//! `GET /users/emails/`: all of the caller's e-mail addresses.

use roster_http::{
    Action, Answer, App, Endpoint, Failure, Method, OwnEmailBody, Problem, Request, Response,
};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "list_emails",
    summary: "List one's own e-mail addresses",
    description: "The primary address first. Pending ones, which wait for their proof, have `verified` \
        false.",
    routes: &[(Method::GET, "/users/emails")],
    actions: &[Action::BatchGetItem, Action::Query, Action::UpdateItem],
    answer: Answer::json::<Vec<OwnEmailBody<'_>>>(),
    handler: |app, request| Box::pin(list_emails(app, request)),
    ..Endpoint::PERSON
};

async fn list_emails(app: &App, request: Request) -> Result<Response, Failure> {
    let caller = request.caller(app).await?;
    let account = app.accounts.get(caller.user.id()).await?;
    let account = account.ok_or(Problem::NotSignedIn)?;
    Response::json(&OwnEmailBody::all(&account, request.now()))
}

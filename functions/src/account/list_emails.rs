//! `GET /users/emails/`: all of the caller's e-mail addresses.

use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, OwnEmailBody, Problem, Request, Response,
    Schema,
};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "list_emails",
    summary: "List one's own e-mail addresses",
    routes: &[(Method::GET, "/users/emails")],
    access: Access::Session,
    actions: &[Action::BatchGetItem, Action::Query, Action::UpdateItem],
    connect: Connect::BY_UPDATE,
    statuses: &[200],
    body: Schema::NONE,
    example: "",
    answer: Schema::of::<Vec<OwnEmailBody<'_>>>(),
    handler: |app, request| Box::pin(list_emails(app, request)),
};

async fn list_emails(app: &App, request: Request) -> Result<Response, Problem> {
    let caller = request.caller(app).await?;
    let account = app.accounts.get(caller.user.id()).await?;
    let account = account.ok_or(Problem::NotSignedIn)?;
    Response::json(&OwnEmailBody::all(&account, app.clock.now()))
}

//! `GET /users/email-change/` and `GET /users/email/`: the caller's primary e-mail address.

use roster_http::{
    Answer, App, Endpoint, Failure, Method, OwnEmailBody, Problem, Request, Response,
};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "get_primary_email",
    summary: "Get one's own primary e-mail address",
    description: "404 when there is no primary address.",
    routes: &[
        (Method::GET, "/users/email-change"),
        (Method::GET, "/users/email"),
    ],
    statuses: &[200, 404],
    answer: Answer::json::<OwnEmailBody<'_>>(),
    handler: |app, request| Box::pin(get_primary_email(app, request)),
    ..Endpoint::PERSON
};

async fn get_primary_email(app: &App, request: Request) -> Result<Response, Failure> {
    let caller = request.caller(app).await?;
    let email =
        OwnEmailBody::primary(&caller.user).ok_or(Problem::NotFound(domain::Part::Email))?;
    Response::json(&email)
}

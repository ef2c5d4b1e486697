//! `DELETE /api/users/{user_id}/grants/{kind}/{grant_id}`: there is no such grant, since this directory
//! has no OAuth server.

use domain::{Part, Refusal, User};
use roster_http::{Action, Answer, App, Endpoint, Failure, Method, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "delete_grant",
    summary: "Delete a user's grant: there is none",
    description: "There are no grants to delete: 404.",
    routes: &[
        (
            Method::DELETE,
            "/api/users/{user_id}/grants/clients/{grant_id}",
        ),
        (
            Method::DELETE,
            "/api/users/{user_id}/grants/consents/{grant_id}",
        ),
        (
            Method::DELETE,
            "/api/users/{user_id}/grants/reference_tokens/{grant_id}",
        ),
        (
            Method::DELETE,
            "/api/users/{user_id}/grants/refresh_tokens/{grant_id}",
        ),
        (
            Method::DELETE,
            "/api/users/{user_id}/grants/codes/{grant_id}",
        ),
    ],
    actions: &[Action::GetItem],
    statuses: &[404, 412, 422],
    answer: Answer::Nothing,
    handler: |app, request| Box::pin(delete_grant(app, request)),
    ..Endpoint::EDITS_USER
};

async fn delete_grant(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let edit = |_: &mut User| Err(Refusal::NotFound(Part::Grant));
    app.users.edit(&user_id, &request.write, edit).await?;
    Ok(Response::empty())
}

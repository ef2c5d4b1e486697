//! `DELETE /users/emails/{id}/`: drop one of the caller's own e-mail addresses.

use roster_http::{Action, App, Endpoint, Failure, Method, Partition, Request, Response};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "drop_email",
    summary: "Drop an e-mail address of one's own",
    description: "Drops a pending address, or a proved one that is not the primary one. That address, if \
        it was proved, and the primary one are told.",
    routes: &[(Method::DELETE, "/users/emails/{identifier_id}")],
    actions: &[
        Action::BatchGetItem,
        Action::DeleteItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    partitions: &[Partition::Email, Partition::User],
    statuses: &[204, 404, 409],
    handler: |app, request| Box::pin(drop_email(app, request)),
    ..Endpoint::PERSON
};

async fn drop_email(app: &App, request: Request) -> Result<Response, Failure> {
    let caller = request.caller(app).await?;
    let id = request.path()?;
    let write = &request.write;
    let context = app.change_context(write);
    app.accounts
        .edit(caller.user.id(), write, |account| {
            account.refuse_ended_session(&caller.user)?;
            account.drop_email(id, context)
        })
        .await?;
    Ok(Response::empty())
}

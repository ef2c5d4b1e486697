//! `DELETE /users/emails/{id}/`: drop one of the caller's own e-mail addresses.

use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema,
};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "drop_email",
    summary: "Drop an e-mail address of one's own",
    routes: &[(Method::DELETE, "/users/emails/{identifier_id}")],
    access: Access::Session,
    actions: &[
        Action::BatchGetItem,
        Action::DeleteItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    connect: Connect::BY_UPDATE,
    statuses: &[204, 404, 409],
    body: Schema::NONE,
    example: "",
    answer: Schema::NONE,
    handler: |app, request| Box::pin(drop_email(app, request)),
};

async fn drop_email(app: &App, request: Request) -> Result<Response, Problem> {
    let caller = request.caller(app).await?;
    let id = request.identifier_id()?;
    let write = request.write(app);
    let occasion = app.occasion(&write);
    app.accounts
        .edit(caller.user.id(), &write, |account| {
            account.refuse_ended_session(&caller.user)?;
            account.drop_email(id, occasion)
        })
        .await?;
    Ok(Response::empty())
}

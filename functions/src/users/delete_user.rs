//! `DELETE /api/users/{user_id}`: delete a user and free all identifiers.

use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema,
};

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "delete_user",
    summary: "Delete a user",
    routes: &[(Method::DELETE, "/api/users/{user_id}")],
    access: Access::Write,
    actions: &[Action::DeleteItem, Action::GetItem, Action::PutItem],
    connect: Connect::BY_GET,
    statuses: &[204, 404, 409, 412, 422],
    body: Schema::NONE,
    example: "",
    answer: Schema::NONE,
    handler: |app, request| Box::pin(delete_user(app, request)),
};

async fn delete_user(app: &App, request: Request) -> Result<Response, Problem> {
    let user_id = request.user_id()?;
    app.users.delete(&user_id, &request.write(app)).await?;
    Ok(Response::empty())
}

//! `POST /users/email/`: ask to add an e-mail address, once it is proved.

use domain::notification::RateLimitKey;
use domain::{Account, Email, Identifier};
#[cfg(feature = "schema")]
use roster_http::schema::EmailText;
use roster_http::{
    Action, App, Body, Endpoint, Failure, Method, Partition, Request, Response, required,
};
use serde::Deserialize;

use super::mailing::edit_and_mail;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "add_own_email",
    summary: "Add an e-mail address of one's own",
    description: "The address is pending until the link that is mailed to it is followed. It never \
        becomes the primary one by this call, which asks for no password.",
    routes: &[(Method::POST, "/users/email")],
    actions: &[
        Action::BatchGetItem,
        Action::DeleteItem,
        Action::GetItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    partitions: &[Partition::Email, Partition::Limit, Partition::User],
    statuses: &[200, 409],
    body: Body::object::<AddOwnEmail>(r#"{"email":"countess@example.com"}"#),
    handler: |app, request| Box::pin(add_own_email(app, request)),
    ..Endpoint::PERSON
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct AddOwnEmail {
    /// At most 254 characters.
    #[cfg_attr(feature = "schema", schemars(required, with = "EmailText"))]
    email: Option<String>,
}

async fn add_own_email(app: &App, request: Request) -> Result<Response, Failure> {
    let caller = request.caller(app).await?;
    let body: AddOwnEmail = request.json()?;
    let write = &request.write;
    let user_id = caller.user.id();
    app.count_notification(&RateLimitKey::for_user(user_id), write)
        .await?;
    let email = Email::parse(&required("email", body.email)?)?;
    app.users
        .refuse_taken(Identifier::from(&email), user_id)
        .await?;
    let (id, context) = (
        app.new_identifier_id(request.now()),
        app.change_context(write),
    );
    let add = |account: &mut Account| {
        account.refuse_ended_session(&caller.user)?;
        account.request_email(id, email.clone(), context)
    };
    edit_and_mail(app, user_id, &email, write, add).await?;
    Ok(Response::done())
}

//! `POST /users/email-change/`: ask to make another e-mail address the primary one.

use domain::notification::Counted;
use domain::sign_in::{Pair, Verdict};
use domain::{Account, Email, Identifier, Refusal};
use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, required,
};
use secrecy::SecretString;
use serde::Deserialize;

use super::attempt::Attempt;
use super::mailing::edit_and_mail;

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "request_email_change",
    summary: "Ask to change one's own primary e-mail address",
    routes: &[(Method::POST, "/users/email-change")],
    access: Access::Session,
    actions: &[
        Action::BatchGetItem,
        Action::DeleteItem,
        Action::GetItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    connect: Connect::BY_UPDATE,
    statuses: &[200, 409],
    body: Schema::of::<RequestEmailChange>(),
    example: r#"{"user":"Ada0Lovelace1815Byron","email":"countess@example.com","password":"correct horse battery"}"#,
    answer: Schema::NONE,
    handler: |app, request| Box::pin(request_email_change(app, request)),
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct RequestEmailChange {
    /// The caller's own user id.
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    user: Option<String>,
    /// The new address: at most 254 characters.
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    email: Option<String>,
    /// The present password.
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    password: Option<SecretString>,
}

async fn request_email_change(app: &App, request: Request) -> Result<Response, Problem> {
    let caller = request.caller(app).await?;
    let body: RequestEmailChange = request.json()?;
    let write = request.write(app);
    let user_id = &caller.user.id;
    app.count_notification(&Counted::for_user(user_id), &write)
        .await?;
    if required("user", body.user)? != user_id.as_str() {
        return Err(Problem::invalid("user", "must be your own user id"));
    }
    let email = Email::parse(&required("email", body.email)?)?;
    let password = required("password", body.password)?;
    let is_known = check_password(app, &request, &caller.user, &password).await?;
    app.users
        .refuse_taken(Identifier::from(&email), user_id)
        .await?;
    let (id, occasion) = (app.new_identifier_id(), app.occasion(&write));
    let change = |account: &mut Account| {
        account.refuse_ended_session(&caller.user)?;
        if account.user.is_blocked(write.now) && !is_known {
            // Locked out since the password was looked at.
            return Err(Refusal::Member("password", WRONG));
        }
        account.request_change(id, email.clone(), occasion)
    };
    edit_and_mail(app, user_id, &email, &write, change).await?;
    Ok(Response::done())
}

const WRONG: &str = "is not right";

/// A wrong password counts as a failed sign-in: a stolen session is no place to guess it. Tells
/// whether the IP address is known, which a lock-out of the account doesn't hold for.
async fn check_password(
    app: &App,
    request: &Request,
    user: &domain::User,
    password: &SecretString,
) -> Result<bool, Problem> {
    let write = request.write(app);
    let visitor = request.visitor(app);
    let pair = Pair::of_user(user, &visitor.ip_address);
    let attempt = Attempt::begin(app, pair, visitor, &write).await?;
    let ip_address = &attempt.visitor.ip_address;
    let state = app
        .users
        .sign_in_state(Some(&user.id), ip_address, write.now)
        .await?;
    match attempt.judge(state.as_ref(), password).0 {
        Verdict::Refused => {
            attempt.fail(state.as_ref().map(|(user, _)| user)).await?;
            Err(Problem::invalid("password", WRONG))
        }
        Verdict::MustChangePassword => {
            app.users.forgive(&attempt.pair).await?;
            let message = "must be changed first: sign in again";
            Err(Problem::invalid("password", message))
        }
        Verdict::Welcome => {
            app.users.forgive(&attempt.pair).await?;
            Ok(state.is_some_and(|(_, is_known)| is_known))
        }
    }
}

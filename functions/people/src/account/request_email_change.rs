//! `POST /users/email-change/`: ask to make another e-mail address the primary one.

use domain::notification::RateLimitKey;
use domain::sign_in::{IdentifierAndIp, Verdict};
use domain::{Account, Email, Identifier, Refusal};
#[cfg(feature = "schema")]
use roster_http::schema::EmailText;
use roster_http::{
    Action, App, Body, Endpoint, Failure, Method, Need, Partition, Problem, Request, Response,
    required,
};
use secrecy::SecretString;
use serde::Deserialize;

use super::attempt::{Attempt, Candidate};
use super::mailing::edit_and_mail;

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "request_email_change",
    summary: "Ask to change one's own primary e-mail address",
    description: "Needs the present password. The new address, and the primary phone, get a link each; \
        the present address stays the primary one until the change is confirmed. Another own, \
        proved address becomes the primary one at once.",
    routes: &[(Method::POST, "/users/email-change")],
    actions: &[
        Action::BatchGetItem,
        Action::DeleteItem,
        Action::GetItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    partitions: &[
        Partition::Email,
        Partition::Limit,
        Partition::SignIn,
        Partition::User,
    ],
    needs: &[Need::Hashing],
    statuses: &[200, 409],
    body: Body::object::<RequestEmailChange>(
        r#"{"user":"Ada0Lovelace1815Byron","email":"countess@example.com","password":"correct horse battery"}"#,
    ),
    handler: |app, request| Box::pin(request_email_change(app, request)),
    ..Endpoint::PERSON
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct RequestEmailChange {
    /// The caller's own user id.
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    user: Option<String>,
    /// The new address: at most 254 characters.
    #[cfg_attr(feature = "schema", schemars(required, with = "EmailText"))]
    email: Option<String>,
    /// The present password.
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    password: Option<SecretString>,
}

async fn request_email_change(app: &App, request: Request) -> Result<Response, Failure> {
    let caller = request.caller(app).await?;
    let body: RequestEmailChange = request.json()?;
    let write = &request.write;
    let user_id = caller.user.id();
    app.count_notification(&RateLimitKey::for_user(user_id), write)
        .await?;
    if required("user", body.user)? != user_id.as_str() {
        return Err(Problem::invalid("user", "must be your own user id").into());
    }
    let email = Email::parse(&required("email", body.email)?)?;
    let password = required("password", body.password)?;
    let is_own_device = check_password(app, &request, &caller.user, &password).await?;
    app.users
        .refuse_taken(Identifier::from(&email), user_id)
        .await?;
    let (id, context) = (
        app.new_identifier_id(request.now()),
        app.change_context(write),
    );
    let change = |account: &mut Account| {
        account.refuse_ended_session(&caller.user)?;
        if account.user.is_blocked(write.now) && !is_own_device {
            // The account was locked after the password was checked.
            return Err(Refusal::Member("password", WRONG));
        }
        account.request_change(id, email.clone(), context)
    };
    edit_and_mail(app, user_id, &email, write, change).await?;
    Ok(Response::done())
}

const WRONG: &str = "is not right";

/// Checks the password. A wrong one counts as a failed sign-in, so that a stolen session can't be used
/// to guess it. Returns whether the request comes from the user's own device: a lock-out of the account
/// doesn't hold for it.
async fn check_password(
    app: &App,
    request: &Request,
    user: &domain::User,
    password: &SecretString,
) -> Result<bool, Problem> {
    let write = &request.write;
    let visitor = request.visitor(app);
    let candidate = Candidate {
        owner: Some(user.id().clone()),
        pair: IdentifierAndIp::of_user(user, &visitor.ip_address),
        visitor,
        device: request.device(),
    };
    let (attempt, state) = Attempt::begin(app, candidate, write).await?;
    match attempt.judge(state.as_ref(), password).0 {
        Verdict::Refused => {
            attempt.fail(state.as_ref()).await?;
            Err(Problem::invalid("password", WRONG))
        }
        Verdict::MustChangePassword => {
            attempt.forgive().await?;
            let message = "must be changed first: sign in again";
            Err(Problem::invalid("password", message))
        }
        Verdict::Welcome => {
            attempt.forgive().await?;
            Ok(attempt.own_device(state.as_ref()).is_some())
        }
    }
}

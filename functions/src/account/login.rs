//! `POST /users/login/`: sign in with a password.

use domain::account::Account;
use domain::notification::Counted;
use domain::password::PasswordHash;
use domain::session::{IDLE_LIFETIME, Session, SessionId, SessionSecret, SessionToken};
use domain::sign_in::{TypedIdentifier, Verdict};
use domain::{Kind, User};
use roster_http::{
    Access, Action, App, Connect, Endpoint, Method, Problem, Request, Response, Schema, required,
    session_cookies,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use store::{Entry, SignIn};

use super::attempt::Attempt;

/// How API Gateway reaches this call and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "login",
    summary: "Sign in",
    routes: &[(Method::POST, "/users/login")],
    access: Access::SignIn,
    actions: &[
        Action::BatchGetItem,
        Action::DeleteItem,
        Action::GetItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    connect: Connect::BY_GET,
    statuses: &[200, 409],
    body: Schema::of::<Login>(),
    example: r#"{"username":"ada","password":"correct horse battery"}"#,
    answer: Schema::of::<LoginBody<'_>>(),
    handler: |app, request| Box::pin(login(app, request)),
};

/// The body: one identifier, and the password.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Login {
    /// Either this, or one of the next two.
    email: Option<String>,
    username: Option<String>,
    /// With its country code.
    phone_number: Option<String>,
    #[cfg_attr(feature = "schema", schemars(required, with = "String"))]
    password: Option<SecretString>,
}

/// Who signed in.
#[derive(Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "SignedIn")
)]
struct LoginBody<'a> {
    /// The user's id.
    user_id: &'a str,
}

impl Login {
    fn identifier(&self) -> Result<TypedIdentifier, Problem> {
        let typed = |kind, text: &Option<String>| {
            text.as_deref().map(|text| TypedIdentifier::new(kind, text))
        };
        let mut given = [
            typed(Kind::Email, &self.email),
            typed(Kind::Username, &self.username),
            typed(Kind::Phone, &self.phone_number),
        ]
        .into_iter()
        .flatten();
        match (given.next(), given.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(Problem::invalid(
                "email",
                "must be there, or username, or phone_number, and only one of them",
            )),
        }
    }
}

/// How often a user may change under our hands.
const MOST_LOOKS: u32 = 5;

async fn login(app: &App, request: Request) -> Result<Response, Problem> {
    request.check_sign_in(app)?;
    let body: Login = request.json()?;
    let identifier = body.identifier()?;
    let password = required("password", body.password)?;
    let write = request.write(app);
    let visitor = request.visitor(app);
    let pair = identifier.pair(&visitor.ip_address);
    let attempt = Attempt::begin(app, pair, visitor, &write).await?;
    let owner = app.users.owner(identifier.identifier().as_ref()).await?;
    for _ in 0..MOST_LOOKS {
        let ip_address = &attempt.visitor.ip_address;
        let state = app
            .users
            .sign_in_state(owner.as_ref(), ip_address, write.now)
            .await?;
        let (verdict, verified) = attempt.judge(state.as_ref(), &password);
        let user = match (verdict, &state) {
            (Verdict::Refused, _) | (_, None) => {
                attempt.fail(state.as_ref().map(|(user, _)| user)).await?;
                return Err(Problem::SignInRefused);
            }
            (_, Some((user, _))) => user,
        };
        let upgraded = verified
            .is_outdated
            .then(|| PasswordHash::of_verified(&password, app.entropy.bytes()));
        let sign_in = |entry| SignIn {
            user,
            pair: &attempt.pair,
            visitor: &attempt.visitor,
            entry,
            upgraded,
        };
        if verdict == Verdict::MustChangePassword {
            // With the rights to undo: a living one decides who gets the link.
            let account = app.users.account(&user.id).await?;
            let mut account = account.unwrap_or_else(|| Account::of(user.clone()));
            let counted = Counted::for_user(&user.id);
            // One link too many is not sent; the answer is the same.
            if app.count_notification(&counted, &write).await.is_ok() {
                account.request_reset(app.occasion(&write));
            }
            let sign_in = sign_in(Entry::MustChange(&account.outbox));
            if app.users.sign_in(&sign_in, &write).await? {
                return Err(Problem::MustChangePassword);
            }
            continue;
        }
        let token = SessionToken {
            user_id: user.id.clone(),
            session_id: SessionId::issue(app.entropy.bytes()),
            secret: SessionSecret::new(app.entropy.bytes()),
        };
        let session = new_session(&token, user, &attempt);
        let sign_in = sign_in(Entry::Session(&session));
        if app.users.sign_in(&sign_in, &write).await? {
            let user_id = user.id.as_str();
            let response = Response::json(&LoginBody { user_id })?;
            return Ok(response.with_cookies(session_cookies(&token)));
        }
    }
    Err(Problem::Conflict)
}

fn new_session(token: &SessionToken, user: &User, attempt: &Attempt<'_>) -> Session {
    let now = attempt.now();
    Session {
        id: token.session_id.clone(),
        secret_hash: token.secret.hash(),
        epoch: user.session_epoch,
        initiated_at: now,
        last_updated: now,
        expires_at: now.plus(IDLE_LIFETIME),
        ip_address: attempt.visitor.ip_address.clone(),
        user_agent: attempt.visitor.user_agent.clone(),
        place: attempt.visitor.place.clone(),
    }
}

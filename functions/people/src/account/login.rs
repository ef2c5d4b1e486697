//! `POST /users/login/`: sign in with a password.

use domain::account::RESET_LIFETIME;
use domain::device::{Device, DeviceId};
use domain::link::AskedBy;
use domain::notification::RateLimitKey;
use domain::password::PasswordHash;
use domain::session::{IDLE_LIFETIME, Session, SessionId, SessionSecret, SessionToken};
use domain::sign_in::{SignInUser, TypedIdentifier, Verdict};
use domain::{Kind, Notification};
use roster_http::{
    Access, Action, Answer, App, Body, Connect, Endpoint, Failure, Method, Need, Partition,
    Problem, Request, Response, device_cookie, required, session_cookies,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use store::{Entry, SignIn, Write};

use super::attempt::{Attempt, Candidate};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "login",
    summary: "Sign in",
    description: "Takes exactly one of the three identifiers. A wrong password, an unknown identifier, a \
        disabled user and a locked one get the same answer: 401. 403: the password is right \
        and must be changed; the primary address gets a link. 429: too many attempts; \
        `Retry-After` says when to come back.",
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
    partitions: &[
        Partition::Email,
        Partition::Limit,
        Partition::Phone,
        Partition::SignIn,
        Partition::User,
        Partition::Username,
    ],
    indexes: &[],
    connect: Connect::BY_GET,
    needs: &[Need::Hashing, Need::ReservedConcurrency],
    statuses: &[200, 409],
    query: &[],
    body: Body::object::<Login>(r#"{"username":"ada","password":"correct horse battery"}"#),
    answer: Answer::json::<LoginBody<'_>>(),
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

/// How often the user may be read again because another write came in between.
const MAX_LOOKS: u32 = 5;

async fn login(app: &App, request: Request) -> Result<Response, Failure> {
    request.check_sign_in(app)?;
    let body: Login = request.json()?;
    let identifier = body.identifier()?;
    let password = required("password", body.password)?;
    let write = &request.write;
    let visitor = request.visitor(app);
    let owner = app.users.owner(identifier.identifier().as_ref()).await?;
    if let Some(user_id) = &owner {
        request.concerns(user_id);
    }
    let candidate = Candidate {
        owner,
        pair: identifier.pair(&visitor.ip_address),
        visitor,
        device: request.device(),
    };
    let (attempt, mut state) = Attempt::begin(app, candidate, write).await?;
    for _ in 0..MAX_LOOKS {
        let (verdict, verified) = attempt.judge(state.as_ref(), &password);
        let user = match (verdict, &state) {
            (Verdict::Refused, _) | (_, None) => {
                attempt.fail(state.as_ref()).await?;
                return Err(Problem::SignInRefused.into());
            }
            (_, Some(state)) => &state.user,
        };
        let upgraded = verified
            .is_outdated
            .then(|| PasswordHash::of_verified(&password, app.entropy.bytes()));
        let sign_in = |entry| SignIn {
            user,
            in_a_row: &attempt.in_a_row,
            visitor: &attempt.visitor,
            entry,
            upgraded,
        };
        if verdict == Verdict::MustChangePassword {
            let outbox = word_to_change(app, user, write).await?;
            let sign_in = sign_in(Entry::MustChange(&outbox));
            if app.sign_ins.sign_in(&sign_in, write).await? {
                attempt.leave().await;
                return Err(Problem::MustChangePassword.into());
            }
        } else {
            let token = SessionToken {
                user_id: user.id.clone(),
                session_id: SessionId::issue(app.entropy.bytes()),
                secret: SessionSecret::new(app.entropy.bytes()),
            };
            let session = new_session(&token, user, &attempt);
            let new_device = DeviceId::new(app.entropy.bytes());
            let own_device = attempt.own_device(state.as_ref());
            let is_new = own_device.is_none();
            let device = own_device.unwrap_or(&new_device);
            let seen = Device::seen(device, write.now);
            let sign_in = sign_in(Entry::Session(&session, &seen));
            if app.sign_ins.sign_in(&sign_in, write).await? {
                attempt.leave().await;
                let user_id = user.id.as_str();
                let response = Response::json(&LoginBody { user_id })?;
                // The sign-in is written already. So the cookies must be sent, even if a later step
                // fails.
                if let Err(problem) = tidy_up(app, &request, user, is_new, write).await {
                    let fault = store::with_sources(&problem);
                    tracing::warn!(route = ENDPOINT.name, fault, "not tidied up");
                }
                return Ok(response
                    .with_cookies(session_cookies(app, &token))
                    .with_cookies([device_cookie(device)]));
            }
        }
        state = attempt.look().await?;
    }
    Err(Problem::Conflict.into())
}

/// Ends the sessions whose cookies came with the request, and the sessions and devices that are too
/// many.
async fn tidy_up(
    app: &App,
    request: &Request,
    user: &SignInUser,
    is_new_device: bool,
    write: &Write,
) -> Result<(), Problem> {
    request.end_present_sessions(app).await?;
    let (epoch, sign_ins) = (user.session_epoch, user.successes);
    app.sessions
        .end_surplus(&user.id, epoch, sign_ins, write.now)
        .await?;
    if is_new_device {
        app.sign_ins
            .drop_surplus_devices(&user.id, epoch, sign_ins, write.now)
            .await?;
    }
    Ok(())
}

/// Sends the user a link to change the password. If the limit on notifications is reached, no link is
/// sent, and the answer is the same.
async fn word_to_change(
    app: &App,
    user: &SignInUser,
    write: &Write,
) -> Result<Vec<Notification>, Problem> {
    let counted = RateLimitKey::for_user(&user.id);
    let may_be_told = app.count_notification(&counted, write).await.is_ok();
    let account = app.accounts.get(&user.id).await?;
    let Some(mut account) = account.filter(|_| may_be_told) else {
        return Ok(Vec::new());
    };
    account.request_reset(RESET_LIFETIME, AskedBy::Person, app.change_context(write));
    Ok(account.outbox)
}

fn new_session(token: &SessionToken, user: &SignInUser, attempt: &Attempt<'_>) -> Session {
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

//! `POST /api/users/{user_id}/emails/{identifier_id}/verify/link`: mail the link by which its owner proves an
//! address.

use domain::Account;
use domain::link::LifetimeBounds;
use roster_http::{Action, Answer, App, Body, Endpoint, Failure, Method, Request, Response};
use serde::{Deserialize, Serialize};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "send_verification_link",
    summary: "Mail a link that proves an e-mail address",
    description: "Mails the link and does not answer it. The link proves this address and does nothing \
        else: it does not make it the primary one. `email_sent` is false where the address is \
        verified already, or where mail can't reach it.",
    routes: &[(
        Method::POST,
        "/api/users/{user_id}/emails/{identifier_id}/verify/link",
    )],
    actions: &[
        Action::GetItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    body: Body::object::<SendVerificationLink>(r#"{"expiry":86400}"#),
    answer: Answer::json::<SentLinkBody>(),
    handler: |app, request| Box::pin(send_verification_link(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct SendVerificationLink {
    /// How long the link lives, in seconds: 5 minutes to 30 days. Default: 7 days.
    #[cfg_attr(feature = "schema", schemars(range(min = 300, max = 2_592_000)))]
    expiry: Option<i64>,
}

/// What became of the link.
#[derive(Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "SentLink")
)]
struct SentLinkBody {
    /// Unix seconds: until when the link lives, or would live.
    expires_at: i64,
    /// Whether the mail is on its way. It is not where the address is verified already, or is no
    /// mailbox.
    email_sent: bool,
}

async fn send_verification_link(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let email_id = request.path()?;
    let body: SendVerificationLink = request.json()?;
    let lifetime = LifetimeBounds::OF_PROOF.lifetime(body.expiry)?;
    app.public_url()?;
    let (write, context) = (&request.write, app.change_context(&request.write));
    let ask = |account: &mut Account| account.request_proof(email_id, lifetime, context);
    let account = app.accounts.edit(&user_id, write, ask).await?;
    let sent = app.notifications.first_of(&account, write).await?;
    let link = sent.as_ref().and_then(|sent| sent.message.link());
    let expires_at = link.map_or(write.now.plus(lifetime), |link| link.expires_at);
    let body = SentLinkBody {
        expires_at: expires_at.as_unix(),
        email_sent: sent.is_some(),
    };
    Response::part(&body, &account.user)
}

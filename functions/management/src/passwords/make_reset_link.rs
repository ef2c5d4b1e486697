//! `POST /api/users/{user_id}/password/reset`: a link that sets a new password, for the caller to hand over.

use domain::Account;
use domain::link::{AskedBy, LifetimeBounds};
use roster_http::{
    Action, Answer, App, Body, Endpoint, Failure, Method, Need, Request, Response, link_url,
};
use serde::{Deserialize, Serialize};

/// How API Gateway reaches this call, and what it may touch.
pub static ENDPOINT: Endpoint = Endpoint {
    name: "make_reset_link",
    summary: "Make a link that sets a new password",
    description: "Answers a link to the page that sets a new password: its holder can take the \
        account over. It ends when it is used or expires, and when the password or the e-mail \
        addresses change. Each such answer is logged, without the link. With `send_email` a \
        link is mailed, too.",
    routes: &[(Method::POST, "/api/users/{user_id}/password/reset")],
    actions: &[
        Action::GetItem,
        Action::PutItem,
        Action::Query,
        Action::UpdateItem,
    ],
    needs: &[Need::LinkKeys],
    body: Body::object::<MakeResetLink>(r#"{"send_email":true,"expiry":3600}"#),
    answer: Answer::json::<ResetLinkBody>(),
    handler: |app, request| Box::pin(make_reset_link(app, request)),
    ..Endpoint::EDITS_USER
};

/// The body.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct MakeResetLink {
    /// Mail such a link as well, to where the link of a forced change goes. Default: false.
    send_email: Option<bool>,
    /// How long the link lives, in seconds: 5 minutes to 7 days. Default: 1 hour.
    #[cfg_attr(feature = "schema", schemars(range(min = 300, max = 604_800)))]
    expiry: Option<i64>,
}

/// The link. Its holder can set the user's password.
#[derive(Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "ResetLink")
)]
struct ResetLinkBody {
    /// The URL of the page that asks for the new password.
    link: String,
    /// Unix seconds: until when the link lives.
    expires_at: i64,
    /// Whether a mail is on its way.
    email_sent: bool,
}

async fn make_reset_link(app: &App, request: Request) -> Result<Response, Failure> {
    let user_id = request.path()?;
    let body: MakeResetLink = request.json()?;
    let lifetime = LifetimeBounds::OF_RESET.lifetime(body.expiry)?;
    let sends_email = body.send_email.unwrap_or(false);
    let (public_url, keys) = (app.public_url()?, app.link_keys.get().await?);
    let (write, context) = (&request.write, app.change_context(&request.write));
    let ask = |account: &mut Account| {
        if sends_email {
            account.request_reset(lifetime, AskedBy::ManagementApi, context);
        }
        Ok(())
    };
    let account = app.accounts.edit(&user_id, write, ask).await?;
    let sent = app.notifications.first_of(&account, write).await?;
    let link = account.reset_link(lifetime, context);
    let body = ResetLinkBody {
        link: link_url(public_url, keys, &link, &user_id),
        expires_at: link.expires_at.as_unix(),
        email_sent: sent.is_some(),
    };
    let response = Response::part(&body, &account.user)?;
    Ok(response.handing_out("reset link"))
}

//! A link that a person, a program or a mail scanner follows (email-self-service.md, "Links").

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use domain::UserId;
use domain::link::{FORM_LIFETIME, Keys, Link, Purpose};

use crate::accept::Accept;
use crate::{App, Method, Page, Problem, PublicUrl, Request, Response};

/// What a link's own page gives its form.
const NONCE: &str = "linknonce";

/// A link whose signature holds.
#[derive(Debug)]
pub struct Click {
    /// What it says.
    pub link: Link,
    /// The user whose link it is.
    pub user_id: UserId,
    /// Whether it is to act, or only to show what it would do.
    pub acts: bool,
    token: String,
}

/// The route of the call that answers links of a purpose: said here once, for the call's routes, the
/// links in messages and the documentation.
pub const fn link_path(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::VerifyEmail => "/users/email-verify/{signed_email}/{user_id_key}",
        Purpose::SetPrimaryEmail => "/users/email-set-primary/{signed_email}/{user_id_key}",
        Purpose::UndoEmailChange => "/users/email-undo/{signed_email}/{user_id_key}",
        Purpose::ResetPassword => "/users/password-reset/{signed_email}/{user_id_key}",
    }
}

/// A link as a message holds it: signed, with the last slash that the published API has.
pub fn link_url(public_url: &PublicUrl, keys: &Keys, link: &Link, user_id: &UserId) -> String {
    let path = link_path(link.purpose)
        .replace("{signed_email}", &keys.sign(link, user_id))
        .replace("{user_id_key}", user_id.as_str());
    format!("{}{path}/", public_url.as_str())
}

/// Whether a GET may act at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnGet {
    /// A program's GET acts, as the published API's does.
    MayAct,
    /// A GET only ever shows the page.
    Shows,
}

impl Request {
    /// Whether the caller is a person, to be answered with pages: every one that doesn't ask for
    /// JSON alone.
    pub fn wants_page(&self) -> bool {
        let Some(accept) = Accept::parse(self.header_lines("accept")) else {
            return true;
        };
        !accept.names("application/json") || accept.names("text/html")
    }

    /// The link of the path. No store is asked about one that doesn't hold.
    ///
    /// HEAD never acts. A POST acts with the nonce that the link's own page has set, and not from
    /// another site: what opens every link, or sends every form that it finds, changes nothing.
    pub async fn click(
        &self,
        app: &App,
        purpose: Purpose,
        on_get: OnGet,
    ) -> Result<Click, Problem> {
        let keys = app.link_keys.get().await?;
        let not_valid = |_| Problem::LinkNotValid;
        let token = self.parameter("signed_email").map_err(not_valid)?;
        let user_id = self.parameter("user_id_key").map_err(not_valid)?;
        let user_id = UserId::parse(&user_id).map_err(|_| Problem::LinkNotValid)?;
        let now = self.now();
        let link = keys
            .check(&token, &user_id, purpose, now)
            .ok_or(Problem::LinkNotValid)?;
        let acts = match *self.method() {
            Method::POST => {
                let is_foreign = self
                    .header_lines("sec-fetch-site")
                    .any(|site| site == b"cross-site");
                let has_nonce = self
                    .cookies(NONCE)
                    .any(|nonce| keys.holds_form_nonce(nonce, &token, &user_id, now));
                if is_foreign || !has_nonce {
                    return Err(Problem::PageExpired);
                }
                true
            }
            Method::GET => {
                let asks_to = app.account.link_get_acts || !self.wants_page();
                on_get == OnGet::MayAct && asks_to
            }
            _ => false,
        };
        Ok(Click {
            link,
            user_id,
            acts,
            token: token.into_owned(),
        })
    }

    /// The link's page with the nonce that its form needs; HEAD gets none.
    pub async fn form_page(
        &self,
        app: &App,
        click: &Click,
        page: Page,
    ) -> Result<Response, Problem> {
        let response = Response::page(page);
        if *self.method() != Method::GET {
            return Ok(response);
        }
        let keys = app.link_keys.get().await?;
        let nonce = keys.form_nonce(&click.token, &click.user_id, self.now());
        let cookie = Cookie::build((NONCE, nonce))
            .path(self.link_path(app))
            .secure(true)
            .http_only(true)
            .same_site(SameSite::Strict)
            .max_age(Duration::try_from(FORM_LIFETIME).unwrap_or(Duration::MAX))
            .to_string();
        Ok(response.with_cookies([cookie.into()]))
    }

    /// The link's path as its owner's browser has it: links are made on the public URL, whatever
    /// rewrites paths behind it.
    fn link_path(&self, app: &App) -> String {
        let public = app.account.public_url.as_ref().map(PublicUrl::path);
        let route = self.public_path().rfind("/users/");
        match (public, route) {
            (Some(base), Some(start)) => format!("{base}{}", &self.public_path()[start..]),
            _ => self.public_path().to_owned(),
        }
    }
}

//! A link that a person, a program or a mail scanner follows (email-self-service.md, "Links").

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use domain::UserId;
use domain::link::{FORM_LIFETIME, Keys, Link, Purpose};

use crate::accept::Accept;
use crate::{App, Method, Page, Problem, PublicUrl, Request, Response};

/// The cookie with the nonce that a link's page gives its form.
const NONCE: &str = "linknonce";

/// A link whose signature holds.
#[derive(Debug)]
pub struct Click {
    /// The link, as its token says.
    pub link: Link,
    /// The user whose link it is.
    pub user_id: UserId,
    /// Whether the link acts. If not, it only shows what it would do.
    pub acts: bool,
    token: String,
}

/// The route of the call that answers links of a purpose. It is defined here once, for the call's
/// routes, the links in messages and the documentation.
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

/// Whether a GET may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnGet {
    /// A program's GET acts, as the published API's does.
    MayAct,
    /// A GET always only shows the page.
    Shows,
}

impl Request {
    /// Whether the caller gets pages, as a person does: every caller gets them that doesn't ask for JSON
    /// alone.
    pub fn wants_page(&self) -> bool {
        let Some(accept) = Accept::parse(self.header_lines("accept")) else {
            return true;
        };
        !accept.names("application/json") || accept.names("text/html")
    }

    /// Checks the link of the path. If its signature doesn't hold, the store is not asked.
    ///
    /// HEAD never acts. A POST acts only with the nonce that the link's own page has set, and not from
    /// another site. So a program that opens every link, or sends every form that it finds, changes
    /// nothing.
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
        self.concerns(&user_id);
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

    /// The link's page with the nonce that its form needs. HEAD gets no nonce.
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

    /// The link's path as the person's browser sees it. Links are made on the public URL, and a proxy
    /// may rewrite paths behind it.
    fn link_path(&self, app: &App) -> String {
        let public = app.account.public_url.as_ref().map(PublicUrl::path);
        let route = self.public_path().rfind("/users/");
        match (public, route) {
            (Some(base), Some(start)) => format!("{base}{}", &self.public_path()[start..]),
            _ => self.public_path().to_owned(),
        }
    }
}

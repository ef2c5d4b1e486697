//! Whose session a request is of, and the cookies that say it (email-self-service.md, "Who is
//! calling").

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use domain::User;
use domain::session::{LONGEST_LIFETIME, SessionId, SessionToken};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{App, Method, Problem, Request};

/// The session's cookie, for pages of the service's own site.
const SESSION: &str = "sessionid";
/// The same, for clients that are embedded in other sites.
const EMBEDDED_SESSION: &str = "osessionid";
/// What a page must repeat in a header, which other sites' pages can't read.
const CSRF: &str = "csrftoken";
/// The header that repeats it.
const CSRF_HEADER: &str = "x-csrftoken";

/// A signed-in person.
#[derive(Debug)]
pub struct Caller {
    /// The user, as of this request.
    pub user: User,
    /// The session.
    pub session_id: SessionId,
}

impl Request {
    /// Who calls. A request that changes something must also prove that it comes from a page of
    /// this session. The use of a session is written down once a day.
    pub async fn caller(&self, app: &App) -> Result<Caller, Problem> {
        let mut cookies = self.cookies(SESSION).chain(self.cookies(EMBEDDED_SESSION));
        let cookie = cookies.next().ok_or(Problem::NotSignedIn)?;
        if cookies.any(|other| other != cookie) {
            return Err(Problem::NotSignedIn);
        }
        let token = SessionToken::parse(cookie).ok_or(Problem::NotSignedIn)?;
        let now = app.clock.now();
        let (user, session) = app
            .users
            .session(&token)
            .await?
            .filter(|(user, session)| session.admits(&token.secret, user, now))
            .ok_or(Problem::NotSignedIn)?;
        let reads = matches!(*self.method(), Method::GET | Method::HEAD);
        if !reads && !self.is_of_own_page(app, &token) {
            return Err(Problem::Foreign);
        }
        if let Some(prolonged) = session.prolonged(now) {
            app.users.prolong(&user.id, &prolonged).await?;
        }
        Ok(Caller {
            user,
            session_id: session.id,
        })
    }

    /// Whether the header, the cookie and the session agree on the CSRF token, and no other site
    /// sends the request.
    fn is_of_own_page(&self, app: &App, token: &SessionToken) -> bool {
        let wanted = token.secret.csrf_token();
        let has_header = self.header(CSRF_HEADER) == Some(wanted.as_str());
        let mut cookies = self.cookies(CSRF).peekable();
        let has_cookie = cookies.peek().is_some() && cookies.all(|cookie| cookie == wanted);
        has_header && has_cookie && self.has_own_origin(app)
    }

    /// Signing in carries no session: JSON only, which no form of another site can send, and no
    /// foreign origin.
    pub fn check_sign_in(&self, app: &App) -> Result<(), Problem> {
        if !self.has_own_origin(app) {
            return Err(Problem::Foreign);
        }
        if !self.is_of("application/json") {
            let message = "The body must be sent as application/json.";
            return Err(Problem::Malformed(message.to_owned()));
        }
        Ok(())
    }
}

/// The cookies of a new session. Nothing sets them again, so they last as long as a session can:
/// how long it does, the store knows.
pub fn session_cookies(token: &SessionToken) -> [SecretString; 3] {
    let value = token.cookie();
    let value = value.expose_secret();
    cookies(value, value, &token.secret.csrf_token(), LONGEST_LIFETIME)
}

/// The cookies that end those of a session.
pub fn ended_session_cookies() -> [SecretString; 3] {
    cookies("", "", "", std::time::Duration::ZERO)
}

fn cookies(
    session: &str,
    embedded: &str,
    csrf: &str,
    lifetime: std::time::Duration,
) -> [SecretString; 3] {
    let cookie = |name, value, same_site, is_readable: bool| {
        Cookie::build((name, value))
            .path("/")
            .secure(true)
            .http_only(!is_readable)
            .same_site(same_site)
            .max_age(Duration::try_from(lifetime).unwrap_or(Duration::MAX))
            .to_string()
            .into()
    };
    [
        cookie(SESSION, session, SameSite::Lax, false),
        cookie(EMBEDDED_SESSION, embedded, SameSite::None, false),
        cookie(CSRF, csrf, SameSite::Lax, true),
    ]
}

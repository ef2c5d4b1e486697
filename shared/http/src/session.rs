//! The session that a request belongs to, and its cookies (email-self-service.md, "Who is
//! calling").

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use domain::User;
use domain::session::{MAX_LIFETIME, Session, SessionId, SessionToken};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{App, Method, Problem, Request};

/// The session's cookie. Other hosts can't set one of this name (RFC 6265bis, section 4.1.3).
const HOST_SESSION: &str = "__Host-sessionid";
/// The same cookie, under the published API's name.
const SESSION: &str = "sessionid";
/// The same cookie, for clients that are embedded in other sites.
const EMBEDDED_SESSION: &str = "osessionid";
/// The value that a page must repeat in a header. Pages of other sites can't read it.
const CSRF: &str = "csrftoken";
/// The header that repeats it.
const CSRF_HEADER: &str = "x-csrftoken";
/// How many session cookies of a request are read.
const MAX_CANDIDATES: usize = 4;

/// A signed-in person.
#[derive(Debug)]
pub struct Caller {
    /// The user, as of this request.
    pub user: User,
    /// The session.
    pub session_id: SessionId,
}

/// A session whose cookie came with the request, and that is live.
struct Live {
    token: SessionToken,
    user: User,
    session: Session,
}

impl Request {
    /// The caller. A request that changes something must also prove that it comes from a page of this
    /// session. The use of a session is written down once a day.
    pub async fn caller(&self, app: &App) -> Result<Caller, Problem> {
        let live = self.live_sessions(app).await?;
        let first = live.first().ok_or(Problem::NotSignedIn)?;
        if live.iter().any(|other| other.user.id() != first.user.id()) {
            return Err(Problem::NotSignedIn);
        }
        let reads = matches!(*self.method(), Method::GET | Method::HEAD);
        let is_own = |live: &Live| reads || self.is_of_own_page(app, &live.token);
        let Live { user, session, .. } = live.into_iter().find(is_own).ok_or(Problem::Foreign)?;
        if let Some(prolonged) = session.prolonged(self.now()) {
            app.sessions.prolong(user.id(), &prolonged).await?;
        }
        self.concerns(user.id());
        Ok(Caller {
            user,
            session_id: session.id,
        })
    }

    /// Ends the live sessions whose cookies came with the request, so that a new sign-in leaves no
    /// older session of the browser behind.
    pub async fn end_present_sessions(&self, app: &App) -> Result<(), Problem> {
        for Live { user, session, .. } in self.live_sessions(app).await? {
            app.sessions.end(user.id(), &session.id).await?;
        }
        Ok(())
    }

    /// The sessions that the cookies prove: one `BatchGetItem`, or no request where no cookie is
    /// well-formed.
    async fn live_sessions(&self, app: &App) -> Result<Vec<Live>, Problem> {
        let tokens = self.session_tokens(app);
        let now = self.now();
        let stored = app.sessions.find(&tokens).await?;
        let live = tokens
            .into_iter()
            .zip(stored)
            .filter_map(|(token, stored)| {
                let (user, session) = stored?;
                session.admits(&token.secret, &user, now).then_some(Live {
                    token,
                    user,
                    session,
                })
            });
        Ok(live.collect())
    }

    /// The tokens of the cookies, the preferred cookie first.
    fn session_tokens(&self, app: &App) -> Vec<SessionToken> {
        let plain = [SESSION, EMBEDDED_SESSION];
        let has_host_cookie = self.cookies(HOST_SESSION).next().is_some();
        let names = match &plain {
            plain if !has_host_cookie && !app.account.host_cookie_alone => plain.as_slice(),
            _ => &[HOST_SESSION],
        };
        let mut values = Vec::new();
        for value in names.iter().flat_map(|name| self.cookies(name)) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        let tokens = values.into_iter().filter_map(SessionToken::parse);
        tokens.take(MAX_CANDIDATES).collect()
    }

    /// Whether the header has this session's CSRF token, and no other site has sent the request.
    fn is_of_own_page(&self, app: &App, token: &SessionToken) -> bool {
        let wanted = token.secret.csrf_token();
        self.header(CSRF_HEADER) == Some(wanted.as_str()) && self.has_own_origin(app)
    }

    /// A sign-in has no session that could prove its page. So it must be JSON, which a form of another
    /// site can't send, and must not come from another origin.
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

/// The cookies of a new session. They are set only once, so they last as long as a session can. The
/// store decides when it ends earlier.
pub fn session_cookies(app: &App, token: &SessionToken) -> Vec<SecretString> {
    let value = token.cookie();
    let csrf = token.secret.csrf_token();
    cookies(app, value.expose_secret(), &csrf, MAX_LIFETIME)
}

/// The cookies that end those of a session.
pub fn ended_session_cookies(app: &App) -> Vec<SecretString> {
    cookies(app, "", "", std::time::Duration::ZERO)
}

fn cookies(
    app: &App,
    session: &str,
    csrf: &str,
    lifetime: std::time::Duration,
) -> Vec<SecretString> {
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
    let mut cookies = vec![
        cookie(HOST_SESSION, session, SameSite::Lax, false),
        cookie(CSRF, csrf, SameSite::Lax, true),
    ];
    if !app.account.host_cookie_alone {
        cookies.push(cookie(SESSION, session, SameSite::Lax, false));
        cookies.push(cookie(EMBEDDED_SESSION, session, SameSite::None, false));
    }
    cookies
}

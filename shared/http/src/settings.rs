//! Settings, as template.yaml's parameters give them.

use std::str::FromStr;
use std::time::Duration;

use domain::account::Lifetimes;
use domain::event::KeptFor;
use domain::sign_in::Limits;
use lambda_http::http::Uri;

use crate::Misconfigured;

/// The URL at which people reach the service: the base of links, and the origin of its own pages. It
/// comes from the deployment, never from a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    base: String,
    path: String,
    origin: String,
}

impl PublicUrl {
    /// Takes a URL such as `https://accounts.example.org` or one with a stage's path.
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let is_plain = uri.query().is_none() && !text.contains('#');
        let usual_port = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let host = authority.host().to_ascii_lowercase();
        let port = match authority.as_str()[host.len()..].strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if authority.as_str().len() == host.len() => None,
            None => return None,
        };
        if !is_plain {
            return None;
        }
        let port = port.filter(|port: &u16| *port != usual_port);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let origin = format!("{scheme}://{host}{port}");
        let path = uri.path().trim_end_matches('/').to_owned();
        Some(Self {
            base: format!("{origin}{path}"),
            path,
            origin,
        })
    }

    /// The part before a route in the paths that people see: a stage, or empty.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The URL without a last slash.
    pub fn as_str(&self) -> &str {
        &self.base
    }

    /// The host, with the port if the URL names one. Messages and pages name the service by it.
    pub fn authority(&self) -> &str {
        let (_, authority) = self.origin.split_once("://").unwrap_or_default();
        authority
    }

    /// Scheme, host and port as browsers write them into the header Origin (RFC 6454): in lower case,
    /// and without the scheme's default port.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// The settings of people's own calls, and of the log.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a parameter of template.yaml"
)]
pub struct AccountSettings {
    /// The URL at which people reach the service; `None` until the deployment sets it.
    pub public_url: Option<PublicUrl>,
    /// How long links live.
    pub lifetimes: Lifetimes,
    /// How many failed sign-ins lead to a lock.
    pub limits: Limits,
    /// Every GET of a link acts (`LINK_GET=act`), for strict parity with the published API.
    pub link_get_acts: bool,
    /// Only the cookie `__Host-sessionid` carries sessions: sibling domains can't set it.
    pub host_cookie_alone: bool,
    /// A password that is set without `is_temporary_password` need not be changed at the next sign-in
    /// (`TEMPORARY_PASSWORD_BY_DEFAULT=false`).
    pub passwords_last: bool,
    /// CloudFront is in front of the API, so its viewer headers have the caller's IP address and place.
    /// People's calls without these headers are refused.
    pub behind_cloudfront: bool,
    /// How long the log keeps an event.
    pub events_kept_for: KeptFor,
}

impl AccountSettings {
    /// Reads the environment that template.yaml sets: `get` gives a variable that has a value.
    pub fn read(get: impl Fn(&'static str) -> Option<String>) -> Result<Self, Misconfigured> {
        fn parsed<T: FromStr>(
            name: &'static str,
            value: Option<String>,
            default: T,
        ) -> Result<T, Misconfigured> {
            value.map_or(Ok(default), |value| {
                value.parse().map_err(|_| Misconfigured::Malformed(name))
            })
        }
        let public_url = get("PUBLIC_URL")
            .map(|url| PublicUrl::parse(&url).ok_or(Misconfigured::Malformed("PUBLIC_URL")))
            .transpose()?;
        let (lifetimes, limits) = (Lifetimes::default(), Limits::default());
        let seconds = |name, default: Duration| {
            parsed(name, get(name), default.as_secs()).map(Duration::from_secs)
        };
        let count = |name, default| parsed(name, get(name), default);
        Ok(Self {
            public_url,
            lifetimes: Lifetimes {
                link: seconds("LINK_TTL_SECONDS", lifetimes.link)?,
                undo: seconds("UNDO_TTL_SECONDS", lifetimes.undo)?,
            },
            limits: Limits {
                of_a_pair: count("PAIR_FAILURE_LIMIT", limits.of_a_pair)?,
                of_an_ip_address: count("IP_ADDRESS_FAILURE_LIMIT", limits.of_an_ip_address)?,
                of_an_account: count("ACCOUNT_FAILURE_LIMIT", limits.of_an_account)?,
            },
            link_get_acts: get("LINK_GET").is_some_and(|value| value == "act"),
            passwords_last: !parsed(
                "TEMPORARY_PASSWORD_BY_DEFAULT",
                get("TEMPORARY_PASSWORD_BY_DEFAULT"),
                true,
            )?,
            host_cookie_alone: get("PLAIN_SESSION_COOKIES").is_some_and(|value| value == "off"),
            events_kept_for: KeptFor(
                Duration::from_hours(24)
                    * parsed("EVENT_RETENTION_DAYS", get("EVENT_RETENTION_DAYS"), 90)?,
            ),
            behind_cloudfront: parsed("BEHIND_CLOUDFRONT", get("BEHIND_CLOUDFRONT"), false)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_has_an_origin_an_authority_and_no_last_slash() {
        let url = PublicUrl::parse("https://a.example.org/prod/").unwrap();
        assert_eq!(url.as_str(), "https://a.example.org/prod");
        assert_eq!(
            (url.origin(), url.authority(), url.path()),
            ("https://a.example.org", "a.example.org", "/prod")
        );
        for spelling in ["https://A.Example.ORG", "https://a.example.org:443/"] {
            let url = PublicUrl::parse(spelling).unwrap();
            assert_eq!(
                (url.as_str(), url.origin(), url.path()),
                ("https://a.example.org", "https://a.example.org", "")
            );
        }
        let url = PublicUrl::parse("http://127.0.0.1:9080").unwrap();
        assert_eq!(
            (url.as_str(), url.origin()),
            ("http://127.0.0.1:9080", "http://127.0.0.1:9080")
        );
        assert_eq!(url.authority(), "127.0.0.1:9080");
        for bad in [
            "",
            "a.example.org",
            "ftp://a.example.org",
            "https://a.example.org/?q",
            "https://a.example.org/#f",
            "https://grace@a.example.org",
            "https://a.example.org:99999",
            "/prod",
        ] {
            assert_eq!(PublicUrl::parse(bad), None, "{bad}");
        }
    }
}

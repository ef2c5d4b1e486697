//! How people's own calls work: what template.yaml's parameters set.

use domain::account::Lifetimes;
use domain::sign_in::Limits;
use lambda_http::http::Uri;

use crate::app::Misconfigured;
use std::str::FromStr;
use std::time::Duration;

/// Where people reach the service: the base of links, and the origin of its own pages. It comes
/// from the deployment, never from a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    base: String,
    authority: String,
    origin: String,
}

impl PublicUrl {
    /// Takes a URL such as `https://accounts.example.org` or one with a stage's path.
    pub fn parse(text: &str) -> Option<Self> {
        let base = text.trim_end_matches('/');
        let uri: Uri = base.parse().ok()?;
        let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
        let is_plain = uri.query().is_none() && !base.contains('#');
        (matches!(scheme, "https" | "http") && is_plain).then(|| Self {
            base: base.to_owned(),
            authority: authority.to_string(),
            origin: format!("{scheme}://{authority}"),
        })
    }

    /// The URL without a last slash.
    pub fn as_str(&self) -> &str {
        &self.base
    }

    /// The host, with the port if it names one: what people know the service by.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Scheme and authority, as the header Origin has them (RFC 6454).
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// How people's own calls work.
#[derive(Clone, Debug, Default)]
pub struct AccountSettings {
    /// Where people reach the service; nothing until the deployment says it.
    pub public_url: Option<PublicUrl>,
    /// How long links live.
    pub lifetimes: Lifetimes,
    /// How many failed sign-ins lock.
    pub limits: Limits,
    /// Every GET of a link acts (`LINK_GET=act`), for strict parity with the published API.
    pub link_get_acts: bool,
    /// CloudFront stands before the API, so that its viewer headers can be trusted.
    pub behind_cloudfront: bool,
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
                of_an_account: count("ACCOUNT_FAILURE_LIMIT", limits.of_an_account)?,
            },
            link_get_acts: get("LINK_GET").is_some_and(|value| value == "act"),
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
        assert_eq!(url.origin(), "https://a.example.org");
        assert_eq!(url.authority(), "a.example.org");
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
            "/prod",
        ] {
            assert_eq!(PublicUrl::parse(bad), None, "{bad}");
        }
    }
}

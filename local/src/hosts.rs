//! The host names that the service answers to. Without this check, another site could point its own
//! name at this machine (DNS rebinding), and its page in a visitor's browser could then use all of the
//! service.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::http::uri::Authority;
use hyper::{Response, Uri};
use serde_json::json;

use crate::template::Template;

/// Names of this machine, and further names that the user of the program allows.
pub(crate) struct Hosts(BTreeSet<String>);

impl Hosts {
    /// Names of this machine alone.
    pub(crate) fn of_this_machine() -> Self {
        Self(BTreeSet::new())
    }

    /// The host of the template's `PUBLIC_URL`.
    pub(crate) fn of(template: &Template) -> Self {
        let public = template.environment("PUBLIC_URL");
        let host = public.and_then(|url| url.parse::<Uri>().ok()?.host().map(lower_case));
        Self(host.into_iter().collect())
    }

    /// Allows these names, too.
    pub(crate) fn allow(&mut self, names: impl IntoIterator<Item = String>) {
        self.0
            .extend(names.into_iter().map(|name| lower_case(&name)));
    }

    /// Whether the service answers to this name.
    pub(crate) fn have(&self, host: &str) -> bool {
        self.0.contains(host) || is_of_this_machine(host)
    }
}

/// The host of a request, without the port; `None` where the header is missing or malformed.
pub(crate) fn named(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(HOST)?.to_str().ok()?;
    let authority: Authority = host.parse().ok()?;
    Some(lower_case(authority.host()))
}

fn lower_case(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn is_of_this_machine(host: &str) -> bool {
    let ipv6 = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: Ipv4Addr| address.is_loopback())
        || ipv6.is_some_and(|host| host.parse() == Ok(Ipv6Addr::LOCALHOST))
}

/// The answer to a request for a name that isn't allowed.
pub(crate) fn misdirected() -> Response<Full<Bytes>> {
    let problem = json!({
        "type": "https://httpstatuses.io/421",
        "title": "Misdirected Request",
        "status": 421,
        "detail": "This service answers to names of this machine and to those of --allow-host.",
    });
    let mut response = Response::new(Full::from(problem.to_string()));
    *response.status_mut() = hyper::StatusCode::MISDIRECTED_REQUEST;
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-type", "application/problem+json"),
        ("x-content-type-options", "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_answered(hosts: &Hosts, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        hosts.have(&named(&headers).unwrap())
    }

    #[test]
    fn names_of_this_machine_are_answered_at_any_port_and_others_when_they_are_allowed() {
        let mut hosts = Hosts(BTreeSet::new());
        for own in [
            "localhost",
            "LocalHost:9080",
            "127.0.0.1:9080",
            "127.1.2.3",
            "[::1]",
            "[::1]:9080",
        ] {
            assert!(is_answered(&hosts, own), "{own}");
        }
        for foreign in [
            "elsewhere.example",
            "elsewhere.example:9080",
            "localhost.elsewhere.example",
            "127.0.0.1.elsewhere.example",
            "10.0.0.1",
            "0.0.0.0",
            "[::ffff:7f00:1]",
        ] {
            assert!(!is_answered(&hosts, foreign), "{foreign}");
        }
        hosts.allow(["Elsewhere.example".to_owned()]);
        assert!(is_answered(&hosts, "elsewhere.EXAMPLE:443"));
        assert!(!is_answered(&hosts, "other.example"));
    }
}

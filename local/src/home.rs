//! The page at `/`, which shows what runs here. A deployed service has no such route, and programs get
//! the same answer here as there.

use askama::Template as _;
use domain::sample;
use hyper::header::{ACCEPT, HOST, HeaderMap};
use hyper::{Method, Request};

use crate::gateway::KEYS;
use crate::services::Services;

/// A route, as the page shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route<'a> {
    pub(crate) summary: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) needs_key: bool,
}

#[derive(askama::Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    base: String,
    services: &'static str,
    key: &'static str,
    user: String,
    management: Vec<Route<'a>>,
    people: Vec<Route<'a>>,
}

/// Whether a browser asks for the page at `/`.
pub(crate) fn is_asked_for<B>(request: &Request<B>) -> bool {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let accept = request.headers().get_all(ACCEPT).iter();
    let mut accept = accept.filter_map(|value| value.to_str().ok());
    is_read && request.uri().path() == "/" && accept.any(|accept| accept.contains("text/html"))
}

/// The page, with URLs that have the host of the request.
pub(crate) fn page(routes: &[Route<'_>], headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let (management, people) = routes.iter().partition(|route| route.needs_key);
    let page = HomePage {
        base: format!("http://{}", host.unwrap_or_default()),
        services: Services::PATH,
        key: KEYS[0].1,
        user: sample::published().id().to_string(),
        management,
        people,
    };
    page.render().expect("a page of texts always renders")
}

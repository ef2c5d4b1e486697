//! A request's headers.

use lambda_http::http::{HeaderMap, HeaderValue, header};

use super::Request;
use crate::etag::Tags;
use crate::{App, Problem, PublicUrl};

impl Request {
    /// A header's text; of several lines, the last one; `None` where it isn't plain text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        last_line(&self.headers, name)?.to_str().ok()
    }

    /// All lines of a header.
    pub(crate) fn header_lines(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers.get_all(name).iter().map(HeaderValue::as_bytes)
    }

    /// The values of a cookie. There may be several, with any bytes: other applications on the host and
    /// on parent domains set cookies, too.
    pub(crate) fn cookies<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.header_lines(header::COOKIE.as_str())
            .flat_map(|line| line.split(|byte| *byte == b';'))
            .filter_map(move |cookie| {
                let value = cookie.trim_ascii().strip_prefix(name.as_bytes())?;
                std::str::from_utf8(value.strip_prefix(b"=")?).ok()
            })
    }

    /// Whether the header Origin, if it is there, is the service's own.
    pub(crate) fn has_own_origin(&self, app: &App) -> bool {
        let own = app.account.public_url.as_ref().map(PublicUrl::origin);
        self.header_lines(header::ORIGIN.as_str())
            .all(|origin| own.is_some_and(|own| origin == own.as_bytes()))
    }

    /// Whether the body says that it is of this media type.
    pub(crate) fn is_of(&self, media_type: &str) -> bool {
        let content_type = self.header("content-type").unwrap_or_default();
        let given = content_type.split(';').next().unwrap_or_default();
        given.trim().eq_ignore_ascii_case(media_type)
    }
}

pub(super) fn last_line<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    headers.get_all(name).iter().next_back()
}

pub(super) fn text<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, Problem> {
    last_line(headers, name)
        .map(|value| value.to_str().map_err(|_| malformed(name)))
        .transpose()
}

pub(super) fn tags(headers: &HeaderMap, name: &'static str) -> Result<Option<Tags>, Problem> {
    text(headers, name)?
        .map(|value| Tags::parse(value).ok_or_else(|| malformed(name)))
        .transpose()
}

pub(super) fn malformed(name: &str) -> Problem {
    Problem::Malformed(format!("The header {name} is malformed."))
}

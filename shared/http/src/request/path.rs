//! A request's path parameters.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use domain::session::SessionId;
use domain::{GroupId, IdentifierId, PasskeyId, UserId};
use lambda_http::RequestExt as _;
use percent_encoding::percent_decode_str;

use super::Request;
use crate::Problem;

/// A value in a path. Its type says which parameter of the route it is.
pub trait PathParameter: Sized {
    /// The parameter's name, as routes have it in braces.
    const NAME: &'static str;

    /// Reads it; the error says what it must be.
    fn parse(text: &str) -> Result<Self, impl Display>;

    /// The user that it names.
    fn user(&self) -> Option<&UserId> {
        None
    }
}

impl PathParameter for UserId {
    const NAME: &'static str = "user_id";

    fn parse(text: &str) -> Result<Self, impl Display> {
        Self::parse(text)
    }

    fn user(&self) -> Option<&UserId> {
        Some(self)
    }
}

impl PathParameter for IdentifierId {
    const NAME: &'static str = "identifier_id";

    fn parse(text: &str) -> Result<Self, impl Display> {
        Self::parse(text)
    }
}

impl PathParameter for GroupId {
    const NAME: &'static str = "group_id";

    fn parse(text: &str) -> Result<Self, impl Display> {
        Self::parse(text)
    }
}

impl PathParameter for PasskeyId {
    const NAME: &'static str = "passkey_id";

    fn parse(text: &str) -> Result<Self, impl Display> {
        Self::parse(text)
    }
}

impl PathParameter for SessionId {
    const NAME: &'static str = "session_id";

    fn parse(text: &str) -> Result<Self, impl Display> {
        Self::parse(text).ok_or("must be 32 of the digits 0-9 and A-F")
    }
}

/// Name and value of each parameter, percent-encoded as API Gateway passes them.
#[derive(Debug)]
pub(super) struct PathParameters(BTreeMap<String, String>);

impl PathParameters {
    pub(super) fn of(event: &lambda_http::Request) -> Self {
        let parameters = event.path_parameters();
        let pairs = parameters.iter();
        Self(
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}

impl Request {
    /// The path parameter of type `T`. A text that is no `T` is a member that is not valid (422).
    pub fn path<T: PathParameter>(&self) -> Result<T, Problem> {
        let text = self.parameter(T::NAME)?;
        let value = T::parse(&text).map_err(|invalid| Problem::invalid(T::NAME, invalid))?;
        if let Some(user_id) = value.user() {
            self.concerns(user_id);
        }
        Ok(value)
    }

    /// A path parameter's text. It is decoded here, and only here.
    pub(crate) fn parameter(&self, name: &str) -> Result<Cow<'_, str>, Problem> {
        let encoded = self.path_parameters.0.get(name).map_or("", String::as_str);
        percent_decode_str(encoded)
            .decode_utf8()
            .map_err(|_| Problem::invalid(name, "must be UTF-8"))
    }
}

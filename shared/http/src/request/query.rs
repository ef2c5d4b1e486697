//! A request's query.

use std::collections::BTreeSet;

use lambda_http::RequestExt as _;
use serde::de::DeserializeOwned;

use super::Request;
use super::body::expected;
use crate::Problem;

/// Name and value of each parameter. API Gateway decodes both.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(event: &lambda_http::Request) -> Self {
        let parameters = event.query_string_parameters();
        let pairs = parameters.iter();
        Self(
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let mut names = BTreeSet::new();
        if let Some((twice, _)) = self.0.iter().find(|(name, _)| !names.insert(name)) {
            return Err(Problem::query(twice, "must come once"));
        }
        let unreadable = |name: &str, message: &str| match expected(message) {
            Some(expected) => Problem::query(name, &format!("must be {expected}")),
            None => Problem::query(name, "is not valid"),
        };
        let encoded = serde_urlencoded::to_string(&self.0)
            .map_err(|error| unreadable("", &error.to_string()))?;
        let pairs = form_urlencoded::parse(encoded.as_bytes());
        serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs))
            .map_err(|error| unreadable(&error.path().to_string(), &error.inner().to_string()))
    }
}

impl Request {
    /// The query as a `T`. Unknown parameters are ignored. A parameter that is not valid, or comes
    /// twice, is named in the answer: 400 (users-api.md, "paging query").
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.query.read()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Wanted {
        limit: Option<u8>,
        sort: Option<Sort>,
        text: Option<String>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Sort {
        Up,
        Down,
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Wanted, String> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        Query(pairs.collect()).read().map_err(|problem| {
            assert_eq!(problem.status(), 400);
            problem.to_string()
        })
    }

    #[test]
    fn a_query_is_read_by_its_names_and_what_is_unknown_is_ignored() {
        let all = [
            ("limit", "7"),
            ("sort", "down"),
            ("text", "a+b &c=d"),
            ("other", "x"),
        ];
        let wanted = Wanted {
            limit: Some(7),
            sort: Some(Sort::Down),
            text: Some("a+b &c=d".to_owned()),
        };
        assert_eq!(read(&all), Ok(wanted));
        let nothing = Wanted {
            limit: None,
            sort: None,
            text: None,
        };
        assert_eq!(read(&[]), Ok(nothing));
    }

    #[test]
    fn a_parameter_that_is_not_valid_is_named_and_its_value_is_not_repeated() {
        for (pairs, member, message) in [
            (vec![("limit", "hunter2")], "limit", "is not valid"),
            (vec![("limit", "-1")], "limit", "is not valid"),
            (vec![("sort", "hunter2")], "sort", "must be `up` or `down`"),
            (
                vec![("limit", "1"), ("limit", "2")],
                "limit",
                "must come once",
            ),
        ] {
            let wanted = format!("The query parameter {member} {message}.");
            assert_eq!(read(&pairs), Err(wanted), "{pairs:?}");
        }
    }
}

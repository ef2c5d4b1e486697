//! What became of one line of a request that has many.

use domain::UserId;
use serde::Serialize;

use crate::Problem;
use crate::body::problem::{Errors, errors};
use crate::problem::reason;

/// The outcome of one line: the user's id, or a problem in the words of problem+json.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "ImportedLine")
)]
pub struct LineBody<'a> {
    /// The line's number, from one; of an array, the element's.
    line: usize,
    /// 201 for a new user, 200 for one whom the same line has made before; else the problem's status.
    status: u16,
    /// The user's id, where the line could be read so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    user_id: Option<&'a str>,
    /// What kind of problem it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    r#type: Option<String>,
    /// The status in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    title: Option<&'static str>,
    /// What is wrong with the line, where no `errors` say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    detail: Option<String>,
    /// Only with 422: the members that are not valid, or the rules that are broken. Left out where the
    /// answer would get too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Errors<'_>"))]
    errors: Option<Errors<'a>>,
}

/// What became of one line.
#[derive(Debug)]
pub struct LineOutcome {
    /// The line's number, from one.
    pub line: usize,
    /// The user's id, where the line could be read so far.
    pub user_id: Option<UserId>,
    /// The status of a line that was carried out, or why it was not.
    pub outcome: Result<u16, Problem>,
}

impl LineOutcome {
    /// The status of the line.
    pub fn status(&self) -> u16 {
        match &self.outcome {
            Ok(status) => *status,
            Err(problem) => problem.status().as_u16(),
        }
    }
}

impl<'a> LineBody<'a> {
    /// What is shown of an outcome.
    pub fn of(line: &'a LineOutcome) -> Self {
        let problem = line.outcome.as_ref().err();
        let status = line.status();
        Self {
            line: line.line,
            status,
            user_id: line.user_id.as_ref().map(UserId::as_str),
            r#type: problem.map(Problem::type_uri),
            title: problem.map(|_| reason(status)),
            detail: problem
                .filter(|it| errors(it).is_none())
                .map(Problem::to_string),
            errors: problem.and_then(errors),
        }
    }

    /// The same without the texts that can be long.
    pub(crate) fn in_short(self) -> Self {
        Self {
            detail: None,
            errors: None,
            ..self
        }
    }
}

//! The body of a problem (RFC 9457).

use std::collections::BTreeMap;

use domain::IdentityError;
use serde::Serialize;

use crate::Problem;
use crate::problem::reason;

/// The members of a problem. Clients choose their exception by `status` and, for 422, by `type`.
#[derive(Debug, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(deny_unknown_fields, rename = "Problem")
)]
pub struct ProblemBody<'a> {
    /// What kind of problem it is.
    r#type: String,
    /// The status in words; never empty.
    title: &'static str,
    /// Equal to the status line's.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// The request path; absent where API Gateway answers for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    instance: Option<&'a str>,
    /// Under which the log tells more.
    trace_id: &'a str,
    /// The same, as newer clients spell it.
    #[serde(rename = "traceId")]
    trace_id_too: &'a str,
    /// Only with 422, and with the 400 of people's own calls: the members that are not valid, or
    /// the rules that are broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Errors<'_>"))]
    errors: Option<Errors<'a>>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum Errors<'a> {
    /// Each member's messages (`#validation-error`).
    Members(
        #[cfg_attr(feature = "schema", schemars(with = "Members"))]
        &'a BTreeMap<String, Vec<String>>,
    ),
    /// Broken rules (`#identity-validation-error`).
    Rules(#[cfg_attr(feature = "schema", schemars(with = "Vec<Rule>"))] &'a [IdentityError]),
}

/// What is wrong with each member that is not valid.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "ValidationErrors")]
#[expect(dead_code, reason = "only its schema is used")]
struct Members(BTreeMap<String, Vec<String>>);

/// A broken rule.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(deny_unknown_fields, rename = "IdentityError")]
#[expect(dead_code, reason = "only its schema is used")]
struct Rule {
    /// What clients branch on.
    code: String,
    /// A sentence for a developer.
    description: String,
    /// The member that it is about, if it is about one.
    field: Option<String>,
}

impl<'a> ProblemBody<'a> {
    /// What is shown of `problem`.
    pub(crate) fn of(problem: &'a Problem, instance: &'a str, trace_id: &'a str) -> Self {
        Self {
            r#type: problem.type_uri(),
            title: reason(problem.status().as_u16()),
            status: problem.status().as_u16(),
            detail: problem.to_string(),
            instance: Some(instance),
            trace_id,
            trace_id_too: trace_id,
            errors: errors(problem),
        }
    }
}

pub(crate) fn errors(problem: &Problem) -> Option<Errors<'_>> {
    match problem {
        Problem::Validation(members) => Some(Errors::Members(members)),
        Problem::Rules(errors) => Some(Errors::Rules(errors)),
        Problem::Refused(problem) => errors(problem),
        _ => None,
    }
}

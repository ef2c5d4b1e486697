//! Errors as callers see them: `application/problem+json` (RFC 9457).

use std::collections::BTreeMap;

use domain::profile::InvalidClaim;
use domain::{Code, IdentityError, Refusal};
use store::{StoreError, WriteError};

/// Why a call does not succeed. What the service itself is to blame for is logged where it is
/// shown, under the trace id; no inner detail leaves.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// 400: the request can't be read.
    #[error("{0}")]
    Malformed(String),
    /// 401: no API key came with the event.
    #[error("The request needs a valid API key in the header X-API-KEY.")]
    Unauthorized,
    /// 403: the key may only read.
    #[error("This API key may only read.")]
    Forbidden,
    /// 404: no such user, or the user has no such part.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// 409: other writers were in the way.
    #[error("Other changes to the same user were in the way. Look at the user and try again.")]
    Conflict,
    /// 409: the repeat of a create whose user is gone.
    #[error("This request was carried out before, and its user has been deleted since.")]
    Gone,
    /// 412: the user has another version than `If-Match` names.
    #[error("The user has changed since the version that If-Match names.")]
    PreconditionFailed,
    /// 413: the body is over 256 KB.
    #[error("The body may have at most 262144 bytes.")]
    BodyTooLarge,
    /// 422: members of the wrong shape or value, each with its messages.
    #[error("One or more members are not valid.")]
    Validation(BTreeMap<String, Vec<String>>),
    /// 422: rules of the directory.
    #[error("{}", .0.iter().map(|error| error.description).collect::<Vec<_>>().join(" "))]
    Rules(Vec<IdentityError>),
    /// 503: the store can't be reached or is overloaded. The inner text is for the log.
    #[error("The directory can't reach its store. Try again.")]
    Unavailable(String),
    /// 500: a fault of the service. The inner text is for the log.
    #[error("The service failed.")]
    Internal(String),
}

impl Problem {
    /// One member that is not valid.
    pub fn invalid(member: impl Into<String>, message: impl ToString) -> Self {
        Self::Validation(BTreeMap::from([(member.into(), vec![message.to_string()])]))
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound(_) => 404,
            Self::Conflict | Self::Gone => 409,
            Self::PreconditionFailed => 412,
            Self::BodyTooLarge => 413,
            Self::Validation(_) | Self::Rules(_) => 422,
            Self::Internal(_) => 500,
            Self::Unavailable(_) => 503,
        }
    }

    /// The problem type: what clients choose their exception by.
    pub(crate) fn type_uri(&self) -> String {
        let fragment = match self {
            Self::Validation(_) => "#validation-error",
            Self::Rules(_) => "#identity-validation-error",
            _ => "",
        };
        format!("https://httpstatuses.io/{}{fragment}", self.status())
    }

    /// The status in words (RFC 9110, section 15).
    pub(crate) const fn title(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "Bad Request",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound(_) => "Not Found",
            Self::Conflict | Self::Gone => "Conflict",
            Self::PreconditionFailed => "Precondition Failed",
            Self::BodyTooLarge => "Content Too Large",
            Self::Validation(_) | Self::Rules(_) => "Unprocessable Content",
            Self::Internal(_) => "Internal Server Error",
            Self::Unavailable(_) => "Service Unavailable",
        }
    }

    /// What the log tells of a fault of the service.
    pub(crate) fn fault(&self) -> Option<&str> {
        match self {
            Self::Internal(fault) | Self::Unavailable(fault) => Some(fault),
            _ => None,
        }
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        Self::Rules(vec![error])
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound(part) => Self::NotFound(part),
            Refusal::Rules(errors) => Self::Rules(errors),
        }
    }
}

impl From<InvalidClaim> for Problem {
    fn from(invalid: InvalidClaim) -> Self {
        Self::invalid(invalid.member, invalid)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Conflict,
            StoreError::TooLarge => Self::Rules(vec![IdentityError::new(
                Code::UserTooLarge,
                "The user would be larger than the store's limit of 400 KB.",
            )]),
            StoreError::UnderWay => Self::Unavailable(error.to_string()),
            StoreError::Unavailable(fault) | StoreError::Busy(fault) => Self::Unavailable(fault),
            StoreError::Unexpected(fault) => Self::Internal(fault),
        }
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Gone => Self::Gone,
            WriteError::NotFound => Self::NotFound("user"),
            WriteError::PreconditionFailed => Self::PreconditionFailed,
            WriteError::Refused(refusal) => refusal.into(),
            WriteError::Store(error) => error.into(),
        }
    }
}

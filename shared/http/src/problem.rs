//! Errors as callers see them: `application/problem+json` (RFC 9457).

use std::collections::BTreeMap;
use std::time::Duration;

use domain::profile::InvalidClaim;
use domain::{Code, IdentityError, Part, Refusal};
use store::{StoreError, WriteError, with_sources};

use crate::Access;
use crate::response::Page;

/// Why a call does not succeed. What the service itself is to blame for is logged where it is
/// shown, under the trace id; no inner detail leaves.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// 400: the request can't be read.
    #[error("{0}")]
    Malformed(String),
    /// 400: a link that doesn't hold. No word about why.
    #[error("This link is not valid.")]
    LinkNotValid,
    /// 400: a link that proves nothing, while its address is not proved.
    #[error("Open the link that was mailed to the new address first.")]
    Unproved,
    /// 400: a link's form that its own page has not just shown.
    #[error("This page has expired. Open the link again.")]
    PageExpired,
    /// 400: what a person's own call refuses (email-self-service.md): the same as elsewhere is 422.
    #[error("{}", said(.0))]
    Refused(Box<Problem>),
    /// 401: no session, or one that is over.
    #[error("You are not signed in.")]
    NotSignedIn,
    /// 401: no word about why.
    #[error("The identifier or the password is not right, or this account can't sign in.")]
    SignInRefused,
    /// 403: another site's request, or one without the CSRF token of its session.
    #[error("The request does not come from a page of this service, or lacks its CSRF token.")]
    Foreign,
    /// 403: CloudFront stands before the API, and the request didn't come through it.
    #[error("This service is reached another way.")]
    PastCloudFront,
    /// 403: the password is right, and must be changed first.
    #[error(
        "The password must be changed first. The primary e-mail address, if there is one, gets a link."
    )]
    MustChangePassword,
    /// 429: one more than a limit allows, and when to come back.
    #[error("There were too many attempts. Try again later.")]
    TooMany(Duration),
    /// Another problem, for a person who looks at it in a browser.
    #[error("{0}")]
    Shown(Box<Problem>, Page),
    /// 401: no API key came with the event.
    #[error("The request needs a valid API key in the header X-API-KEY.")]
    Unauthorized,
    /// 403: the key may only read.
    #[error("This API key may only read.")]
    MayOnlyRead,
    /// 403: the key is one of API Gateway's, and of none that the service knows.
    #[error("This API key may not use the API.")]
    UnknownKey,
    /// 404: no such user, or the user has no such part.
    #[error("There is no such {0}.")]
    NotFound(Part),
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
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_)
            | Self::LinkNotValid
            | Self::Unproved
            | Self::PageExpired
            | Self::Refused(_) => 400,
            Self::Unauthorized | Self::NotSignedIn | Self::SignInRefused => 401,
            Self::MayOnlyRead
            | Self::UnknownKey
            | Self::Foreign
            | Self::PastCloudFront
            | Self::MustChangePassword => 403,
            Self::TooMany(_) => 429,
            Self::Shown(problem, _) => problem.status(),
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
    pub(crate) fn title(&self) -> &'static str {
        match self.status() {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            409 => "Conflict",
            412 => "Precondition Failed",
            413 => "Content Too Large",
            422 => "Unprocessable Content",
            429 => "Too Many Requests",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        }
    }

    /// Shown to a person on `page`, to a program as it is.
    pub fn on(self, page: Page) -> Self {
        Self::Shown(Box::new(self), page)
    }

    /// The same as a call of this access answers it.
    pub(crate) fn for_access(self, access: Access) -> Self {
        match self {
            Self::Shown(problem, page) => problem.for_access(access).on(page),
            problem if access.needs_key() => problem,
            Self::Validation(_) | Self::Rules(_) => Self::Refused(Box::new(self)),
            // The user went while the call was under way.
            Self::NotFound(Part::User) if access == Access::Link => Self::LinkNotValid,
            Self::NotFound(Part::User) => Self::NotSignedIn,
            problem => problem,
        }
    }

    /// When to come back.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany(wait) => Some(*wait),
            Self::Shown(problem, _) => problem.retry_after(),
            _ => None,
        }
    }

    /// What the log tells of a fault of the service.
    pub(crate) fn fault(&self) -> Option<&str> {
        match self {
            Self::Internal(fault) | Self::Unavailable(fault) => Some(fault),
            Self::Shown(problem, _) => problem.fault(),
            _ => None,
        }
    }
}

/// What is refused, in a sentence that names the member.
fn said(problem: &Problem) -> String {
    let Problem::Validation(members) = problem else {
        return problem.to_string();
    };
    let sentences: Vec<_> = members
        .iter()
        .flat_map(|(member, messages)| {
            messages
                .iter()
                .map(move |message| format!("{member} {message}."))
        })
        .collect();
    sentences.join(" ")
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
            Refusal::LinkNotValid => Self::LinkNotValid,
            Refusal::Unproved => Self::Unproved,
            Refusal::SessionEnded => Self::NotSignedIn,
            Refusal::Member(member, message) => Self::invalid(member, message),
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
            StoreError::UnderWay | StoreError::Unavailable(_) | StoreError::Busy(_) => {
                Self::Unavailable(with_sources(&error))
            }
            StoreError::Unexpected(_) => Self::Internal(with_sources(&error)),
        }
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Gone => Self::Gone,
            WriteError::NotFound => Self::NotFound(Part::User),
            WriteError::PreconditionFailed => Self::PreconditionFailed,
            WriteError::Refused(refusal) => refusal.into(),
            WriteError::Store(error) => error.into(),
        }
    }
}

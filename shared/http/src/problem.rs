//! Errors as callers see them: `application/problem+json` (RFC 9457).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use domain::claims::InvalidClaim;
use domain::{Code, IdentityError, Part, Refusal};
use lambda_http::http::StatusCode;
use store::{StoreError, WriteError};

use crate::link_keys::LinkKeysError;
use crate::{Access, Page};

/// Why a call does not succeed. Where the cause is in the service, it is logged under the trace id, and
/// the caller gets no detail of it.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// 400: the request can't be read.
    #[error("{0}")]
    Malformed(String),
    /// 400: a link that doesn't hold. The answer doesn't say why.
    #[error("This link is not valid.")]
    LinkNotValid,
    /// 400: the link doesn't prove its address, and the address is not proved yet.
    #[error("Open the link that was mailed to the new address first.")]
    Unproved,
    /// 400: a link's form without a nonce that its own page has set lately.
    #[error("This page has expired. Open the link again.")]
    PageExpired,
    /// 400: a person's own call refuses something (email-self-service.md). The management API answers
    /// the same with 422.
    #[error("{}", said(.0))]
    Refused(Box<Problem>),
    /// 400: the user has no password, which is what the call is about.
    #[error("The user has no password.")]
    NoPassword,
    /// 401: no session, or one that has ended.
    #[error("You are not signed in.")]
    NotSignedIn,
    /// 401: the sign-in is refused. The answer doesn't say why.
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
    /// 429: more than a limit allows, and how long to wait.
    #[error("There were too many attempts. Try again later.")]
    TooMany(Duration),
    /// 401: no API key came with the event.
    #[error("The request needs a valid API key in the header X-API-KEY.")]
    Unauthorized,
    /// 403: the key may only read.
    #[error("This API key may only read.")]
    MayOnlyRead,
    /// 403: API Gateway knows the key, but it is in no list of the service.
    #[error("This API key may not use the API.")]
    UnknownKey,
    /// 404: no such user, or the user has no such part.
    #[error("There is no such {0}.")]
    NotFound(Part),
    /// 409: other writers were in the way.
    #[error(
        "Other changes at the same time were in the way. Look at what is there now and try again."
    )]
    Conflict,
    /// 409: the repeat of a request that made what has been deleted since.
    #[error("This request was carried out before, and what it made has been deleted since.")]
    Gone,
    /// 409: an import's user is there, and another line or call has made it.
    #[error("Another line or call has made the user with this id.")]
    IdTaken,
    /// 412: the user or group has another version than `If-Match` names.
    #[error("There was a change since the version that If-Match names.")]
    PreconditionFailed,
    /// 413: the body has more bytes than this.
    #[error("The body may have at most {0} bytes.")]
    BodyTooLarge(usize),
    /// 413: the body has more lines than this.
    #[error("The body may have at most {0} lines.")]
    TooManyLines(usize),
    /// 422: members of the wrong shape or value, each with its messages.
    #[error("One or more members are not valid.")]
    Validation(BTreeMap<String, Vec<String>>),
    /// 422: rules of the directory.
    #[error("{}", .0.iter().map(|error| error.description).collect::<Vec<_>>().join(" "))]
    Rules(Vec<IdentityError>),
    /// 503: the deployment does not say where people reach the service.
    #[error("No link can be made before the parameter PublicUrl of the deployment is set.")]
    NoPublicUrl,
    /// 503: the store can't be reached or is overloaded.
    #[error("The directory can't reach its store. Try again.")]
    Unavailable(#[source] Cause),
    /// 500: a fault of the service.
    #[error("The service failed.")]
    Internal(#[source] Cause),
}

/// The cause of a fault of the service. It is for the log, never for a caller.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The table.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The keys of links can't be read.
    #[error("the keys of links can't be read")]
    LinkKeys(#[from] LinkKeysError),
    /// The answer can't be written.
    #[error("the answer can't be written as JSON")]
    Answer(#[from] serde_json::Error),
    /// Lambda will end the function soon.
    #[error("out of time")]
    OutOfTime,
    /// The call has no handler.
    #[error("the call has no handler")]
    NoHandler,
}

/// A call's answer when it does not succeed.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong.
    pub problem: Problem,
    /// The page that a person gets in a browser; a program gets the problem.
    pub page: Option<Page>,
}

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            problem: error.into(),
            page: None,
        }
    }
}

impl Problem {
    /// One member that is not valid.
    pub fn invalid(member: impl Into<String>, message: impl ToString) -> Self {
        Self::Validation(BTreeMap::from([(member.into(), vec![message.to_string()])]))
    }

    /// A query parameter that is not valid: 400 (users-api.md, "paging query").
    pub fn query(parameter: &str, message: &str) -> Self {
        Self::Malformed(format!("The query parameter {parameter} {message}."))
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_)
            | Self::LinkNotValid
            | Self::Unproved
            | Self::PageExpired
            | Self::NoPassword
            | Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized | Self::NotSignedIn | Self::SignInRefused => {
                StatusCode::UNAUTHORIZED
            }
            Self::MayOnlyRead
            | Self::UnknownKey
            | Self::Foreign
            | Self::PastCloudFront
            | Self::MustChangePassword => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict | Self::Gone | Self::IdTaken => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::BodyTooLarge(_) | Self::TooManyLines(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Validation(_) | Self::Rules(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoPublicUrl | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Its name in the log, where several problems have one status. It holds nothing of the request; of
    /// rules it holds their codes.
    pub(crate) fn name(&self) -> Cow<'static, str> {
        let name = match self {
            Self::Malformed(_) => "malformed",
            Self::LinkNotValid => "link_not_valid",
            Self::Unproved => "unproved",
            Self::PageExpired => "page_expired",
            Self::NoPassword => "no_password",
            Self::Refused(problem) => return problem.name(),
            Self::NotSignedIn => "not_signed_in",
            Self::SignInRefused => "sign_in_refused",
            Self::Foreign => "foreign",
            Self::PastCloudFront => "past_cloudfront",
            Self::MustChangePassword => "must_change_password",
            Self::TooMany(_) => "too_many",
            Self::Unauthorized => "no_key",
            Self::MayOnlyRead => "may_only_read",
            Self::UnknownKey => "unknown_key",
            Self::NotFound(_) => "not_found",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::PreconditionFailed => "precondition_failed",
            Self::IdTaken => "id_taken",
            Self::BodyTooLarge(_) => "body_too_large",
            Self::TooManyLines(_) => "too_many_lines",
            Self::Validation(_) => "validation",
            Self::Rules(errors) => {
                let codes = errors.iter().map(|error| format!("{:?}", error.code));
                return codes.collect::<Vec<_>>().join(" ").into();
            }
            Self::NoPublicUrl => "no_public_url",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        };
        name.into()
    }

    /// The problem type: what clients choose their exception by.
    pub(crate) fn type_uri(&self) -> String {
        let fragment = match self {
            Self::Validation(_) => "#validation-error",
            Self::Rules(_) => "#identity-validation-error",
            _ => "",
        };
        format!(
            "https://httpstatuses.io/{}{fragment}",
            self.status().as_u16()
        )
    }

    /// The failure that shows a person `page`.
    pub fn on(self, page: Page) -> Failure {
        Failure {
            problem: self,
            page: Some(page),
        }
    }

    /// The problem as a call of this access answers it.
    pub(crate) fn for_access(self, access: Access) -> Self {
        match self {
            problem if access.needs_key() => problem,
            Self::Validation(_) | Self::Rules(_) => Self::Refused(Box::new(self)),
            // The user was deleted while the call was under way.
            Self::NotFound(Part::User) if access == Access::Link => Self::LinkNotValid,
            Self::NotFound(Part::User) => Self::NotSignedIn,
            problem => problem,
        }
    }

    /// How long the caller should wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany(wait) => Some(*wait),
            _ => None,
        }
    }

    /// The cause for the log, if the problem is a fault of the service.
    pub(crate) fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Internal(cause) | Self::Unavailable(cause) => Some(cause),
            _ => None,
        }
    }
}

/// A problem's title: its status in words (RFC 9110, section 15).
pub fn reason(status: u16) -> &'static str {
    let status = StatusCode::from_u16(status).ok();
    match status {
        // The present names of the registry. The crate has older ones.
        Some(StatusCode::PAYLOAD_TOO_LARGE) => "Content Too Large",
        Some(StatusCode::UNPROCESSABLE_ENTITY) => "Unprocessable Content",
        status => status
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Internal Server Error"),
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
            Refusal::NoPassword => Self::NoPassword,
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
                Self::Unavailable(error.into())
            }
            StoreError::Unexpected(_) => Self::Internal(error.into()),
        }
    }
}

impl From<LinkKeysError> for Problem {
    fn from(error: LinkKeysError) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Gone => Self::Gone,
            WriteError::IdTaken => Self::IdTaken,
            WriteError::NotFound => Self::NotFound(Part::User),
            WriteError::PreconditionFailed => Self::PreconditionFailed,
            WriteError::Refused(refusal) => refusal.into(),
            WriteError::Store(error) => error.into(),
        }
    }
}

//! Errors between Roster and its table.

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use domain::Refusal;
use domain::address::InvalidAddresses;

/// The store could not do what was asked. The sources have the cause, but nothing that is stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Other writes were in the way until the attempts or the time ran out. If the reply to an attempt
    /// was lost before, the write may have happened all the same.
    #[error("the write could not be serialised with others")]
    Conflict,
    /// The table throttles, fails or can't be reached. For a write it may be unknown whether it
    /// happened; a repeat with the same operation id finds out.
    #[error("the table is not available")]
    Unavailable(#[source] Cause),
    /// The table throttles a transaction, which the SDK doesn't retry. The caller gets the same answer
    /// as for [`StoreError::Unavailable`].
    #[error("the table is busy")]
    Busy(#[source] Cause),
    /// An earlier attempt at the same transaction is under way, and may still happen. The caller gets
    /// the same answer as for [`StoreError::Unavailable`].
    #[error("an attempt before is still under way")]
    UnderWay,
    /// The item would pass the table's limit of 400 KB. Nothing was written.
    #[error("the item is too large")]
    TooLarge,
    /// A bug or a misconfiguration: the table refused the request, or holds an item that Roster can't
    /// read.
    #[error("the table answered what Roster does not expect")]
    Unexpected(#[source] Cause),
}

/// Why the table did not do what was asked. The SDK's own errors hold whole answers, and so items. Only
/// the parts that may be logged are taken from them.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// What the table was asked when it went wrong, such as `GetItem`.
    #[error("{0}")]
    During(&'static str, #[source] Box<Self>),
    /// The table can't be reached.
    #[error("no connection")]
    NotReached(#[source] Option<ConnectorError>),
    /// No answer came in time.
    #[error("no answer in time")]
    TimedOut,
    /// The answer is not one of DynamoDB's.
    #[error("an answer that can't be read, status {status}")]
    Garbled {
        /// The HTTP status.
        status: u16,
    },
    /// DynamoDB's own error.
    #[error("{status} {code}: {message}")]
    Answered {
        /// The HTTP status.
        status: u16,
        /// The error's name.
        code: String,
        /// DynamoDB's message.
        message: String,
    },
    /// DynamoDB's own error inside of a transaction.
    #[error("{0}")]
    Reason(String),
    /// A transaction was cancelled for these reasons, one for each part.
    #[error("a transaction was cancelled: {0:?}")]
    Cancelled(Vec<String>),
    /// The SDK can't send the request.
    #[error("the request can't be sent")]
    Unsendable,
    /// The SDK can't make the request.
    #[error("the request can't be made")]
    Incomplete(#[from] BuildError),
    /// A value can't be stored.
    #[error("an item can't be made")]
    Unstorable(#[from] serde_dynamo::Error),
    /// An item of this kind lacks an attribute, or has one that is not valid.
    #[error("the item of a {0} is not readable")]
    Unreadable(&'static str),
    /// An attribute of a user's item is not valid.
    #[error("the attribute {0} of a user's item is not valid")]
    Invalid(&'static str),
    /// The addresses of a user's item can't be those of a user.
    #[error("an item's {attribute} are not those of a user")]
    Addresses {
        /// The attribute that holds them.
        attribute: &'static str,
        /// What is wrong with them.
        source: InvalidAddresses,
    },
    /// A user's item has a format that is newer than this code.
    #[error("format {0} of a user's item is newer than this code")]
    Newer(u32),
    /// A state that should not be possible.
    #[error("{0}")]
    Odd(&'static str),
}

/// Why a user was not changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// No such user.
    #[error("no such user")]
    NotFound,
    /// This operation created a user, a group or a membership before, which has been deleted.
    #[error("what this operation created is gone")]
    Gone,
    /// An import's user is there, and another line or call has made it.
    #[error("another user has the id")]
    IdTaken,
    /// The user is not at a version that the caller named.
    #[error("the user has another version")]
    PreconditionFailed,
    /// A rule of the directory.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An error with all of its sources, as the log shows it.
pub fn with_sources(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |source| source.source());
    sources.fold(error.to_string(), |text, source| {
        format!("{text}: {source}")
    })
}

impl Cause {
    /// An error that only a bug or a misconfiguration can cause.
    pub(crate) const fn unexpected(self) -> StoreError {
        StoreError::Unexpected(self)
    }
}

/// A cause without another meaning is a bug or a misconfiguration.
impl From<Cause> for StoreError {
    fn from(cause: Cause) -> Self {
        cause.unexpected()
    }
}

impl StoreError {
    /// Reads the SDK's error. The SDK has made its own retries before.
    pub(crate) fn from_sdk<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        // The SDK has an error type for each request, and names it after that.
        let name = std::any::type_name::<E>().rsplit("::").next();
        let request = name.and_then(|name| name.strip_suffix("Error"));
        let during = |cause| Cause::During(request.unwrap_or("a request"), Box::new(cause));
        match Self::read(error) {
            Self::Unavailable(cause) => Self::Unavailable(during(cause)),
            Self::Busy(cause) => Self::Busy(during(cause)),
            Self::Unexpected(cause) => Self::Unexpected(during(cause)),
            error => error,
        }
    }

    fn read<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
        let service_error = match error {
            SdkError::ServiceError(error) => error.into_err(),
            SdkError::DispatchFailure(_) => {
                return Self::Unavailable(Cause::NotReached(sdk::connector_error(error)));
            }
            SdkError::TimeoutError(_) => return Self::Unavailable(Cause::TimedOut),
            SdkError::ResponseError(_) => return Self::Unavailable(Cause::Garbled { status }),
            _ => return Self::Unexpected(Cause::Unsendable),
        };
        let code = service_error.code().unwrap_or_default();
        let message = service_error.message().unwrap_or_default();
        Self::from_code(code, message).unwrap_or_else(|| {
            // Without a code, a proxy answered, or the answer can't be read.
            let may_pass = status >= 500 || code.is_empty();
            let cause = Cause::Answered {
                status,
                code: code.to_owned(),
                message: message.to_owned(),
            };
            if may_pass {
                Self::Unavailable(cause)
            } else {
                Self::Unexpected(cause)
            }
        })
    }

    /// Reads an error's or a cancellation reason's code.
    pub(crate) fn from_code(code: &str, message: &str) -> Option<Self> {
        let reason = || Cause::Reason(code.to_owned());
        match code {
            "TransactionConflict"
            | "TransactionConflictException"
            | "ReplicatedWriteConflictException" => Some(Self::Conflict),
            // Reasons inside of a cancelled transaction, which the SDK doesn't retry.
            "ThrottlingError" | "ProvisionedThroughputExceeded" => Some(Self::Busy(reason())),
            "TransactionInProgressException" => Some(Self::UnderWay),
            "ThrottlingException"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "LimitExceededException"
            | "InternalServerError"
            | "InternalServerErrorException"
            | "ServiceUnavailable"
            | "ServiceUnavailableException" => Some(Self::Unavailable(reason())),
            "ValidationError" | "ValidationException"
                if message.contains("exceeded the maximum allowed size") =>
            {
                Some(Self::TooLarge)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemError;

    use super::*;

    #[test]
    fn an_error_tells_what_it_came_from() {
        let error = WriteError::from(StoreError::Unavailable(Cause::Answered {
            status: 503,
            code: "Slow".to_owned(),
            message: "down".to_owned(),
        }));
        assert_eq!(
            with_sources(&error),
            "the table is not available: 503 Slow: down"
        );
        let error = SdkError::<GetItemError, HttpResponse>::timeout_error("slow");
        assert_eq!(
            with_sources(&StoreError::from_sdk(error)),
            "the table is not available: GetItem: no answer in time"
        );
        let error = Cause::Addresses {
            attribute: "emails",
            source: InvalidAddresses::Duplicate,
        };
        assert_eq!(
            with_sources(&error.unexpected()),
            "the table answered what Roster does not expect: \
             an item's emails are not those of a user: an address is there twice"
        );
    }

    #[test]
    fn codes_are_told_apart_by_what_may_pass() {
        let read = |code| StoreError::from_code(code, "");
        assert!(matches!(
            read("TransactionConflict"),
            Some(StoreError::Conflict)
        ));
        assert!(matches!(read("ThrottlingError"), Some(StoreError::Busy(_))));
        assert!(matches!(
            read("ThrottlingException"),
            Some(StoreError::Unavailable(_))
        ));
        assert!(matches!(
            read("TransactionInProgressException"),
            Some(StoreError::UnderWay)
        ));
        assert!(read("ValidationException").is_none());
        let too_large = "Item size to update has exceeded the maximum allowed size";
        assert!(matches!(
            StoreError::from_code("ValidationError", too_large),
            Some(StoreError::TooLarge)
        ));
    }
}

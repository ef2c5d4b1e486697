//! What can go wrong between Roster and its table.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use domain::Refusal;

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Other writers were in the way until the attempts or the time ran out. Nothing was written.
    #[error("the write could not be serialised with others")]
    Conflict,
    /// The table throttles, fails or can't be reached. For a write it may be unknown whether it
    /// happened; a repeat with the same operation id finds out.
    #[error("the table is not available: {0}")]
    Unavailable(String),
    /// The item would pass the table's limit of 400 KB. Nothing was written.
    #[error("the item is too large")]
    TooLarge,
    /// A bug or a misconfiguration: the table refused the request, or holds what Roster can't
    /// read.
    #[error("the table answered what Roster does not expect: {0}")]
    Unexpected(String),
}

/// Why a user was not changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// No such user.
    #[error("no such user")]
    NotFound,
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

impl StoreError {
    /// Reads the SDK's error. The SDK has retried what it can by now.
    pub(crate) fn from_sdk<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let Some(service_error) = error.as_service_error() else {
            // Without an answer of the service there is nothing personal in the text.
            let context = DisplayErrorContext(error).to_string();
            return match error {
                SdkError::ConstructionFailure(_) => Self::Unexpected(context),
                _ => Self::Unavailable(context),
            };
        };
        // Status, code and message only: the whole answer may hold the item.
        let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
        let code = service_error.code().unwrap_or_default();
        let message = service_error.message().unwrap_or_default();
        Self::from_code(code, message)
            .unwrap_or_else(|| Self::Unexpected(format!("{status} {code} {message}")))
    }

    /// Reads an error's or a cancellation reason's code.
    pub(crate) fn from_code(code: &str, message: &str) -> Option<Self> {
        match code {
            "TransactionConflict"
            | "TransactionConflictException"
            | "TransactionInProgressException"
            | "ReplicatedWriteConflictException" => Some(Self::Conflict),
            "ThrottlingError"
            | "ThrottlingException"
            | "ProvisionedThroughputExceeded"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded"
            | "LimitExceededException"
            | "InternalServerError"
            | "InternalServerErrorException"
            | "ServiceUnavailable"
            | "ServiceUnavailableException" => Some(Self::Unavailable(code.to_owned())),
            "ValidationError" | "ValidationException"
                if message.contains("exceeded the maximum allowed size") =>
            {
                Some(Self::TooLarge)
            }
            _ => None,
        }
    }
}

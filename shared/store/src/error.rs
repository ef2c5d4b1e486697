//! What can go wrong between Roster and its table.

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use domain::Refusal;

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Other writers were in the way until the attempts or the time ran out. If the reply to an
    /// attempt was lost before, it may still have happened.
    #[error("the write could not be serialised with others")]
    Conflict,
    /// The table throttles, fails or can't be reached. For a write it may be unknown whether it
    /// happened; a repeat with the same operation id finds out.
    #[error("the table is not available: {0}")]
    Unavailable(String),
    /// The table throttles a transaction, which the SDK doesn't retry. As
    /// [`StoreError::Unavailable`] to the caller.
    #[error("the table is busy: {0}")]
    Busy(String),
    /// An attempt at the same transaction is under way, and may yet happen. As
    /// [`StoreError::Unavailable`] to the caller.
    #[error("an attempt before is still under way")]
    UnderWay,
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
    /// This operation created a user before, who is gone by now.
    #[error("the user that this operation created is gone")]
    Gone,
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
    /// What only a bug or a misconfiguration brings about.
    pub(crate) fn unexpected(what: impl std::fmt::Display) -> Self {
        Self::Unexpected(what.to_string())
    }

    /// Reads the SDK's error. The SDK has retried what it can by now.
    pub(crate) fn from_sdk<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        // Kind, status, code and message only: the whole answer may hold the item.
        let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
        let service_error = match error {
            SdkError::ServiceError(service_error) => service_error.err(),
            SdkError::DispatchFailure(failure) => {
                let cause = failure
                    .as_connector_error()
                    .map(|cause| DisplayErrorContext(cause).to_string());
                return Self::Unavailable(cause.unwrap_or_else(|| "no connection".to_owned()));
            }
            SdkError::TimeoutError(_) => return Self::Unavailable("no answer in time".to_owned()),
            SdkError::ResponseError(_) => {
                return Self::Unavailable(format!("an answer that can't be read, status {status}"));
            }
            _ => return Self::Unexpected("the request can't be made".to_owned()),
        };
        let code = service_error.code().unwrap_or_default();
        let message = service_error.message().unwrap_or_default();
        Self::from_code(code, message).unwrap_or_else(|| {
            let fault = format!("{status} {code} {message}");
            // No code: something in between answered, or the answer can't be read.
            if status >= 500 || code.is_empty() {
                Self::Unavailable(fault)
            } else {
                Self::Unexpected(fault)
            }
        })
    }

    /// Reads an error's or a cancellation reason's code.
    pub(crate) fn from_code(code: &str, message: &str) -> Option<Self> {
        match code {
            "TransactionConflict"
            | "TransactionConflictException"
            | "ReplicatedWriteConflictException" => Some(Self::Conflict),
            // Reasons inside of a cancelled transaction, which the SDK doesn't retry.
            "ThrottlingError" | "ProvisionedThroughputExceeded" => {
                Some(Self::Busy(code.to_owned()))
            }
            "TransactionInProgressException" => Some(Self::UnderWay),
            "ThrottlingException"
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

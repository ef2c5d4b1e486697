//! Why a service did not do what was asked.

use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::error::operation::BuildError;

/// Why a service did not do what was asked. The service's message may quote what was sent, so only the
/// name of the error is kept.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The service's own error, by its name.
    #[error("{0}")]
    Answered(String),
    /// The service can't be reached.
    #[error("not reached")]
    NotReached(#[source] Option<ConnectorError>),
    /// The SDK can't send the request.
    #[error("not sendable")]
    Unsendable,
    /// The SDK can't make the request.
    #[error("the request can't be made")]
    Incomplete(#[from] BuildError),
}

//! Why maintenance ended early, in words that say what to do.

use std::error::Error;

use store::{StoreError, with_sources};
use transfer::TransferError;

/// Why maintenance ended early: one line for a person.
#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    /// No AWS region is configured.
    #[error("no AWS region is configured: give --region, or set AWS_REGION")]
    NoRegion,
    /// No AWS credentials are found.
    #[error(
        "no AWS credentials are found: {}; give --profile, or sign in as for the AWS CLI",
        with_sources(.0.as_ref())
    )]
    NoCredentials(Box<dyn Error + Send + Sync>),
    /// The table can't be read or written.
    #[error("{table}: {}", with_sources(.source))]
    Table {
        /// The table's name.
        table: String,
        /// Why.
        source: StoreError,
    },
    /// A file can't be read or written.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The users come from standard input.
    #[error("standard input can't be read twice: give a file")]
    StandardInput,
    /// The folder is not empty.
    #[error("{0} is there and not empty: give another folder, or remove it")]
    NotEmpty(String),
    /// The input changed while it was read.
    #[error("{0} has changed while it was read: run the same command again")]
    Changed(String),
    /// The items could not be made.
    #[error("{source}; nothing was written that can be imported, and {folder} can be removed")]
    NoItems {
        /// The folder.
        folder: String,
        /// Why.
        source: Box<MaintenanceError>,
    },
    /// A parameter of the template, or this machine, does not fit.
    #[error(transparent)]
    Misconfigured(#[from] roster_http::Misconfigured),
}

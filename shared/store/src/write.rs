//! How a write is carried out, and which versions of a user or group it may replace.

use domain::{ChangedBy, OperationId, Timestamp, Version};
use tokio::time::Instant;

use crate::item::operation;
use crate::table::{Role, Transaction, Update, number};

/// Which versions of the user a write may replace: `If-Match` (RFC 9110, section 13.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Any.
    #[default]
    None,
    /// One of these. The list is empty when no tag of the caller can be a version: then none may be
    /// replaced.
    Versions(Vec<Version>),
}

impl Precondition {
    pub(crate) fn allows(&self, version: Version) -> bool {
        match self {
            Self::None => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }

    /// Makes it a condition of an update of the user.
    pub(crate) fn require(&self, update: &mut Update) {
        match self {
            Self::None => {}
            // No version is negative, so this is never true. A missing user still gets its own answer.
            Self::Versions(versions) if versions.is_empty() => {
                update.require_equal(&["version"], number(-1));
            }
            Self::Versions(versions) => {
                let values: Vec<String> = versions
                    .iter()
                    .map(|version| update.value(number(version)))
                    .collect();
                let version = update.path(&["version"]);
                update.require(format!("{version} IN ({})", values.join(", ")));
            }
        }
    }
}

/// How a write is carried out: by whom, by which operation, when, and until when it may be tried.
#[derive(Clone, Debug)]
pub struct Write {
    /// Who writes, and by which call.
    pub by: ChangedBy,
    /// The operation of the write and of its repeats.
    pub operation: OperationId,
    /// The client named the operation with an `Idempotency-Key` and may repeat it later.
    pub is_named: bool,
    /// Which versions it may replace.
    pub precondition: Precondition,
    /// The time that it writes.
    pub now: Timestamp,
    /// When to give up.
    pub deadline: Instant,
}

impl Write {
    /// Writes a named operation down in the transaction: a later repeat finds that it happened, also when
    /// the user is gone.
    pub(crate) fn write_down(&self, transaction: &mut Transaction) {
        if self.is_named {
            let item = operation::item(&self.operation, self.now);
            transaction.put_if_absent(Role::Operation, item);
        }
    }
}

//! The single table: its keys, items, expressions and transactions.
//!
//! Only [`Table`] sends requests. A type for each entity uses it: [`Users`], [`Accounts`],
//! [`Sessions`], [`SignIns`], [`Notifications`], [`Limits`]. `item` has a file for each kind of item.
//!
//! **Invariant:** only this crate names the DynamoDB SDK. It decides no rule: it turns the domain's
//! rules into conditional writes, and the table's answers into the domain's terms.

mod accounts;
mod client;
mod edit;
mod error;
mod item;
mod limits;
mod notifications;
mod read;
mod rule;
mod sessions;
mod sign_ins;
mod table;
mod users;
mod write;

pub use accounts::Accounts;
pub use client::{Credentials, Settings, SharedHttpClient, as_another, connect, http_client};
pub use error::{Cause, StoreError, WriteError, with_sources};
pub use item::notification::{NOTIFICATION_SORT_KEY, State};
pub use limits::Limits;
pub use notifications::{LEASE, Lease, Notifications};
pub use sessions::Sessions;
pub use sign_ins::{Entry, SignIn, SignInState, SignIns};
pub use table::{Capacity, Item, Partition, Table, Usage, metered, schema};
pub use users::Users;
pub use write::{Precondition, Write};

//! The single table: its keys, items, expressions and transactions.
//!
//! **Invariant:** this crate alone names the DynamoDB SDK. It decides no rule: it turns the
//! domain's rules into conditional writes, and what the table answers into the domain's terms.

mod account;
mod attempt;
mod client;
mod device;
mod error;
mod expression;
mod item;
mod layout;
mod limit;
mod notification;
mod operation;
mod partition;
mod reservation;
mod rule;
mod session;
mod sign_in;
pub mod table;
mod usage;
mod user;
mod users;

pub use client::{Credentials, Settings, SharedHttpClient, as_another, connect, http_client};
pub use error::{StoreError, WriteError};
pub use item::Item;
pub use notification::{LEASE, Lease, NOTIFICATION_SORT_KEY, State};
pub use partition::Partition;
pub use sign_in::{Entry, SignIn, SignInState};
pub use usage::{Capacity, Usage, metered};
pub use users::{Precondition, Users, Write};

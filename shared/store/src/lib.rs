//! The single table: its keys, items, expressions and transactions.
//!
//! Only [`Table`] sends requests. A type for each entity uses it: [`Users`], [`Directory`],
//! [`Accounts`], [`Imports`], [`Sessions`], [`SignIns`], [`Groups`], [`Memberships`], [`Notifications`], [`Limits`],
//! [`Log`], [`Changes`]. `item` has a file for each kind of item.
//!
//! **Invariant:** only this crate names the DynamoDB SDK. It decides no rule: it turns the domain's
//! rules into conditional writes, and the table's answers into the domain's terms.

mod accounts;
mod changes;
mod check;
mod client;
mod directory;
mod edit;
mod error;
mod groups;
mod imports;
mod item;
mod limits;
mod log;
mod memberships;
mod merge;
mod new_table;
mod notifications;
mod read;
mod rule;
mod scan;
mod sessions;
mod sign_ins;
mod table;
mod users;
mod write;

pub use accounts::Accounts;
pub use changes::{Applied, Applying, Changes, ItemChange};
pub use check::{CheckedPage, Checks, Counted, Fault, Key, Mended, Miscount};
pub use client::{
    Credentials, Settings, SharedHttpClient, as_another, connect, connect_by, http_client,
};
pub use directory::{
    Directory, ListError, Listed, MAX_SORTED, Mark, Part, Position, UserListing, UserSort,
};
pub use error::{Cause, StoreError, WriteError, with_sources};
pub use groups::Groups;
pub use imports::{Import, ImportMode, Imported, Imports};
pub use item::group::DELETION as GROUP_DELETION_SORT_KEY;
pub use item::membership::MEMBER_START as MEMBER_SORT_KEY;
pub use item::notification::{NOTIFICATION_SORT_KEY, State};
pub use item::user::SORT_KEY as USER_SORT_KEY;
pub use limits::Limits;
pub use log::{FeedPlace, Log};
pub use memberships::Memberships;
pub use new_table::NewTable;
pub use notifications::{LEASE, Lease, Notifications};
pub use scan::{Place, Scan, UserPage};
pub use sessions::Sessions;
pub use sign_ins::{Entry, SignIn, SignInState, SignIns};
pub use table::{
    Capacity, DynamodbJson, Index, Item, MAX_SORT_KEY, Partition, Table, Usage, metered, schema,
};
pub use users::{Users, image_of_new};
pub use write::{Precondition, Write};

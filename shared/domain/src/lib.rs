//! The directory's rules: users, their identifiers, and what may be done to them.
//!
//! **Invariant:** this crate is pure. It does no I/O, reads no clock, draws no randomness of its
//! own, and knows neither AWS nor HTTP. Times and random bytes are arguments.

pub mod account;
pub mod address;
pub mod blocked_ip;
pub mod changed_by;
pub mod claims;
pub mod counter;
pub mod device;
pub mod email;
pub mod event;
pub mod external;
pub mod filter;
pub mod group;
pub mod id;
pub mod identifier;
pub mod import;
pub mod json;
pub mod link;
mod mac;
pub mod membership;
pub mod notification;
pub mod password;
pub mod patch;
pub mod phone;
pub mod refusal;
pub mod rule;
pub mod sample;
pub mod session;
pub mod sign_in;
pub mod time;
pub mod user;
pub mod user_field;
pub mod username;

pub use account::Account;
pub use address::{Address, AddressKind, Addresses};
pub use changed_by::{Actor, ChangedBy};
pub use counter::{Epoch, Generation, Version};
pub use email::Email;
pub use event::Event;
pub use filter::Filter;
pub use group::Group;
pub use id::{ChangeId, GroupId, IdentifierId, OperationId, PasskeyId, UserId};
pub use identifier::{Identifier, Kind};
pub use json::JsonObject;
pub use membership::Membership;
pub use notification::Notification;
pub use patch::Patch;
pub use phone::Phone;
pub use refusal::{Code, IdentityError, Part, Refusal};
pub use rule::Rule;
pub use session::Session;
pub use time::Timestamp;
pub use user::{User, UserFacts};
pub use user_field::UserField;
pub use username::Username;

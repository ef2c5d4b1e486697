//! The directory's rules: users, their identifiers, and what may be done to them.
//!
//! **Invariant:** this crate is pure. It does no I/O, reads no clock, draws no randomness of its
//! own, and knows neither AWS nor HTTP. Times and random bytes are arguments.

pub mod account;
pub mod address;
pub mod blocked_ip;
pub mod claims;
pub mod counter;
pub mod device;
pub mod email;
pub mod external;
pub mod id;
pub mod identifier;
pub mod json;
pub mod link;
mod mac;
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
pub mod username;

pub use account::Account;
pub use address::{Address, AddressKind, Addresses};
pub use counter::{Epoch, Generation, Version};
pub use email::Email;
pub use id::{ChangeId, IdentifierId, OperationId, PasskeyId, UserId};
pub use identifier::{Identifier, Kind};
pub use json::JsonObject;
pub use notification::Notification;
pub use patch::Patch;
pub use phone::Phone;
pub use refusal::{Code, IdentityError, Part, Refusal};
pub use rule::Rule;
pub use session::Session;
pub use time::Timestamp;
pub use user::{User, UserFacts};
pub use username::Username;

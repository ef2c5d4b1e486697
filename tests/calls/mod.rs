//! What each call answers over HTTP. Each call has a file, in the folders of the calls. Other files are
//! about what calls have in common.
//!
//! They run on the embedded store. The four published calls, signing in and the change of an address
//! also run on DynamoDB Local, and so do tests in other files that depend on the store's conditions.

mod account;
mod addresses;
mod bad_input;
mod blocked_ips;
mod changes;
mod claims;
mod data;
mod emails;
mod events;
mod external_authenticators;
mod grants;
mod groups;
mod links;
mod logs;
mod memberships;
mod passkeys;
mod password_forms;
mod passwords;
mod persons_sessions;
mod phones;
mod rights;
mod sessions;
mod sign_in_limits;
mod takeovers;
mod usernames;
mod users;

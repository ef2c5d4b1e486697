//! What each call says over HTTP: a file for each, in the folders of the calls, beside those about
//! what calls have in common.
//!
//! They run on the embedded store. On DynamoDB Local run the four published calls, signing in and the
//! change of an address, too, and of the other files what depends on the store's conditions.

mod account;
mod bad_input;
mod changes;
mod emails;
mod links;
mod logs;
mod passwords;
mod rights;
mod sessions;
mod sign_in_limits;
mod takeovers;
mod usernames;
mod users;

//! What each call says over HTTP: a file for each, in the folders of the calls, beside those about
//! what calls have in common.

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

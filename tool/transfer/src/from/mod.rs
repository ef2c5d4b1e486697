//! Users as other products export them.
//!
//! A product's module takes what Roster has a place for. What is left of a record goes to `private_data` under
//! the product's own names, so nothing is lost that this program doesn't know of.

mod auth0;
mod clerk;
mod cognito;
mod columns;
mod firebase;
mod hash;
mod keycloak;
mod members;
mod provider;
mod supabase;
#[cfg(test)]
mod tests;
mod time;
mod user;

pub(crate) use columns::Columns;

use std::fmt;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::input::Flaw;
use crate::source::Layout;
use firebase::HashParameters;
use members::Members;
use user::User;

/// A product whose export can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Product {
    /// Auth0's export of users (JSON), its export of password hashes, or both in one
    Auth0,
    /// What `aws cognito-idp list-users` prints
    Cognito,
    /// What `firebase auth:export` writes (JSON)
    Firebase,
    /// A realm's export with its users, or a file of users that `kc.sh export` writes
    Keycloak,
    /// The dashboard's export (CSV), or that of `clerk migrate export` (JSON)
    Clerk,
    /// The table `auth.users` (CSV, or rows as JSON)
    Supabase,
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auth0 => "auth0",
            Self::Cognito => "cognito",
            Self::Firebase => "firebase",
            Self::Keycloak => "keycloak",
            Self::Clerk => "clerk",
            Self::Supabase => "supabase",
        })
    }
}

/// Which product a file is from, and what its records don't say.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ConversionArguments {
    /// The product that has exported the file. Without it, the file has Roster's own form.
    #[arg(long, value_enum, value_name = "PRODUCT")]
    from: Option<Product>,
    #[command(flatten)]
    firebase: HashParameters,
    /// Import users without their password hash where it is of a kind that Roster doesn't take. They have to
    /// set a password. Without this, these users are refused.
    #[arg(long, requires = "from")]
    drop_unusable_hashes: bool,
}

/// How the records of a file become users of Roster.
#[derive(Clone, Default)]
pub(crate) struct Conversion {
    arguments: ConversionArguments,
    now: Timestamp,
}

/// Why a record is no import line.
pub(crate) enum Unconverted {
    /// This one can't be imported; others can.
    Flaw(Flaw),
    /// It has a hash of Firebase's, and the key is not given. It is the same for all others.
    NoSignerKey,
}

impl From<Flaw> for Unconverted {
    fn from(flaw: Flaw) -> Self {
        Self::Flaw(flaw)
    }
}

/// Why Roster can't have a user of another product, in words for a person. They repeat no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum NotCarried {
    #[error(
        "The user has no e-mail address, phone number or username, and Roster's users have at least one."
    )]
    NoIdentifier,
    #[error("The user is anonymous.")]
    Anonymous,
    #[error("The user was deleted.")]
    Deleted,
    #[error("It is the service account of a client, not a person.")]
    ServiceAccount,
    #[error(
        "The password hash is of a kind that Roster doesn't take. With --drop-unusable-hashes the user is \
         imported without it."
    )]
    UnusableHash,
    #[error("The password hash can't be read without the project's --firebase-signer-key.")]
    NoSignerKey,
}

impl Conversion {
    pub(crate) fn new(arguments: &ConversionArguments, now: Timestamp) -> Self {
        Self {
            arguments: arguments.clone(),
            now,
        }
    }

    /// What the file may be.
    pub(crate) fn layout(&self) -> Layout {
        match self.arguments.from {
            None | Some(Product::Auth0) => Layout::Plain,
            Some(Product::Cognito) => Layout::Wrapped("Users"),
            Some(Product::Firebase | Product::Keycloak) => Layout::Wrapped("users"),
            Some(Product::Clerk | Product::Supabase) => Layout::Table,
        }
    }

    /// What makes other lines of the same records. Of secrets it has a digest.
    pub(crate) fn form(&self) -> Option<String> {
        let product = self.arguments.from?;
        let parameters = (product == Product::Firebase).then(|| self.arguments.firebase.spelled());
        let parameters = parameters.flatten().unwrap_or_default();
        let digest = Sha256::new_with_prefix(b"form\0").chain_update(parameters);
        let digest = Bytes::copy_from_slice(&digest.finalize()[..8]);
        let drops = self.arguments.drop_unusable_hashes;
        Some(format!("{product} {digest:x} {drops}"))
    }

    /// The import line of a record that is JSON.
    pub(crate) fn convert_text(&self, text: Vec<u8>) -> Result<Vec<u8>, Unconverted> {
        if self.arguments.from.is_none() {
            return Ok(text);
        }
        match Members::parse(&text) {
            Some(members) => self.convert(members),
            None => Err(Flaw::NotJson(text).into()),
        }
    }

    /// The import line of a record.
    pub(crate) fn convert(&self, record: Members) -> Result<Vec<u8>, Unconverted> {
        let mut members = record.clone();
        let user = self.user(&mut members).and_then(|mut user| {
            user.keep_rest(members);
            user.finish(self.arguments.drop_unusable_hashes)
        });
        match user {
            Ok(user) => Ok(user.to_line()),
            Err(NotCarried::NoSignerKey) => Err(Unconverted::NoSignerKey),
            Err(reason) => Err(Unconverted::Flaw(Flaw::NotCarried {
                reason: reason.to_string(),
                record: record.to_json(),
            })),
        }
    }

    fn user(&self, members: &mut Members) -> Result<User, NotCarried> {
        match self.arguments.from {
            // Its lines are never converted.
            None => Ok(User::default()),
            Some(Product::Auth0) => Ok(auth0::user(members)),
            Some(Product::Cognito) => Ok(cognito::user(members)),
            Some(Product::Firebase) => firebase::user(members, &self.arguments.firebase),
            Some(Product::Keycloak) => keycloak::user(members),
            Some(Product::Clerk) => Ok(clerk::user(members)),
            Some(Product::Supabase) => supabase::user(members, self.now),
        }
    }
}

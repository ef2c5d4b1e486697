//! Firebase Authentication: what `firebase auth:export` writes as JSON.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command};
use secrecy::{ExposeSecret as _, SecretString};

use super::members::Members;
use super::provider::{Account, Provider, take_providers};
use super::time::Unit;
use super::user::User;
use super::{NotCarried, hash};

/// A project's password hash parameters, as its console shows them.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct HashParameters {
    /// Firebase: the project's `base64_signer_key`. In the environment it stays out of the shell's history and
    /// of the list of processes.
    #[arg(
        long = "firebase-signer-key",
        value_name = "BASE64",
        env = "FIREBASE_SIGNER_KEY",
        hide_env_values = true,
        value_parser = SignerKey
    )]
    signer_key: Option<SecretString>,
    /// Firebase: the project's `base64_salt_separator`.
    #[arg(
        long = "firebase-salt-separator",
        value_name = "BASE64",
        default_value = "Bw==",
        value_parser = separator
    )]
    salt_separator: String,
    /// Firebase: the project's `rounds`.
    #[arg(long = "firebase-rounds", value_name = "NUMBER", default_value_t = 8)]
    rounds: u8,
    /// Firebase: the project's `mem_cost`.
    #[arg(
        long = "firebase-memory-cost",
        value_name = "NUMBER",
        default_value_t = 14
    )]
    memory_cost: u8,
}

/// Reads the signer key. A parser that is a function would have clap print the key with the fault.
#[derive(Clone)]
struct SignerKey;

impl TypedValueParser for SignerKey {
    type Value = SecretString;

    fn parse_ref(
        &self,
        command: &Command,
        _: Option<&Arg>,
        value: &OsStr,
    ) -> Result<SecretString, clap::Error> {
        let key = value.to_str().filter(|text| {
            let key = hash::base64(text);
            key.is_some_and(|key| !key.is_empty())
        });
        key.map(SecretString::from).ok_or_else(|| {
            let words = "--firebase-signer-key, or FIREBASE_SIGNER_KEY, is no base64\n";
            clap::Error::raw(ErrorKind::ValueValidation, words).with_cmd(command)
        })
    }
}

fn separator(text: &str) -> Result<String, &'static str> {
    let is_base64 = hash::base64(text).is_some();
    is_base64.then(|| text.to_owned()).ok_or("it is no base64")
}

impl HashParameters {
    /// All of them, if they are given.
    pub(super) fn spelled(&self) -> Option<String> {
        self.hash("", "").ok()
    }

    fn hash(&self, salt: &str, hash: &str) -> Result<String, NotCarried> {
        let signer_key = self.signer_key.as_ref();
        let signer_key = signer_key.ok_or(NotCarried::NoSignerKey)?;
        let spelled = hash::Firebase {
            signer_key: signer_key.expose_secret(),
            salt_separator: &self.salt_separator,
            rounds: &self.rounds.to_string(),
            memory_cost: &self.memory_cost.to_string(),
            salt,
            hash,
        };
        spelled.spelled()
    }
}

pub(super) fn user(members: &mut Members, parameters: &HashParameters) -> Result<User, NotCarried> {
    let mut user = User::default();
    if let Some(id) = members.text("localId") {
        user.identify(&id, "localId", members);
    }
    let email_is_verified = members.flag("emailVerified").unwrap_or(false);
    if let Some(email) = members.text("email") {
        user.add_email(email, email_is_verified);
    }
    // A phone number signs in with Firebase, by a code that it gets: there are no unverified ones.
    if let Some(phone) = members.text("phoneNumber") {
        user.add_phone(phone, true);
    }
    user.disabled = members.flag("disabled").unwrap_or(false);
    user.creation_time = members.time("createdAt", Unit::Milliseconds);
    user.last_sign_in_success = members.time("lastSignedInAt", Unit::Milliseconds);
    user.claim("name", members.text("displayName"));
    user.claim("picture", members.text("photoUrl"));
    user.external_providers = providers(members);
    if !user.is_named() && user.external_providers.is_empty() {
        return Err(NotCarried::Anonymous);
    }
    // A text: the claims that the project's own programs have set.
    if let Some(claims) = members.object("customAttributes") {
        members.put_object("customAttributes", claims);
    }
    let salt = members.text("salt").unwrap_or_default();
    let hash = members.text("passwordHash");
    user.hash = hash.map(|hash| parameters.hash(&salt, &hash));
    Ok(user)
}

fn providers(members: &mut Members) -> Vec<Provider> {
    let is_own = |account: &Account| matches!(account.provider.as_str(), "password" | "phone");
    take_providers(members, "providerUserInfo", is_own, |account| {
        let mut claims = Members::default();
        for (member, claim) in [
            ("email", "email"),
            ("displayName", "name"),
            ("photoUrl", "picture"),
        ] {
            if let Some(text) = account.text(member) {
                claims.put(claim, &text);
            }
        }
        Account {
            provider: account.text("providerId").unwrap_or_default(),
            id: account.text("rawId"),
            claims,
        }
    })
}

//! The members of a request that give a user a password.

use domain::password::{NewPassword, PasswordHash, Policy};
use roster_http::{App, Problem};
use secrecy::{ExposeSecret as _, SecretString};

/// A password, or its hash, as a request has it. Calls differ in the members' names.
#[derive(Debug)]
pub(crate) struct GivenPassword {
    /// The names of the members for the password and for its hash.
    pub(crate) names: [&'static str; 2],
    pub(crate) password: Option<SecretString>,
    pub(crate) hash: Option<SecretString>,
    /// The hash's algorithm; when given, the hash must be of it.
    pub(crate) algorithm: Option<String>,
    pub(crate) skips_policy: bool,
}

impl GivenPassword {
    /// The new password, if there is one.
    pub(crate) fn at_most_one(self, app: &App) -> Result<Option<NewPassword>, Problem> {
        let [password_name, hash_name] = self.names;
        match (self.password, self.hash) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Problem::invalid(
                hash_name,
                format!("must not be given together with {password_name}"),
            )),
            (None, Some(hash)) => {
                let hash = PasswordHash::parse(hash.expose_secret(), self.algorithm.as_deref());
                let hash = hash.map_err(|error| error.about(hash_name))?;
                Ok(Some(NewPassword::hashed(hash)))
            }
            (Some(text), None) => {
                let policy = if self.skips_policy {
                    Policy::Skipped
                } else {
                    Policy::Checked
                };
                let salt = app.entropy.bytes();
                Ok(Some(NewPassword::typed(text, policy, salt)))
            }
        }
    }

    /// The new password, which must be there.
    pub(crate) fn exactly_one(self, app: &App) -> Result<NewPassword, Problem> {
        let [password_name, hash_name] = self.names;
        let missing = || {
            let message = format!("is required, or {hash_name}");
            Problem::invalid(password_name, message)
        };
        self.at_most_one(app)?.ok_or_else(missing)
    }
}

/// Whether a password must be changed at the next sign-in. Where the request doesn't say so, a password
/// is temporary and a hash is not.
pub(crate) fn is_temporary(asked: Option<bool>, new: &NewPassword, app: &App) -> bool {
    asked.unwrap_or(new.is_typed() && !app.account.passwords_last)
}

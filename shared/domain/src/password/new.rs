//! The new password that a call sets, and the old one that it asks for.

use std::sync::OnceLock;

use secrecy::{ExposeSecret as _, SecretString};

use super::{OwnNames, Password, PasswordHash, Policy, verify};
use crate::{Code, IdentityError, User};

/// A password to be set: as it was typed, or as a hash that was made elsewhere.
///
/// A change is tried again when other writes were in its way, and the user may have other names by
/// then. So each try asks the policy, and the first one hashes the password for all.
#[derive(Debug)]
pub struct NewPassword(Given);

#[derive(Debug)]
enum Given {
    Typed {
        text: SecretString,
        policy: Policy,
        salt: [u8; 16],
        hash: OnceLock<PasswordHash>,
    },
    Hash(PasswordHash),
}

impl NewPassword {
    /// A password as it was typed.
    pub const fn typed(text: SecretString, policy: Policy, salt: [u8; 16]) -> Self {
        Self(Given::Typed {
            text,
            policy,
            salt,
            hash: OnceLock::new(),
        })
    }

    /// The hash of a password that the directory never sees.
    pub const fn hashed(hash: PasswordHash) -> Self {
        Self(Given::Hash(hash))
    }

    /// Whether it came as it was typed.
    pub const fn is_typed(&self) -> bool {
        matches!(self.0, Given::Typed { .. })
    }

    /// The hash to be kept, of a user with these names. No policy is asked about a hash.
    pub fn hash(&self, names: &OwnNames) -> Result<PasswordHash, IdentityError> {
        match &self.0 {
            Given::Hash(hash) => Ok(hash.clone()),
            Given::Typed {
                text,
                policy,
                salt,
                hash,
            } => {
                let password = Password::parse(text.expose_secret(), *policy, names)?;
                Ok(hash.get_or_init(|| password.hash(*salt)).clone())
            }
        }
    }
}

/// The present password, as a call has it that changes it.
#[derive(Debug)]
pub struct OldPassword {
    typed: SecretString,
    /// The hash that it was right for: it is verified once, unless another hash takes its place.
    right_for: OnceLock<PasswordHash>,
}

impl OldPassword {
    /// The password as it was typed.
    pub const fn typed(text: SecretString) -> Self {
        Self {
            typed: text,
            right_for: OnceLock::new(),
        }
    }

    /// Refuses it unless it is the user's. That takes the same time where the user has none.
    pub fn check(&self, user: &User) -> Result<(), IdentityError> {
        let stored = user.password_hash();
        if stored.is_some() && self.right_for.get() == stored {
            return Ok(());
        }
        if !verify(&self.typed, stored).is_right {
            return Err(IdentityError::new(
                Code::PasswordMismatch,
                "The old password is not right.",
            ));
        }
        if let Some(hash) = stored {
            let _ = self.right_for.set(hash.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::argon2id::RUNS;
    use crate::sample;

    const SALT: [u8; 16] = [7; 16];

    fn nameless() -> OwnNames {
        OwnNames::new(None, [])
    }

    fn with_hash(hash: Option<PasswordHash>) -> User {
        sample::changed(sample::person().user, |user| {
            user.credential.as_mut().unwrap().hash = hash;
        })
    }

    #[test]
    fn a_password_is_hashed_once_and_its_policy_asked_each_time() {
        let typed = NewPassword::typed("ada lovelace".into(), Policy::Checked, SALT);
        RUNS.take();
        let first = typed.hash(&nameless()).unwrap();
        assert_eq!(typed.hash(&nameless()), Ok(first));
        assert_eq!(RUNS.take().len(), 1);
        let name = crate::Email::parse("ada@example.org").unwrap();
        let short = NewPassword::typed("ada@example.org".into(), Policy::Checked, SALT);
        assert!(short.hash(&nameless()).is_ok());
        let refused = short.hash(&OwnNames::new(None, [&name])).unwrap_err();
        assert_eq!(refused.code, Code::PasswordTooCommon);
    }

    #[test]
    fn a_hash_is_kept_as_it_came() {
        let hash = PasswordHash::restore("$2b$04$x".to_owned());
        let new = NewPassword::hashed(hash.clone());
        assert!(!new.is_typed());
        assert_eq!(new.hash(&nameless()), Ok(hash));
    }

    #[test]
    fn an_old_password_is_verified_once_for_each_hash() {
        let user = sample::person().user;
        let old = OldPassword::typed(sample::PASSWORD.into());
        RUNS.take();
        for _ in 0..2 {
            assert_eq!(old.check(&user), Ok(()));
        }
        assert_eq!(RUNS.take().len(), 1);
        let same = NewPassword::typed(sample::PASSWORD.into(), Policy::Checked, SALT);
        let upgraded = with_hash(same.hash(&nameless()).ok());
        assert_eq!(old.check(&upgraded), Ok(()));
        let other = NewPassword::typed("another password".into(), Policy::Checked, SALT);
        let replaced = with_hash(other.hash(&nameless()).ok());
        let refused = old.check(&replaced).unwrap_err();
        assert_eq!(
            (refused.code, refused.field),
            (Code::PasswordMismatch, Some("old_password"))
        );
    }

    #[test]
    fn no_password_is_refused_in_the_time_of_a_wrong_one() {
        let wrong = || OldPassword::typed("wrong".into());
        let without = sample::changed(sample::person().user, |user| user.credential = None);
        let run = |user: &User| {
            RUNS.take();
            assert!(wrong().check(user).is_err());
            RUNS.take()
        };
        let own = run(&sample::person().user);
        assert_eq!(own.len(), 1);
        assert_eq!(run(&without), own);
        // An import may tell of a password without its hash.
        assert_eq!(run(&with_hash(None)), own);
    }
}

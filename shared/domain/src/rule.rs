//! Changes of a single item, as data.
//!
//! A rule says what must hold, what is set, and which error each unmet condition means. The store
//! makes one conditional `UpdateItem` of it, without a read; [`Rule::decide`] and [`Rule::apply`]
//! do the same to a user in memory. A property test holds the two together.

use crate::user::{Source, Tenure};
use crate::{Code, IdentifierId, IdentityError, Refusal, User};

/// Something that is true of a user or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `disabled` has this value.
    Disabled(bool),
    /// The sessions were ended since the user was disabled.
    SessionsRevoked,
    /// No failed sign-ins and no lock-out.
    Unblocked,
    /// The address is on the profile.
    EmailExists(IdentifierId),
    /// The address is on the profile, and `verified` has this value.
    EmailVerified(IdentifierId, bool),
    /// The address is the primary one, or isn't.
    EmailPrimary(IdentifierId, bool),
    /// The primary address became the primary one by the management API, an import or sign-up.
    PrimaryEmailManaged,
}

/// What is set when the conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Sets `disabled`.
    Disabled(bool),
    /// Sets whether the sessions were ended since the user was disabled.
    SessionsRevoked(bool),
    /// Ends all sessions.
    NextSessionEpoch,
    /// Forgets failed sign-ins and lifts the lock-out.
    Unblock,
    /// Makes the address the primary one, and ends the rights of all others to undo.
    PrimaryEmail(IdentifierId),
    /// Makes the address the primary one unless there is one.
    PrimaryEmailIfNone(IdentifierId),
    /// Marks the address as proved by the source, or as not proved, which ends its rights to undo.
    EmailVerification(IdentifierId, Option<Source>),
    /// Makes older links inert.
    NextEmailGeneration,
}

/// One change of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What must hold, each with its error; the first unmet one is the answer.
    pub requires: Vec<(Condition, Refusal)>,
    /// When all of these hold, the effect already does, and nothing changes.
    pub done_when: Vec<Condition>,
    /// What is set otherwise. Version, time and operation are stamped with it.
    pub effects: Vec<Effect>,
}

/// What a rule makes of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The effects are due.
    Apply,
    /// The effect already holds.
    AlreadyDone,
}

/// `POST …/enable`.
pub fn enable() -> Rule {
    Rule {
        requires: vec![],
        done_when: vec![Condition::Disabled(false)],
        effects: vec![Effect::Disabled(false), Effect::SessionsRevoked(false)],
    }
}

/// `POST …/disable`; with `revoke_sessions` all sessions end in the same write.
pub fn disable(revoke_sessions: bool) -> Rule {
    let mut rule = Rule {
        requires: vec![],
        done_when: vec![Condition::Disabled(true)],
        effects: vec![Effect::Disabled(true)],
    };
    if revoke_sessions {
        rule.done_when.push(Condition::SessionsRevoked);
        rule.effects.push(Effect::SessionsRevoked(true));
        rule.effects.push(Effect::NextSessionEpoch);
    }
    rule
}

/// `POST …/unblock`.
pub fn unblock() -> Rule {
    Rule {
        requires: vec![],
        done_when: vec![Condition::Unblocked],
        effects: vec![Effect::Unblock],
    }
}

/// `POST …/emails/{id}/primary`. It is due, too, when the person made the same address the primary
/// one: from then on the management API vouches for it.
pub fn set_primary_email(id: IdentifierId) -> Rule {
    Rule {
        requires: vec![
            email_exists(id),
            (
                Condition::EmailVerified(id, true),
                IdentityError::new(
                    Code::EmailNotVerified,
                    "Only a verified e-mail address can be the primary one.",
                )
                .into(),
            ),
        ],
        done_when: vec![
            Condition::EmailPrimary(id, true),
            Condition::PrimaryEmailManaged,
        ],
        effects: vec![Effect::PrimaryEmail(id), Effect::NextEmailGeneration],
    }
}

/// `POST …/emails/{id}/verify`: the address becomes primary, too, when there is none.
pub fn verify_email(id: IdentifierId, source: Source) -> Rule {
    Rule {
        requires: vec![email_exists(id)],
        done_when: vec![Condition::EmailVerified(id, true)],
        effects: vec![
            Effect::EmailVerification(id, Some(source)),
            Effect::PrimaryEmailIfNone(id),
            Effect::NextEmailGeneration,
        ],
    }
}

/// `POST …/emails/{id}/unverify`.
pub fn unverify_email(id: IdentifierId) -> Rule {
    Rule {
        requires: vec![
            email_exists(id),
            (
                Condition::EmailPrimary(id, false),
                IdentityError::new(
                    Code::PrimaryIdentifier,
                    "The primary e-mail address can't be marked as not verified.",
                )
                .into(),
            ),
        ],
        done_when: vec![Condition::EmailVerified(id, false)],
        effects: vec![
            Effect::EmailVerification(id, None),
            Effect::NextEmailGeneration,
        ],
    }
}

fn email_exists(id: IdentifierId) -> (Condition, Refusal) {
    (Condition::EmailExists(id), Refusal::NotFound("e-mail"))
}

impl Condition {
    /// Whether the condition is true of `user`.
    pub fn holds(self, user: &User) -> bool {
        match self {
            Self::Disabled(value) => user.disabled == value,
            Self::SessionsRevoked => user.sessions_revoked,
            Self::Unblocked => user.sign_ins.failures == 0 && user.sign_ins.block_until.is_none(),
            Self::EmailExists(id) => user.emails.contains_key(&id),
            Self::EmailVerified(id, value) => user
                .emails
                .get(&id)
                .is_some_and(|email| email.verified == value),
            Self::EmailPrimary(id, value) => (user.primary_email == Some(id)) == value,
            Self::PrimaryEmailManaged => user.primary_email_tenure == Tenure::Managed,
        }
    }
}

impl Effect {
    fn apply(&self, user: &mut User) {
        match self {
            Self::Disabled(value) => user.disabled = *value,
            Self::SessionsRevoked(value) => user.sessions_revoked = *value,
            Self::NextSessionEpoch => user.session_epoch += 1,
            Self::Unblock => {
                user.sign_ins.failures = 0;
                user.sign_ins.block_until = None;
            }
            Self::PrimaryEmail(id) => {
                user.primary_email = Some(*id);
                user.primary_email_tenure = Tenure::Managed;
                user.primary_emails_set += 1;
                if let Some(email) = user.emails.get_mut(id) {
                    email.set_primary += 1;
                }
            }
            Self::PrimaryEmailIfNone(id) => {
                user.primary_email.get_or_insert(*id);
            }
            Self::EmailVerification(id, source) => {
                if let Some(email) = user.emails.get_mut(id) {
                    email.verified = source.is_some();
                    email.verification_source.clone_from(source);
                    email.unverified += u64::from(source.is_none());
                }
            }
            Self::NextEmailGeneration => user.email_generation += 1,
        }
    }
}

impl Rule {
    /// What the rule makes of `user`: the first unmet requirement's error, or what is due.
    pub fn decide(&self, user: &User) -> Result<Decision, Refusal> {
        if let Some((_, refusal)) = self.requires.iter().find(|(c, _)| !c.holds(user)) {
            return Err(refusal.clone());
        }
        if self.done_when.iter().all(|c| c.holds(user)) {
            return Ok(Decision::AlreadyDone);
        }
        Ok(Decision::Apply)
    }

    /// Does to `user` what the store does to the item, the stamp aside.
    pub fn apply(&self, user: &mut User) -> Result<Decision, Refusal> {
        let decision = self.decide(user)?;
        if decision == Decision::Apply {
            for effect in &self.effects {
                effect.apply(user);
            }
        }
        Ok(decision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, sample};

    fn only_email(user: &User) -> IdentifierId {
        *user.emails.keys().next().unwrap()
    }

    #[test]
    fn a_repeat_is_already_done() {
        let mut user = sample::published();
        let id = only_email(&user);
        user.sign_ins.block_until = Some(Timestamp::from_unix(1));
        for rule in [enable(), disable(true), unblock(), set_primary_email(id)] {
            assert_eq!(rule.apply(&mut user), Ok(Decision::Apply), "{rule:?}");
            let once = user.clone();
            assert_eq!(rule.apply(&mut user), Ok(Decision::AlreadyDone), "{rule:?}");
            assert_eq!(user, once);
        }
    }

    #[test]
    fn revoking_the_sessions_of_a_disabled_user_is_due_once() {
        let mut user = sample::published();
        user.disabled = true;
        assert_eq!(disable(false).decide(&user), Ok(Decision::AlreadyDone));
        assert_eq!(disable(true).apply(&mut user), Ok(Decision::Apply));
        assert_eq!(disable(true).decide(&user), Ok(Decision::AlreadyDone));
        enable().apply(&mut user).unwrap();
        assert_eq!(disable(true).decide(&user), Ok(Decision::Apply));
    }

    #[test]
    fn an_unverified_address_is_never_primary() {
        let mut user = sample::published();
        let id = only_email(&user);
        unverify_email(id).apply(&mut user).unwrap();
        let Err(Refusal::Rules(errors)) = set_primary_email(id).apply(&mut user) else {
            panic!("an unverified address became primary");
        };
        assert_eq!(errors[0].code, Code::EmailNotVerified);
        verify_email(id, Source::API).apply(&mut user).unwrap();
        assert_eq!(user.primary_email, Some(id));
        let Err(Refusal::Rules(errors)) = unverify_email(id).apply(&mut user) else {
            panic!("the primary address was marked as not verified");
        };
        assert_eq!(errors[0].code, Code::PrimaryIdentifier);
    }

    #[test]
    fn an_unknown_address_is_not_found() {
        let mut user = sample::published();
        let unknown = IdentifierId::issue(Timestamp::from_unix(1), [9; 10]);
        for rule in [
            set_primary_email(unknown),
            verify_email(unknown, Source::API),
            unverify_email(unknown),
        ] {
            assert_eq!(rule.apply(&mut user), Err(Refusal::NotFound("e-mail")));
        }
    }
}

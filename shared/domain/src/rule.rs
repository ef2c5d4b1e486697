//! Changes of a single item, as data.
//!
//! A rule says what must hold, what is set, and which error each unmet condition means. The store
//! makes one conditional `UpdateItem` of it, without a read; [`Rule::decide`] and [`Rule::apply`]
//! do the same to a user in memory. A property test holds the two together.

use crate::address::{AddressKind, Tenure};
use crate::user::Source;
use crate::{IdentifierId, Refusal, User};

/// A statement about a user that is true or false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `disabled` has this value.
    Disabled(bool),
    /// The sessions were ended, and the user could not sign in since.
    SessionsRevoked,
    /// No failed sign-ins and no lock-out.
    Unblocked,
    /// The user has a password.
    HasPassword,
    /// The user has a password, and whether it must be changed has this value.
    PasswordResetForced(bool),
    /// The user has the address.
    AddressExists(AddressKind, IdentifierId),
    /// The user has the address, and `verified` has this value.
    AddressVerified(AddressKind, IdentifierId, bool),
    /// The address is the primary one of its kind, or isn't.
    AddressPrimary(AddressKind, IdentifierId, Primacy),
}

/// Whether an address is the primary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primacy {
    /// It is not the primary one.
    No,
    /// It is, and the management API, an import or sign-up made it that.
    Managed,
}

/// What is set when the conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Sets `disabled`.
    Disabled(bool),
    /// Sets whether the sessions were ended, and the user could not sign in since.
    SessionsRevoked(bool),
    /// Ends all sessions.
    NextSessionEpoch,
    /// Forgets failed sign-ins and lifts the lock-out.
    Unblock,
    /// Sets whether the password must be changed at the next sign-in.
    ForcePasswordReset(bool),
    /// Makes the address the primary one of its kind.
    Primary(AddressKind, IdentifierId),
    /// Makes the address the primary one of its kind unless there is one.
    PrimaryIfNone(AddressKind, IdentifierId),
    /// Marks the address as proved by the source, or as not proved.
    Verification(AddressKind, IdentifierId, Option<Source>),
    /// Ends the rights of all other e-mail addresses to undo.
    EndRightsOfOthers(IdentifierId),
    /// Ends the rights of the e-mail address to undo.
    EndRightsOf(IdentifierId),
    /// Makes older links inert.
    NextEmailGeneration,
}

/// One change of one user.
///
/// ```
/// use domain::rule::{self, Decision};
/// use domain::{AddressKind, Code, Refusal, sample};
///
/// let mut user = sample::published();
/// let id = user.emails().ids().next().expect("the sample has an address");
/// let rule = rule::set_primary(AddressKind::Email, id);
/// assert_eq!(rule.apply(&mut user), Ok(Decision::Apply));
/// assert!(user.emails().is_primary(id));
/// assert_eq!(rule.apply(&mut user), Ok(Decision::AlreadyDone));
///
/// let refused = rule::unverify(AddressKind::Email, id).apply(&mut user);
/// assert!(matches!(refused, Err(Refusal::Rules(errors)) if errors[0].code == Code::PrimaryIdentifier));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What must hold, each with its error. The first one that does not hold gives the answer.
    pub requires: Vec<(Condition, Refusal)>,
    /// When all of these hold, the effect has happened already, and nothing changes.
    pub done_when: Vec<Condition>,
    /// What is set otherwise. Version, time and operation are written with it.
    pub effects: Vec<Effect>,
}

/// What a rule means for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The effects have to be applied.
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
        rule.revoke_sessions();
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

/// `POST …/password/force_reset`: a right password is no longer enough to sign in; with
/// `revoke_sessions` all sessions end in the same write.
pub fn force_password_reset(revoke_sessions: bool) -> Rule {
    let mut rule = Rule {
        requires: vec![(Condition::HasPassword, Refusal::NoPassword)],
        done_when: vec![Condition::PasswordResetForced(true)],
        effects: vec![Effect::ForcePasswordReset(true)],
    };
    if revoke_sessions {
        rule.revoke_sessions();
    }
    rule
}

/// `DELETE …/password/force_reset`: the user may sign in with the present password again.
pub fn cancel_forced_password_reset() -> Rule {
    Rule {
        requires: vec![(Condition::HasPassword, Refusal::NoPassword)],
        done_when: vec![Condition::PasswordResetForced(false)],
        effects: vec![
            Effect::ForcePasswordReset(false),
            Effect::SessionsRevoked(false),
        ],
    }
}

/// `POST …/primary` of an address. It has an effect also when the person made the same address the
/// primary one: from then on the management API vouches for it.
pub fn set_primary(kind: AddressKind, id: IdentifierId) -> Rule {
    let mut rule = Rule {
        requires: vec![
            exists(kind, id),
            (
                Condition::AddressVerified(kind, id, true),
                kind.not_verified().into(),
            ),
        ],
        done_when: vec![Condition::AddressPrimary(kind, id, Primacy::Managed)],
        effects: vec![Effect::Primary(kind, id), Effect::NextEmailGeneration],
    };
    if kind == AddressKind::Email {
        rule.effects.push(Effect::EndRightsOfOthers(id));
    }
    rule
}

/// `POST …/verify` of an address: it becomes the primary one, too, when there is none.
pub fn verify(kind: AddressKind, id: IdentifierId, source: Source) -> Rule {
    Rule {
        requires: vec![exists(kind, id)],
        done_when: vec![Condition::AddressVerified(kind, id, true)],
        effects: vec![
            Effect::Verification(kind, id, Some(source)),
            Effect::PrimaryIfNone(kind, id),
            Effect::NextEmailGeneration,
        ],
    }
}

/// `POST …/unverify` of an address.
pub fn unverify(kind: AddressKind, id: IdentifierId) -> Rule {
    let mut rule = Rule {
        requires: vec![
            exists(kind, id),
            (
                Condition::AddressPrimary(kind, id, Primacy::No),
                kind.primary_stays_verified().into(),
            ),
        ],
        done_when: vec![Condition::AddressVerified(kind, id, false)],
        effects: vec![
            Effect::Verification(kind, id, None),
            Effect::NextEmailGeneration,
        ],
    };
    if kind == AddressKind::Email {
        rule.effects.push(Effect::EndRightsOf(id));
    }
    rule
}

fn exists(kind: AddressKind, id: IdentifierId) -> (Condition, Refusal) {
    let condition = Condition::AddressExists(kind, id);
    (condition, Refusal::NotFound(kind.into()))
}

impl Condition {
    /// Whether the condition is true for `user`.
    pub fn holds(self, user: &User) -> bool {
        match self {
            Self::Disabled(value) => user.is_disabled() == value,
            Self::SessionsRevoked => user.sessions_are_revoked(),
            Self::Unblocked => {
                let sign_ins = user.sign_ins();
                sign_ins.failures == 0 && sign_ins.block_until.is_none()
            }
            Self::HasPassword => user.credential().is_some(),
            Self::PasswordResetForced(value) => user
                .credential()
                .is_some_and(|credential| credential.force_reset == value),
            Self::AddressExists(kind, id) => user.is_verified(kind, id).is_some(),
            Self::AddressVerified(kind, id, value) => user.is_verified(kind, id) == Some(value),
            Self::AddressPrimary(kind, id, wanted) => {
                let primary = user.primary(kind).filter(|primary| primary.id == id);
                match wanted {
                    Primacy::No => primary.is_none(),
                    Primacy::Managed => {
                        primary.is_some_and(|primary| primary.tenure == Tenure::Managed)
                    }
                }
            }
        }
    }
}

impl Effect {
    fn apply(&self, user: &mut User) {
        match self {
            Self::Disabled(value) => user.set_disabled(*value),
            Self::SessionsRevoked(value) => user.set_sessions_revoked(*value),
            Self::NextSessionEpoch => user.end_sessions(),
            Self::Unblock => user.unblock(),
            Self::ForcePasswordReset(value) => user.set_password_reset_forced(*value),
            Self::Primary(kind, id) => user.set_primary(*kind, *id),
            Self::PrimaryIfNone(kind, id) => user.set_primary_if_none(*kind, *id),
            Self::Verification(kind, id, source) => {
                user.set_verification(*kind, *id, source.as_ref());
            }
            Self::EndRightsOfOthers(id) => user.end_rights_of_others(*id),
            Self::EndRightsOf(id) => user.end_rights_of(*id),
            Self::NextEmailGeneration => user.end_links(),
        }
    }
}

impl Rule {
    /// Ends all sessions with it, also of a user to whom the rest was done before.
    fn revoke_sessions(&mut self) {
        self.done_when.push(Condition::SessionsRevoked);
        self.effects.push(Effect::SessionsRevoked(true));
        self.effects.push(Effect::NextSessionEpoch);
    }

    /// What the rule means for `user`: the error of the first requirement that does not hold, or
    /// whether the effects have to be applied.
    pub fn decide(&self, user: &User) -> Result<Decision, Refusal> {
        if let Some((_, refusal)) = self.requires.iter().find(|(c, _)| !c.holds(user)) {
            return Err(refusal.clone());
        }
        if self.done_when.iter().all(|c| c.holds(user)) {
            return Ok(Decision::AlreadyDone);
        }
        Ok(Decision::Apply)
    }

    /// Changes `user` as the store changes the item. Version, time and operation are not written here.
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
    use crate::{Code, Part, Timestamp, sample};

    const EMAIL: AddressKind = AddressKind::Email;

    fn only_email(user: &User) -> IdentifierId {
        user.emails().ids().next().unwrap()
    }

    #[test]
    fn a_repeat_is_already_done() {
        let mut user = sample::changed(sample::published(), |user| {
            user.sign_ins.block_until = Some(Timestamp::from_unix(1));
        });
        let id = only_email(&user);
        for rule in [
            enable(),
            disable(true),
            unblock(),
            force_password_reset(true),
            cancel_forced_password_reset(),
            set_primary(EMAIL, id),
        ] {
            assert_eq!(rule.apply(&mut user), Ok(Decision::Apply), "{rule:?}");
            let once = user.clone();
            assert_eq!(rule.apply(&mut user), Ok(Decision::AlreadyDone), "{rule:?}");
            assert_eq!(user, once);
        }
    }

    #[test]
    fn revoking_the_sessions_of_a_disabled_user_is_due_once() {
        let mut user = sample::published();
        assert!(user.is_disabled());
        assert_eq!(disable(false).decide(&user), Ok(Decision::AlreadyDone));
        assert_eq!(disable(true).apply(&mut user), Ok(Decision::Apply));
        assert_eq!(disable(true).decide(&user), Ok(Decision::AlreadyDone));
        enable().apply(&mut user).unwrap();
        assert_eq!(disable(true).decide(&user), Ok(Decision::Apply));
    }

    #[test]
    fn revoking_the_sessions_of_a_user_who_must_change_the_password_is_due_once() {
        let mut user = sample::changed(sample::published(), |user| user.disabled = false);
        let first = user.session_epoch();
        force_password_reset(false).apply(&mut user).unwrap();
        assert_eq!(user.session_epoch(), first);
        for decision in [Decision::Apply, Decision::AlreadyDone] {
            assert_eq!(force_password_reset(true).apply(&mut user), Ok(decision));
            assert_eq!(user.session_epoch(), first.next());
        }
        // From here on there may be new sessions.
        cancel_forced_password_reset().apply(&mut user).unwrap();
        let disabled = disable(true).apply(&mut user);
        assert_eq!(disabled, Ok(Decision::Apply));
        assert_eq!(user.session_epoch(), first.next().next());
    }

    #[test]
    fn a_user_without_a_password_has_none_to_change() {
        let mut user = sample::changed(sample::published(), |user| user.credential = None);
        for rule in [force_password_reset(true), cancel_forced_password_reset()] {
            assert_eq!(rule.apply(&mut user), Err(Refusal::NoPassword));
        }
    }

    #[test]
    fn an_unverified_address_is_never_primary() {
        let mut user = sample::published();
        let id = only_email(&user);
        unverify(EMAIL, id).apply(&mut user).unwrap();
        let Err(Refusal::Rules(errors)) = set_primary(EMAIL, id).apply(&mut user) else {
            panic!("an unverified address became primary");
        };
        assert_eq!(errors[0].code, Code::EmailNotVerified);
        verify(EMAIL, id, Source::API).apply(&mut user).unwrap();
        assert!(user.emails().is_primary(id));
        let Err(Refusal::Rules(errors)) = unverify(EMAIL, id).apply(&mut user) else {
            panic!("the primary address was marked as not verified");
        };
        assert_eq!(errors[0].code, Code::PrimaryIdentifier);
    }

    #[test]
    fn rules_about_phone_numbers_are_the_same_and_leave_rights_to_undo_as_they_are() {
        const PHONE: AddressKind = AddressKind::Phone;
        let mut user = sample::published();
        let id = user.phones().ids().next().unwrap();
        let (generation, set) = (user.email_generation(), user.facts().primary_emails_set);
        for rule in [set_primary(PHONE, id), verify(PHONE, id, Source::API)] {
            rule.apply(&mut user).unwrap();
            assert_eq!(rule.decide(&user), Ok(Decision::AlreadyDone));
        }
        assert!(user.phones().is_primary(id));
        assert!(unverify(PHONE, id).apply(&mut user).is_err());
        assert_eq!(user.facts().primary_emails_set, set);
        // One was due: the number is verified already.
        assert_eq!(user.email_generation(), generation.next());
        assert_eq!(user.phones().get(id).unwrap().set_primary, 0);
        let unknown = IdentifierId::issue(Timestamp::from_unix(1), [9; 10]);
        assert_eq!(
            verify(PHONE, unknown, Source::API).apply(&mut user),
            Err(Refusal::NotFound(Part::Phone))
        );
    }

    #[test]
    fn an_unknown_address_is_not_found() {
        let mut user = sample::published();
        let unknown = IdentifierId::issue(Timestamp::from_unix(1), [9; 10]);
        for rule in [
            set_primary(EMAIL, unknown),
            verify(EMAIL, unknown, Source::API),
            unverify(EMAIL, unknown),
        ] {
            assert_eq!(rule.apply(&mut user), Err(Refusal::NotFound(Part::Email)));
        }
    }
}

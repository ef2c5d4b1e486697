//! A domain rule as one conditional `UpdateItem`.

use domain::rule::{Condition, Effect, Primacy};
use domain::{OperationId, Rule, Timestamp};

use crate::expression::{Placeholders, Update};
use crate::user;
use crate::users::Precondition;

/// What the write needs of the rule.
pub(crate) struct RuleExpressions {
    pub(crate) placeholders: Placeholders,
    pub(crate) condition: String,
    pub(crate) update: Update,
}

/// The condition is true of exactly those users for whom the rule's effects are due and the
/// operation is new; it is false of a user who isn't there, whom an update would bring back.
pub(crate) fn expressions(
    rule: &Rule,
    precondition: &Precondition,
    operation: &OperationId,
    now: Timestamp,
) -> RuleExpressions {
    let mut p = Placeholders::default();
    let mut conditions = vec![format!("attribute_exists({})", p.path(&["PK"]))];
    let (operations, id) = (p.path(&[user::OPERATIONS]), p.text(operation.as_str()));
    conditions.push(format!("NOT contains({operations}, {id})"));
    conditions.extend(precondition.condition(&mut p));
    for (condition, _) in &rule.requires {
        conditions.push(condition_text(*condition, &mut p));
    }
    let done: Vec<String> = rule
        .done_when
        .iter()
        .map(|condition| condition_text(*condition, &mut p))
        .collect();
    conditions.push(format!("NOT ({})", done.join(" AND ")));

    let mut update = Update::default();
    for effect in &rule.effects {
        effect_text(effect, &mut p, &mut update);
    }
    update.increment("version", &mut p);
    update.set(&p.path(&["last_updated"]), &p.number(now.as_unix()));
    user::push_operation(&operations, &id, &mut update);
    RuleExpressions {
        condition: conditions.join(" AND "),
        update,
        placeholders: p,
    }
}

fn condition_text(condition: Condition, p: &mut Placeholders) -> String {
    match condition {
        Condition::Disabled(value) => {
            format!("{} = {}", p.path(&["disabled"]), p.truth(value))
        }
        Condition::SessionsRevoked => {
            format!("{} = {}", p.path(&["sessions_revoked"]), p.truth(true))
        }
        Condition::Unblocked => format!(
            "{} = {} AND attribute_not_exists({})",
            p.path(&["failure_count"]),
            p.number(0),
            p.path(&["block_until"]),
        ),
        Condition::AddressExists(kind, id) => {
            let path = p.path(&[user::attributes(kind).all, &id.to_string()]);
            format!("attribute_exists({path})")
        }
        Condition::AddressVerified(kind, id, value) => format!(
            "{} = {}",
            p.path(&[user::attributes(kind).all, &id.to_string(), "verified"]),
            p.truth(value),
        ),
        Condition::AddressPrimary(kind, id, primacy) => {
            let attributes = user::attributes(kind);
            let (path, id) = (p.path(&[attributes.primary]), p.text(id));
            match primacy {
                Primacy::No => format!("(attribute_not_exists({path}) OR {path} <> {id})"),
                Primacy::Managed => format!(
                    "{path} = {id} AND attribute_not_exists({})",
                    p.path(&[attributes.since]),
                ),
            }
        }
    }
}

fn effect_text(effect: &Effect, p: &mut Placeholders, update: &mut Update) {
    match effect {
        Effect::Disabled(value) => update.set(&p.path(&["disabled"]), &p.truth(*value)),
        Effect::SessionsRevoked(value) => {
            update.set(&p.path(&["sessions_revoked"]), &p.truth(*value));
        }
        Effect::NextSessionEpoch => update.increment("session_epoch", p),
        Effect::Unblock => {
            update.set(&p.path(&["failure_count"]), &p.number(0));
            update.remove(p.path(&["block_until"]));
        }
        Effect::Primary(kind, id) => {
            let attributes = user::attributes(*kind);
            update.set(&p.path(&[attributes.primary]), &p.text(id));
            update.remove(p.path(&[attributes.since]));
        }
        Effect::PrimaryIfNone(kind, id) => {
            let (path, id) = (p.path(&[user::attributes(*kind).primary]), p.text(id));
            update.set(&path, &format!("if_not_exists({path}, {id})"));
        }
        Effect::Verification(kind, id, source) => {
            let (all, id) = (user::attributes(*kind).all, id.to_string());
            let verified = p.path(&[all, &id, "verified"]);
            let verification_source = p.path(&[all, &id, "verification_source"]);
            update.set(&verified, &p.truth(source.is_some()));
            match source {
                Some(source) => update.set(&verification_source, &p.text(source.as_str())),
                None => update.remove(verification_source),
            }
        }
        Effect::EndRightsOfOthers(id) => {
            update.count(&["primary_emails_set"], p);
            update.count(&["emails", &id.to_string(), "set_primary"], p);
        }
        Effect::EndRightsOf(id) => update.count(&["emails", &id.to_string(), "unverified"], p),
        Effect::NextEmailGeneration => update.increment("email_generation", p),
    }
}

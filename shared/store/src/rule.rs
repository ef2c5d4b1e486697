//! Writes a domain rule as one conditional `UpdateItem`.

use domain::rule::{Condition, Effect, Primacy};
use domain::{OperationId, Rule, UserId};

use crate::StoreError;
use crate::item::log::{self, Move};
use crate::item::user::{self, attributes};
use crate::table::{Update, number, text, truth};
use crate::write::Write;

/// The update for a rule. Its condition is true exactly where the rule's effects have to be applied and
/// the operation is new. It is false where there is no user, because an update would make the item.
pub(crate) fn update(id: &UserId, rule: &Rule, write: &Write) -> Result<Update, StoreError> {
    let mut update = log::update(id, Move::Change, write)?;
    require_new(&mut update, &write.operation);
    write.precondition.require(&mut update);
    for (condition, _) in &rule.requires {
        let condition = condition_text(*condition, &mut update);
        update.require(condition);
    }
    let done: Vec<String> = rule
        .done_when
        .iter()
        .map(|condition| condition_text(*condition, &mut update))
        .collect();
    update.require(format!("NOT ({})", done.join(" AND ")));
    for effect in &rule.effects {
        apply(effect, &mut update);
    }
    update.set(&["last_updated"], number(write.now.as_unix()));
    user::push_operation(&mut update, &write.operation);
    Ok(update)
}

/// Requires that the operation is not one of the user's last ones.
pub(crate) fn require_new(update: &mut Update, operation: &OperationId) {
    let (operations, id) = (
        update.path(&[user::OPERATIONS]),
        update.value(text(operation.as_str())),
    );
    update.require(format!("NOT contains({operations}, {id})"));
}

/// The condition as part of an expression; an `OR` is in parentheses.
fn condition_text(condition: Condition, update: &mut Update) -> String {
    match condition {
        Condition::Disabled(value) => equal(update, &["disabled"], value),
        Condition::SessionsRevoked => equal(update, &["sessions_revoked"], true),
        Condition::Unblocked => format!(
            "{} = {} AND attribute_not_exists({})",
            update.path(&["failure_count"]),
            update.value(number(0)),
            update.path(&["block_until"]),
        ),
        Condition::HasPassword => {
            let path = update.path(&["password_updated_at"]);
            format!("attribute_exists({path})")
        }
        Condition::PasswordResetForced(value) => equal(update, &["force_password_reset"], value),
        Condition::AddressExists(kind, id) => {
            let path = update.path(&[attributes(kind).all, &id.to_string()]);
            format!("attribute_exists({path})")
        }
        Condition::AddressVerified(kind, id, value) => {
            let path = [attributes(kind).all, &id.to_string(), "verified"];
            equal(update, &path, value)
        }
        Condition::AddressPrimary(kind, id, wanted) => {
            let attributes = attributes(kind);
            let primary = update.path(&[attributes.primary]);
            let id = update.value(text(id));
            match wanted {
                Primacy::No => format!("(attribute_not_exists({primary}) OR {primary} <> {id})"),
                Primacy::Managed => format!(
                    "{primary} = {id} AND attribute_not_exists({})",
                    update.path(&[attributes.since]),
                ),
            }
        }
    }
}

fn equal(update: &mut Update, path: &[&str], value: bool) -> String {
    let (path, value) = (update.path(path), update.value(truth(value)));
    format!("{path} = {value}")
}

fn apply(effect: &Effect, update: &mut Update) {
    match effect {
        Effect::Disabled(value) => {
            update.set(&["disabled"], truth(*value));
            if *value {
                let shard = update.path(&["list_shard"]);
                update.set_to(&["disabled_shard"], &shard);
            } else {
                update.remove(&["disabled_shard"]);
            }
        }
        Effect::SessionsRevoked(value) => update.set(&["sessions_revoked"], truth(*value)),
        Effect::NextSessionEpoch => update.increment(&["session_epoch"]),
        Effect::Unblock => {
            update.set(&["failure_count"], number(0));
            update.remove(&["block_until"]);
        }
        Effect::ForcePasswordReset(value) => {
            update.set(&["force_password_reset"], truth(*value));
        }
        Effect::Primary(kind, id) => {
            let attributes = attributes(*kind);
            update.set(&[attributes.primary], text(id));
            update.remove(&[attributes.since]);
        }
        Effect::PrimaryIfNone(kind, id) => {
            update.set_if_absent(&[attributes(*kind).primary], text(id));
        }
        Effect::Verification(kind, id, source) => {
            let (all, id) = (attributes(*kind).all, id.to_string());
            update.set(&[all, &id, "verified"], truth(source.is_some()));
            let verification_source = [all, &id, "verification_source"];
            match source {
                Some(source) => update.set(&verification_source, text(source.as_str())),
                None => update.remove(&verification_source),
            }
        }
        Effect::EndRightsOfOthers(id) => {
            update.count(&["primary_emails_set"]);
            update.count(&["emails", &id.to_string(), "set_primary"]);
        }
        Effect::EndRightsOf(id) => update.count(&["emails", &id.to_string(), "unverified"]),
        Effect::NextEmailGeneration => update.increment(&["email_generation"]),
    }
}

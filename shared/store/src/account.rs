//! What hangs on a user and is read with them: pending addresses and rights to undo a change.
//!
//! Their sort keys start as the user's own, so that one `Query` brings all of it.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use domain::account::{Account, PendingEmail, UndoRight};
use domain::user::RightBase;
use domain::{ChangeId, Email, Generation, IdentifierId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::expression::Placeholders;
use crate::{Item, StoreError, Users, device, notification, user};

const PENDING_START: &str = "USER#PENDING_EMAIL#";
const RIGHT_START: &str = "USER#EMAIL_CHANGE#";

/// A pending address as it is stored.
#[derive(Serialize, Deserialize)]
struct PendingItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    shown: String,
    canonical: String,
    generation: Generation,
    expires_at: Timestamp,
}

/// A right to undo as it is stored.
#[derive(Serialize, Deserialize)]
struct RightItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    email: String,
    kept: Vec<String>,
    made_in: Generation,
    others_set_primary: u64,
    unverified: u64,
    #[serde(default)]
    is_used: bool,
    expires_at: Timestamp,
}

fn unreadable() -> StoreError {
    StoreError::unexpected("an item of the account is not readable")
}

fn identifier_id(text: &str) -> Result<IdentifierId, StoreError> {
    IdentifierId::parse(text).map_err(|_| unreadable())
}

fn pending_item(
    owner: &UserId,
    id: IdentifierId,
    pending: &PendingEmail,
) -> Result<Item, StoreError> {
    serde_dynamo::to_item(PendingItem {
        pk: user::partition_key(owner),
        sk: format!("{PENDING_START}{id}"),
        shown: pending.email.as_str().to_owned(),
        canonical: pending.email.canonical().to_owned(),
        generation: pending.generation,
        expires_at: pending.expires_at,
    })
    .map_err(StoreError::unexpected)
}

fn right_item(owner: &UserId, id: &ChangeId, right: &UndoRight) -> Result<Item, StoreError> {
    serde_dynamo::to_item(RightItem {
        pk: user::partition_key(owner),
        sk: format!("{RIGHT_START}{id}"),
        email: right.email.to_string(),
        kept: right.kept.iter().map(ToString::to_string).collect(),
        made_in: right.made_in,
        others_set_primary: right.base.others_set_primary,
        unverified: right.base.unverified,
        is_used: right.is_used,
        expires_at: right.expires_at,
    })
    .map_err(StoreError::unexpected)
}

/// The account of its items; nothing without a user: no reader trusts the rest then.
fn from_items(items: Vec<Item>) -> Result<Option<Account>, StoreError> {
    let (mut pending, mut rights, mut own) = (Vec::new(), Vec::new(), None);
    for item in items {
        let sort = item.get("SK").and_then(|sort| sort.as_s().ok()).cloned();
        let sort = sort.ok_or_else(unreadable)?;
        if let Some(id) = sort.strip_prefix(PENDING_START) {
            // Without the cause, which may quote the item.
            let item: PendingItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
            let email = PendingEmail {
                email: Email::restore(item.shown, item.canonical),
                generation: item.generation,
                expires_at: item.expires_at,
            };
            pending.push((identifier_id(id)?, email));
        } else if let Some(id) = sort.strip_prefix(RIGHT_START) {
            let item: RightItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
            let kept = item.kept.iter().map(|id| identifier_id(id));
            let right = UndoRight {
                email: identifier_id(&item.email)?,
                kept: kept.collect::<Result<_, _>>()?,
                made_in: item.made_in,
                base: RightBase {
                    others_set_primary: item.others_set_primary,
                    unverified: item.unverified,
                },
                expires_at: item.expires_at,
                is_used: item.is_used,
            };
            rights.push((ChangeId::stored(id.to_owned()), right));
        } else {
            own = Some(user::from_item(item)?);
        }
    }
    Ok(own.map(|user| Account {
        pending: pending.into_iter().collect(),
        rights: rights.into_iter().collect(),
        ..Account::of(user)
    }))
}

impl Users {
    /// The user with what hangs on them: one strongly consistent `Query`.
    pub async fn account(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        from_items(
            self.query_from(user::partition_key(id), user::SORT_KEY)
                .await?,
        )
    }

    /// What differs between two states of an account, beside the user: parts of a transaction.
    pub(crate) fn companions(
        &self,
        before: &Account,
        after: &Account,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let owner = after.user.id();
        let mut parts = Vec::new();
        for (id, pending) in &after.pending {
            if before.pending.get(id) != Some(pending) {
                parts.push(self.put(pending_item(owner, *id, pending)?)?);
            }
        }
        for id in before.pending.keys() {
            if !after.pending.contains_key(id) {
                parts.push(self.delete_present(owner, &format!("{PENDING_START}{id}"))?);
            }
        }
        for (id, right) in &after.rights {
            if before.rights.get(id) != Some(right) {
                parts.push(self.put(right_item(owner, id, right)?)?);
            }
        }
        for id in before.rights.keys() {
            if !after.rights.contains_key(id) {
                parts.push(self.delete_present(owner, &format!("{RIGHT_START}{id}"))?);
            }
        }
        for notification in &after.outbox {
            parts.push(self.put(notification::item(notification)?)?);
        }
        if let Some(new) = &after.new_device {
            let epoch = after.user.session_epoch();
            parts.push(self.put(device::item(owner, new, epoch))?);
        }
        Ok(parts)
    }

    /// The part of a transaction that deletes an item which must still be there: what it rests on
    /// was read.
    fn delete_present(
        &self,
        owner: &UserId,
        sort_key: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut p = Placeholders::default();
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(user::child_key(owner, sort_key)))
            .condition_expression(format!("attribute_exists({})", p.path(&["PK"])))
            .set_expression_attribute_names(p.names())
            .build()
            .map_err(StoreError::unexpected)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

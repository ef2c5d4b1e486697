//! The items of signing in: failures by identifier and IP address, addresses that a user signed in
//! from; and the writes that make the user's counters live.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use domain::password::PasswordHash;
use domain::sign_in::{Failure, KNOWN_FOR, LOCK_OUT, Limits, Pair, Visitor};
use domain::{Identifier, Notification, OperationId, Session, Timestamp, User, UserId};
use std::time::Duration;

use crate::attempt::Attempts;
use crate::expression::{Placeholders, Update};
use crate::session::text;
use crate::users::{Outcome, Write, nobody};
use crate::{Item, StoreError, Users, notification, reservation, session, user};

/// How long failures in a row are remembered, at least.
const REMEMBERED_FOR: Duration = Duration::from_hours(24);

/// What came of counting an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It may be looked at. If it fails and is the last one, the pair is to be locked.
    Counted {
        /// Whether another failure is one too many.
        is_last: bool,
    },
    /// The pair is locked out until then.
    LockedUntil(Timestamp),
}

/// What a right password leads to.
#[derive(Debug)]
pub enum Entry<'a> {
    /// A session.
    Session(&'a Session),
    /// Word to the user that the password must be changed.
    MustChange(&'a [Notification]),
}

/// How a right password is written down.
#[derive(Debug)]
pub struct SignIn<'a> {
    /// The user, as the password was checked against.
    pub user: &'a User,
    /// By whom, from where failures were counted.
    pub pair: &'a Pair,
    /// Who comes.
    pub visitor: &'a Visitor,
    /// What it leads to.
    pub entry: Entry<'a>,
    /// A hash of the same password in the directory's own form.
    pub upgraded: Option<PasswordHash>,
}

fn pair_key(pair: &Pair) -> Item {
    Item::from([
        (
            "PK".to_owned(),
            text(format!("SIGN_IN#{}", pair.identifier_hash)),
        ),
        ("SK".to_owned(), text(format!("IP#{}", pair.ip_address))),
    ])
}

fn known_address_key(user: &UserId, ip_address: &str) -> Item {
    user::child_key(user, &format!("KNOWN_IP#{ip_address}"))
}

impl Users {
    /// Counts an attempt before anybody looks at the password, so that guesses made at once can't
    /// get past the limit: one conditional `UpdateItem`, the same for identifiers that nobody has.
    pub async fn count_attempt(
        &self,
        pair: &Pair,
        limits: Limits,
        write: &Write,
    ) -> Result<Attempt, StoreError> {
        let mut p = Placeholders::default();
        let now = p.number(write.now.as_unix());
        let (block, operation) = (p.path(&["block_until"]), p.path(&["operation"]));
        let this = p.text(write.operation.as_str());
        let condition = format!(
            "(attribute_not_exists({block}) OR {block} <= {now}) AND \
             (attribute_not_exists({operation}) OR {operation} <> {this})"
        );
        let mut update = Update::default();
        for counter in ["failure_count", "sign_in_attempts_count"] {
            let (path, zero, one) = (p.path(&[counter]), p.number(0), p.number(1));
            update.set(&path, &format!("if_not_exists({path}, {zero}) + {one}"));
        }
        update.set(&p.path(&["last_sign_in_attempt"]), &now);
        update.set(&operation, &this);
        let expires_at = write.now.plus(REMEMBERED_FOR);
        update.set(&p.path(&["expires_at"]), &p.number(expires_at.as_unix()));
        let counted = self
            .update_if(pair_key(pair), &condition, &update, &p, Attempts::soon())
            .await?;
        let item = match &counted {
            Ok(item) => item,
            // The reply to this very attempt was lost: it is counted.
            Err(Some(item)) if item.get("operation") == Some(&text(write.operation.as_str())) => {
                item
            }
            Err(item) => {
                let until = item.as_ref().and_then(|item| number(item, "block_until"));
                let until = until.unwrap_or_else(|| write.now.plus(LOCK_OUT).as_unix());
                return Ok(Attempt::LockedUntil(Timestamp::from_unix(until)));
            }
        };
        let failures = number(item, "failure_count").unwrap_or_default();
        let failures = u64::try_from(failures).unwrap_or_default();
        if failures > limits.of_a_pair {
            // Others at the same moment used up what was left.
            self.lock_pair(pair, write.now).await?;
            return Ok(Attempt::LockedUntil(write.now.plus(LOCK_OUT)));
        }
        Ok(Attempt::Counted {
            is_last: failures == limits.of_a_pair,
        })
    }

    /// Locks a pair out, and starts its count afresh for the time after.
    pub async fn lock_pair(&self, pair: &Pair, now: Timestamp) -> Result<(), StoreError> {
        let mut p = Placeholders::default();
        let mut update = Update::default();
        let until = p.number(now.plus(LOCK_OUT).as_unix());
        update.set(&p.path(&["block_until"]), &until);
        update.set(&p.path(&["failure_count"]), &p.number(0));
        // The repeat of an attempt must not find itself in the count that starts afresh.
        update.remove(p.path(&["operation"]));
        let is_there = format!("attribute_exists({})", p.path(&["PK"]));
        self.update_if(pair_key(pair), &is_there, &update, &p, Attempts::soon())
            .await
            .map(|_| ())
    }

    /// Whose identifier it is: one `GetItem`, also for what is no identifier.
    pub async fn owner(&self, of: Option<&Identifier>) -> Result<Option<UserId>, StoreError> {
        let key = of.map_or_else(nobody, reservation::key);
        let item = self.get_item(key).await?;
        Ok(item.as_ref().and_then(reservation::owner))
    }

    /// The user, and whether the IP address signed in as this user lately: one `BatchGetItem`,
    /// also for nobody.
    pub async fn sign_in_state(
        &self,
        id: Option<&UserId>,
        ip_address: &str,
        now: Timestamp,
    ) -> Result<Option<(User, bool)>, StoreError> {
        let absent = UserId::created_by(&OperationId::stored("none".to_owned()));
        let id = id.unwrap_or(&absent);
        let [user, known] = self
            .get_both([user::key(id), known_address_key(id, ip_address)])
            .await?;
        let is_known = known
            .and_then(|item| number(&item, "expires_at"))
            .is_some_and(|until| now.as_unix() < until);
        user.map(|user| Ok((user::from_item(user)?, is_known)))
            .transpose()
    }

    /// Writes a failure of a user, as read, down: one `UpdateItem`, also for nobody.
    pub async fn record_failure(
        &self,
        user: Option<&User>,
        limits: Limits,
        visitor: &Visitor,
        write: &Write,
    ) -> Result<(), StoreError> {
        let mut p = Placeholders::default();
        let mut update = Update::default();
        let key = user.map_or_else(nobody, |user| user::key(&user.id));
        let failure = user.map(|user| Failure::of(user, limits, write.now));
        attempt(visitor, write, &mut p, &mut update);
        let failures = p.path(&["failure_count"]);
        match failure {
            Some(Failure::OneMore(lock)) => {
                update.set(&failures, &format!("{failures} + {}", p.number(1)));
                if let Some(until) = lock {
                    update.set(&p.path(&["block_until"]), &p.number(until.as_unix()));
                }
            }
            Some(Failure::FirstAgain) => {
                update.set(&failures, &p.number(1));
                update.remove(p.path(&["block_until"]));
            }
            Some(Failure::WhileLocked) | None => update.set(&failures, &failures),
        }
        let condition = unrepeated(write, &mut p);
        let recorded = self
            .update_if(key.clone(), &condition, &update, &p, Attempts::soon())
            .await?;
        let (Ok(item) | Err(Some(item))) = recorded else {
            return Ok(());
        };
        let failures = number(&item, "failure_count").and_then(|count| u64::try_from(count).ok());
        let are_too_many = failures.is_some_and(|failures| failures >= limits.of_an_account);
        if failure == Some(Failure::OneMore(None)) && are_too_many {
            // Others failed at the same moment, and each saw fewer failures than there were.
            self.lock_account(key, write.now).await?;
        }
        Ok(())
    }

    async fn lock_account(&self, key: Item, now: Timestamp) -> Result<(), StoreError> {
        let mut p = Placeholders::default();
        let mut update = Update::default();
        let until = p.path(&["block_until"]);
        increment("version", &mut p, &mut update);
        update.set(&until, &p.number(now.plus(LOCK_OUT).as_unix()));
        let condition = format!(
            "attribute_exists({}) AND attribute_not_exists({until})",
            p.path(&["PK"])
        );
        self.update_if(key, &condition, &update, &p, Attempts::soon())
            .await
            .map(|_| ())
    }

    /// Writes a right password down, with what it leads to: one transaction. It doesn't happen
    /// when the user has changed since in what it rests on: password, epoch, being enabled.
    pub async fn sign_in(&self, sign_in: &SignIn<'_>, write: &Write) -> Result<bool, StoreError> {
        let SignIn { user, visitor, .. } = sign_in;
        let mut p = Placeholders::default();
        let mut update = Update::default();
        attempt(visitor, write, &mut p, &mut update);
        update.set(&p.path(&["failure_count"]), &p.number(0));
        update.remove(p.path(&["block_until"]));
        if let Entry::Session(_) = sign_in.entry {
            let now = p.number(write.now.as_unix());
            increment("sign_in_success_count", &mut p, &mut update);
            update.set(&p.path(&["last_sign_in_success"]), &now);
            let ip_address = p.text(&visitor.ip_address);
            update.set(&p.path(&["last_sign_in_success_ip"]), &ip_address);
            update.set(&p.path(&["last_activity"]), &now);
            for (name, value) in [
                ("last_known_city", &visitor.place.city),
                ("last_known_region", &visitor.place.region),
                ("last_known_country", &visitor.place.country),
            ] {
                if let Some(value) = value {
                    update.set(&p.path(&[name]), &p.text(value));
                }
            }
        }
        if let Some(hash) = &sign_in.upgraded {
            update.set(&p.path(&["password_hash"]), &p.text(hash.expose()));
        }
        let hash = user.credential.as_ref().and_then(|own| own.hash.as_ref());
        let condition = format!(
            "{} AND {} = {} AND {} = {} AND {} = {}",
            unrepeated(write, &mut p),
            p.path(&["session_epoch"]),
            p.number(user.session_epoch),
            p.path(&["disabled"]),
            p.truth(false),
            p.path(&["password_hash"]),
            p.text(hash.map(PasswordHash::expose).unwrap_or_default()),
        );
        let user_part = self.user_update(&user.id, &condition, &update, &p)?;
        let mut companions = vec![self.forgive_part(sign_in.pair)?];
        match sign_in.entry {
            Entry::Session(session) => {
                companions.push(self.put(session::item(session, &user.id)?)?);
                let mut known = known_address_key(&user.id, &visitor.ip_address);
                let until = write.now.plus(KNOWN_FOR).as_unix().to_string();
                known.insert("expires_at".to_owned(), AttributeValue::N(until));
                companions.push(self.put(known)?);
            }
            Entry::MustChange(notifications) => {
                for notification in notifications {
                    companions.push(self.put(notification::item(notification)?)?);
                }
            }
        }
        let outcome = self
            .transact(user_part, &user.id, &[], &[], None, companions, write)
            .await?;
        Ok(matches!(outcome, Outcome::Written))
    }

    /// Forgets the failures of a pair: the password was right.
    pub async fn forgive(&self, pair: &Pair) -> Result<(), StoreError> {
        self.delete_item(pair_key(pair)).await
    }

    fn forgive_part(&self, pair: &Pair) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(pair_key(pair)))
            .build()
            .map_err(StoreError::unexpected)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// The part of a transaction that writes an item whatever was there.
    pub(crate) fn put(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .build()
            .map_err(StoreError::unexpected)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// What every attempt leaves on the user: it moves the version, not the profile.
fn attempt(visitor: &Visitor, write: &Write, p: &mut Placeholders, update: &mut Update) {
    increment("version", p, update);
    increment("sign_in_attempts_count", p, update);
    let now = p.number(write.now.as_unix());
    update.set(&p.path(&["last_sign_in_attempt"]), &now);
    let ip_address = p.text(&visitor.ip_address);
    update.set(&p.path(&["last_sign_in_attempt_ip"]), &ip_address);
    // An attribute of its own: strangers' attempts must not push the user's operations out.
    let operation = p.text(write.operation.as_str());
    update.set(&p.path(&["last_sign_in_operation"]), &operation);
}

/// True of a user who is there and has not seen this attempt: its reply may have been lost.
fn unrepeated(write: &Write, p: &mut Placeholders) -> String {
    let (last, this) = (
        p.path(&["last_sign_in_operation"]),
        p.text(write.operation.as_str()),
    );
    format!(
        "attribute_exists({}) AND (attribute_not_exists({last}) OR {last} <> {this})",
        p.path(&["PK"])
    )
}

fn increment(attribute: &str, p: &mut Placeholders, update: &mut Update) {
    let (path, one) = (p.path(&[attribute]), p.number(1));
    update.set(&path, &format!("{path} + {one}"));
}

pub(crate) fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

//! The items of signing in: failures by identifier and IP address, addresses that a user signed in
//! from; and the writes that make the user's counters live.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};
use domain::password::PasswordHash;
use domain::sign_in::{Failure, KNOWN_FOR, LOCK_OUT, Limits, Pair, Visitor};
use domain::{Identifier, Notification, OperationId, Session, Timestamp, User, UserId};

use crate::attempt::Attempts;
use crate::expression::{Placeholders, Update};
use crate::item::{key, number, text};
use crate::users::{Outcome, Write, nobody};
use crate::{Item, StoreError, Users, notification, reservation, session, user};

/// How long failures in a row are remembered after the last attempt.
const REMEMBERED_FOR: Duration = Duration::from_hours(24);
/// How often an item may change under our hands.
const MOST_LOOKS: u32 = 10;

/// Whether an attempt may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is counted and may be looked at. If it fails and is the last one, the pair is to be
    /// locked.
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
    key(
        format!("SIGN_IN#{}", pair.identifier_hash),
        format!("IP#{}", pair.ip_address),
    )
}

fn known_address_key(user: &UserId, ip_address: &str) -> Item {
    user::child_key(user, &format!("KNOWN_IP#{ip_address}"))
}

impl Users {
    /// Counts an attempt before anybody looks at the password, so that guesses made at once can't
    /// get past the limit: one conditional `UpdateItem`, the same for identifiers that nobody has.
    /// A count that has lapsed and is still there takes a second one.
    pub async fn count_attempt(
        &self,
        pair: &Pair,
        limits: Limits,
        write: &Write,
    ) -> Result<Admission, StoreError> {
        let now = write.now.as_unix();
        let mut lapsed = None;
        for _ in 0..MOST_LOOKS {
            let item = match self.count_in(pair, lapsed, write).await? {
                Ok(item) => item,
                // The reply to this very attempt was lost: it is counted.
                Err(Some(item))
                    if item.get("operation") == Some(&text(write.operation.as_str())) =>
                {
                    item
                }
                Err(Some(item)) if number(&item, "expires_at").is_some_and(|at| at <= now) => {
                    lapsed = number(&item, "expires_at");
                    continue;
                }
                // Another attempt was first to start the count afresh, or it is gone.
                Err(_) if lapsed.take().is_some() => continue,
                Err(item) => {
                    let until = item.as_ref().and_then(|item| number(item, "block_until"));
                    let until = until.unwrap_or_else(|| write.now.plus(LOCK_OUT).as_unix());
                    return Ok(Admission::LockedUntil(Timestamp::from_unix(until)));
                }
            };
            let failures = number(&item, "failure_count").unwrap_or_default();
            let failures = u64::try_from(failures).unwrap_or_default();
            if failures > limits.of_a_pair {
                // Others at the same moment used up what was left.
                self.lock_pair(pair, write.now).await?;
                return Ok(Admission::LockedUntil(write.now.plus(LOCK_OUT)));
            }
            return Ok(Admission::Counted {
                is_last: failures == limits.of_a_pair,
            });
        }
        Err(StoreError::Conflict)
    }

    /// Counts an attempt in a live count, or in place of one that lapsed then.
    async fn count_in(
        &self,
        pair: &Pair,
        lapsed: Option<i64>,
        write: &Write,
    ) -> Result<Result<Item, Option<Item>>, StoreError> {
        let mut p = Placeholders::default();
        let mut update = Update::default();
        let now = p.number(write.now.as_unix());
        let (block, expiry) = (p.path(&["block_until"]), p.path(&["expires_at"]));
        let (operation, this) = (p.path(&["operation"]), p.text(write.operation.as_str()));
        let one = p.number(1);
        let counters = ["failure_count", "sign_in_attempts_count"].map(|name| p.path(&[name]));
        let condition = if let Some(lapsed) = lapsed {
            for counter in &counters {
                update.set(counter, &one);
            }
            update.remove(block);
            format!("{expiry} = {}", p.number(lapsed))
        } else {
            let zero = p.number(0);
            for counter in &counters {
                update.set(
                    counter,
                    &format!("if_not_exists({counter}, {zero}) + {one}"),
                );
            }
            format!(
                "(attribute_not_exists({block}) OR {block} <= {now}) \
                 AND (attribute_not_exists({operation}) OR {operation} <> {this}) \
                 AND (attribute_not_exists({expiry}) OR {expiry} > {now})"
            )
        };
        update.set(&p.path(&["last_sign_in_attempt"]), &now);
        update.set(&operation, &this);
        let expires_at = write.now.plus(REMEMBERED_FOR).as_unix();
        update.set(&expiry, &p.number(expires_at));
        self.update_if(pair_key(pair), &condition, &update, &p, Attempts::soon())
            .await
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

    /// Writes a failure of a user down: one `UpdateItem`, also for nobody. It goes by the user as
    /// read, on condition that this is still so; otherwise by the one that comes back.
    pub async fn record_failure(
        &self,
        user: Option<&User>,
        limits: Limits,
        visitor: &Visitor,
        write: &Write,
    ) -> Result<(), StoreError> {
        let key = user.map_or_else(nobody, |user| user::key(&user.id));
        let mut failure = user.map(|user| Failure::of(user, limits, write.now));
        for _ in 0..MOST_LOOKS {
            let mut p = Placeholders::default();
            let mut update = Update::default();
            leave_attempt(visitor, write, &mut p, &mut update);
            let mut condition = unrepeated(write, &mut p);
            if let Some(failure) = failure {
                let due = failure_text(failure, limits, write.now, &mut p, &mut update);
                condition = format!("{condition} AND {due}");
            }
            let recorded = self
                .update_if(key.clone(), &condition, &update, &p, Attempts::soon())
                .await?;
            let Err(Some(present)) = recorded else {
                return Ok(());
            };
            let last = present.get("last_sign_in_operation");
            if last == Some(&text(write.operation.as_str())) {
                return Ok(());
            }
            failure = Some(Failure::of(&user::from_item(present)?, limits, write.now));
        }
        Err(StoreError::Conflict)
    }

    /// Writes a right password down, with what it leads to: one transaction. It doesn't happen
    /// when the user has changed since in what it rests on: password, epoch, being enabled and not
    /// locked out.
    pub async fn sign_in(&self, sign_in: &SignIn<'_>, write: &Write) -> Result<bool, StoreError> {
        let SignIn { user, visitor, .. } = sign_in;
        let mut p = Placeholders::default();
        let mut update = Update::default();
        leave_attempt(visitor, write, &mut p, &mut update);
        let mut conditions = vec![unrepeated(write, &mut p)];
        // A lock-out that lets a known address in stays as it is for all others.
        if !user.is_blocked(write.now) {
            let block = p.path(&["block_until"]);
            let now = p.number(write.now.as_unix());
            conditions.push(format!(
                "(attribute_not_exists({block}) OR {block} <= {now})"
            ));
            update.set(&p.path(&["failure_count"]), &p.number(0));
            update.remove(block);
        }
        if let Entry::Session(_) = sign_in.entry {
            let now = p.number(write.now.as_unix());
            update.increment("sign_in_success_count", &mut p);
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
        conditions.push(format!(
            "{} = {} AND {} = {} AND {} = {}",
            p.path(&["session_epoch"]),
            p.number(user.session_epoch),
            p.path(&["disabled"]),
            p.truth(false),
            p.path(&["password_hash"]),
            p.text(hash.map(PasswordHash::expose).unwrap_or_default()),
        ));
        let user_part = self.user_update(&user.id, &conditions.join(" AND "), &update, &p)?;
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
}

/// What every attempt leaves on the user: it moves the version, not the profile.
fn leave_attempt(visitor: &Visitor, write: &Write, p: &mut Placeholders, update: &mut Update) {
    update.increment("version", p);
    update.increment("sign_in_attempts_count", p);
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

/// What a failure does to the user's counters, and the condition that it is what is due.
fn failure_text(
    failure: Failure,
    limits: Limits,
    now: Timestamp,
    p: &mut Placeholders,
    update: &mut Update,
) -> String {
    let (block, now) = (p.path(&["block_until"]), now.as_unix());
    let locks = match failure {
        Failure::WhileLocked => return format!("{block} > {}", p.number(now)),
        Failure::OneMore { locks } | Failure::FirstAgain { locks } => locks,
    };
    if let Some(until) = locks {
        update.set(&block, &p.number(until.as_unix()));
    }
    let failures = p.path(&["failure_count"]);
    if let Failure::FirstAgain { .. } = failure {
        update.set(&failures, &p.number(1));
        let condition = format!("{block} <= {}", p.number(now));
        if locks.is_none() {
            update.remove(block);
        }
        return condition;
    }
    update.set(&failures, &format!("{failures} + {}", p.number(1)));
    let relation = if locks.is_some() { ">=" } else { "<" };
    let most = p.number(limits.of_an_account.saturating_sub(1));
    format!("attribute_not_exists({block}) AND {failures} {relation} {most}")
}

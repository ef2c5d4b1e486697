//! The items of signing in: what failed by identifier and IP address, by IP address alone and by
//! device; and the writes that make the user's counters live.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use domain::device::{Device, DeviceHash};
use domain::password::PasswordHash;
use domain::sign_in::{
    Admission, Counter, Failure, Full, LOCK_OUT, Limits, SignInUser, Tally, Try, Visitor,
};
use domain::{Epoch, Identifier, Notification, OperationId, Session, Timestamp, UserId};
use serde::Deserialize;

use crate::attempt::Attempts;
use crate::expression::{Placeholders, Update};
use crate::item::{key, number, text, texts};
use crate::users::{Outcome, Write, nobody};
use crate::{Item, StoreError, Users, device, notification, reservation, session, user};

/// How often an item may change under our hands.
const MAX_LOOKS: u32 = 10;

/// What a right password leads to.
#[derive(Debug)]
pub enum Entry<'a> {
    /// A session, and a device that is the user's own from now on.
    Session(&'a Session, &'a Device),
    /// Word to the user that the password must be changed.
    MustChange(&'a [Notification]),
}

/// How a right password is written down.
#[derive(Debug)]
pub struct SignIn<'a> {
    /// The user, as the password was checked against.
    pub user: &'a SignInUser,
    /// What counted failures in a row.
    pub in_a_row: &'a Counter,
    /// Who comes.
    pub visitor: &'a Visitor,
    /// What it leads to.
    pub entry: Entry<'a>,
    /// A hash of the same password in the directory's own form.
    pub upgraded: Option<PasswordHash>,
}

/// Who is about to sign in.
#[derive(Debug)]
pub struct SignInState {
    /// The user.
    pub user: SignInUser,
    /// Whether the attempt comes from one of the user's own devices.
    pub is_own_device: bool,
}

/// What is read of a user and of a device.
const ATTRIBUTES: [&str; 11] = [
    "PK",
    "SK",
    "format",
    "disabled",
    "password_hash",
    "force_password_reset",
    "session_epoch",
    "sign_in_success_count",
    "failure_count",
    "block_until",
    "expires_at",
];

/// What a decision takes of a user's item.
#[derive(Deserialize)]
struct SignInUserItem {
    #[serde(rename = "PK")]
    pk: String,
    disabled: bool,
    password_hash: Option<String>,
    force_password_reset: Option<bool>,
    session_epoch: Epoch,
    sign_in_success_count: u64,
    failure_count: u64,
    block_until: Option<Timestamp>,
}

fn sign_in_user(item: Item) -> Result<SignInUser, StoreError> {
    user::refuse_newer(&item)?;
    let unreadable = || StoreError::unexpected("user item: an attribute is not readable");
    // Without the cause, which may quote the item.
    let item: SignInUserItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
    let id = item
        .pk
        .strip_prefix("USER#")
        .and_then(|id| UserId::parse(id).ok());
    Ok(SignInUser {
        id: id.ok_or_else(unreadable)?,
        disabled: item.disabled,
        hash: item.password_hash.map(PasswordHash::restore),
        force_reset: item.force_password_reset.unwrap_or_default(),
        session_epoch: item.session_epoch,
        successes: item.sign_in_success_count,
        failures: item.failure_count,
        block_until: item.block_until,
    })
}

/// Nobody's id, as long as anybody's.
fn absent() -> UserId {
    UserId::created_by(&OperationId::stored("none".to_owned()))
}

fn counter_key(counter: &Counter) -> Item {
    let sort = match counter {
        Counter::Pair(pair) => format!("IP#{}", pair.ip_address),
        Counter::IpAddress(_) => "ADDRESS".to_owned(),
        Counter::Device(_) => "DEVICE".to_owned(),
    };
    key(format!("SIGN_IN#{}", counter.hash()), sort)
}

fn tally(item: &Item) -> Tally {
    let set = |name| -> BTreeSet<Try> { texts(item, name).into_iter().map(Try::stored).collect() };
    Tally {
        tries: set("tries"),
        failed: set("failed"),
        block_until: number(item, "block_until").map(Timestamp::from_unix),
    }
}

/// The condition that a counter is not locked.
fn unlocked(now: Timestamp, p: &mut Placeholders) -> String {
    let (block, now) = (p.path(&["block_until"]), p.number(now.as_unix()));
    format!("(attribute_not_exists({block}) OR {block} <= {now})")
}

/// When a counter that was written at `now` has nothing more to tell.
fn set_expiry(counter: &Counter, now: Timestamp, p: &mut Placeholders, update: &mut Update) {
    let expires_at = now.plus(counter.remembers_for()).plus(LOCK_OUT);
    let expires_at = p.number(expires_at.as_unix());
    update.set(&p.path(&["expires_at"]), &expires_at);
}

fn increase(counter: &str, p: &mut Placeholders, update: &mut Update) {
    let (counter, zero, one) = (p.path(&[counter]), p.number(0), p.number(1));
    update.set(
        &counter,
        &format!("if_not_exists({counter}, {zero}) + {one}"),
    );
}

impl Users {
    /// Counts an attempt before anybody looks at the password, so that guesses made at once can't
    /// get past the limit: one conditional `UpdateItem`, the same for identifiers that nobody has.
    /// Where attempts that don't count any more fill the counter up, it takes two more.
    ///
    /// The set `tries` holds the attempts that are under way or have failed, `failed` the latter:
    /// sets take what is repeated once, so that no lost reply counts twice.
    pub async fn count_attempt(
        &self,
        counter: &Counter,
        limits: Limits,
        write: &Write,
    ) -> Result<Admission, StoreError> {
        let this = Try::new(&write.operation, write.now);
        let mut p = Placeholders::default();
        let mut update = Update::default();
        let (tries, own) = (p.path(&["tries"]), p.text(this.as_str()));
        let condition = format!(
            "{} AND (attribute_not_exists({tries}) \
             OR (size({tries}) < {} AND NOT contains({tries}, {own})))",
            unlocked(write.now, &mut p),
            p.number(counter.limit(limits)),
        );
        update.add(&tries, &p.texts([this.as_str()]));
        increase("sign_in_attempts_count", &mut p, &mut update);
        let now = p.number(write.now.as_unix());
        update.set(&p.path(&["last_sign_in_attempt"]), &now);
        set_expiry(counter, write.now, &mut p, &mut update);
        update.remove(p.path(&["block_until"]));
        for _ in 0..MAX_LOOKS {
            let key = counter_key(counter);
            let written = self
                .update_unseen(key, &condition, &update, &p, Attempts::soon())
                .await?;
            let Err(present) = written else {
                return Ok(Admission::Counted);
            };
            let present = present.as_ref().map(tally).unwrap_or_default();
            match present.refuses(&this, counter, limits, write.now) {
                // The reply to this very attempt was lost.
                Full::Counted => return Ok(Admission::Counted),
                Full::LockedUntil(until) => return Ok(Admission::LockedUntil(until)),
                Full::UnderWay => return Ok(Admission::OneTooMany),
                Full::Lapsed(lapsed) => self.forget(counter, &lapsed).await?,
                // Whoever failed last was ended before.
                Full::ToBeLocked => {
                    self.lock(counter, limits, write.now).await?;
                    return Ok(Admission::LockedUntil(write.now.plus(LOCK_OUT)));
                }
            }
        }
        Err(StoreError::Conflict)
    }

    /// Counts as failed what was counted as under way, and locks the counter where that is one too
    /// many.
    pub async fn count_failure(
        &self,
        counter: &Counter,
        limits: Limits,
        write: &Write,
    ) -> Result<(), StoreError> {
        let this = Try::new(&write.operation, write.now);
        let mut p = Placeholders::default();
        let mut update = Update::default();
        let (failed, own) = (p.path(&["failed"]), p.text(this.as_str()));
        let condition = format!(
            "{} AND NOT contains({failed}, {own})",
            unlocked(write.now, &mut p),
        );
        let this = p.texts([this.as_str()]);
        update.add(&p.path(&["tries"]), &this);
        update.add(&failed, &this);
        increase("failure_count", &mut p, &mut update);
        set_expiry(counter, write.now, &mut p, &mut update);
        let key = counter_key(counter);
        let written = self
            .update_if(key, &condition, &update, &p, Attempts::soon())
            .await?;
        // What is there already was counted, its reply lost; a lock holds all that there is.
        let (Ok(item) | Err(Some(item))) = written else {
            return Ok(());
        };
        if tally(&item).is_to_be_locked(counter, limits, write.now) {
            self.lock(counter, limits, write.now).await?;
        }
        Ok(())
    }

    /// Locks a counter, which then starts afresh, unless another attempt has just done so.
    async fn lock(
        &self,
        counter: &Counter,
        limits: Limits,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut p = Placeholders::default();
        let mut update = Update::default();
        let until = p.number(now.plus(LOCK_OUT).as_unix());
        update.set(&p.path(&["block_until"]), &until);
        let failed = p.path(&["failed"]);
        let is_due = format!("size({failed}) >= {}", p.number(counter.limit(limits)));
        update.remove(failed);
        update.remove(p.path(&["tries"]));
        let key = counter_key(counter);
        self.update_unseen(key, &is_due, &update, &p, Attempts::soon())
            .await
            .map(|_| ())
    }

    /// Takes attempts out of a counter.
    async fn forget(&self, counter: &Counter, these: &[Try]) -> Result<(), StoreError> {
        let mut p = Placeholders::default();
        let mut update = Update::default();
        let these = p.texts(these.iter().map(Try::as_str));
        for set in ["tries", "failed"] {
            update.delete(&p.path(&[set]), &these);
        }
        let is_there = format!("attribute_exists({})", p.path(&["PK"]));
        let key = counter_key(counter);
        self.update_unseen(key, &is_there, &update, &p, Attempts::soon())
            .await
            .map(|_| ())
    }

    /// Gives back the place of an attempt that is not under way any more and has not failed.
    pub async fn give_back(&self, counter: &Counter, write: &Write) -> Result<(), StoreError> {
        let this = Try::new(&write.operation, write.now);
        self.forget(counter, &[this]).await
    }

    /// Whose identifier it is: one `GetItem`, also for what is no identifier.
    pub async fn owner(&self, of: Option<&Identifier>) -> Result<Option<UserId>, StoreError> {
        let key = of.map_or_else(nobody, reservation::key);
        let item = self.get_item(key).await?;
        Ok(item.as_ref().and_then(reservation::owner))
    }

    /// What a decision takes of the user, and whether the device is one of the user's own: one
    /// `BatchGetItem`, also for nobody and for no device.
    pub async fn sign_in_state(
        &self,
        id: Option<&UserId>,
        device: Option<&DeviceHash>,
        now: Timestamp,
    ) -> Result<Option<SignInState>, StoreError> {
        let (nobody, none) = (absent(), DeviceHash::of_none());
        let (id, hash) = (id.unwrap_or(&nobody), device.unwrap_or(&none));
        let keys = [user::key(id), device::key(id, hash)];
        let [user, device] = self.get_both(keys, &ATTRIBUTES).await?;
        let Some(user) = user.map(sign_in_user).transpose()? else {
            return Ok(None);
        };
        let epoch = user.session_epoch;
        Ok(Some(SignInState {
            user,
            is_own_device: device.is_some_and(|item| device::is_own(&item, epoch, now)),
        }))
    }

    /// Writes a failure of a user down: one `UpdateItem`, also for nobody. It goes by the user as
    /// read, on condition that this is still so; otherwise by the one that comes back. Where the
    /// user's own device has counted it, only the attempt shows.
    pub async fn record_failure(
        &self,
        user: Option<&SignInUser>,
        is_counted_at_home: bool,
        limits: Limits,
        visitor: &Visitor,
        write: &Write,
    ) -> Result<(), StoreError> {
        let key = user::key(&user.map_or_else(absent, |user| user.id.clone()));
        let failure_of = |user: &SignInUser| {
            if is_counted_at_home {
                Failure::AtHome
            } else {
                Failure::of(user, limits, write.now)
            }
        };
        let mut failure = user.map_or(Failure::OneMore { locks: None }, failure_of);
        for _ in 0..MAX_LOOKS {
            let mut p = Placeholders::default();
            let mut update = Update::default();
            leave_attempt(visitor, write, &mut p, &mut update);
            let mut conditions = vec![unrepeated(write, &mut p)];
            conditions.extend(failure_text(
                failure,
                limits,
                write.now,
                &mut p,
                &mut update,
            ));
            let condition = conditions.join(" AND ");
            let recorded = self
                .update_unseen(key.clone(), &condition, &update, &p, Attempts::soon())
                .await?;
            let Err(Some(present)) = recorded else {
                return Ok(());
            };
            let last = present.get("last_sign_in_operation");
            if last == Some(&text(write.operation.as_str())) {
                return Ok(());
            }
            failure = failure_of(&sign_in_user(present)?);
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
        // A lock-out that lets the user's own device in stays as it is for all others.
        if !user.is_blocked(write.now) {
            let block = p.path(&["block_until"]);
            let now = p.number(write.now.as_unix());
            conditions.push(format!(
                "(attribute_not_exists({block}) OR {block} <= {now})"
            ));
            update.set(&p.path(&["failure_count"]), &p.number(0));
            update.remove(block);
        }
        if let Entry::Session(..) = sign_in.entry {
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
        let hash = user.hash.as_ref();
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
        let mut companions = vec![self.forgive_part(sign_in.in_a_row)?];
        match sign_in.entry {
            Entry::Session(session, own) => {
                companions.push(self.put(session::item(session, &user.id)?)?);
                let epoch = user.session_epoch;
                companions.push(self.put(device::item(&user.id, own, epoch))?);
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

    /// Forgets failures in a row: the password was right.
    pub async fn forgive(&self, in_a_row: &Counter) -> Result<(), StoreError> {
        self.delete_item(counter_key(in_a_row)).await
    }

    fn forgive_part(&self, in_a_row: &Counter) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(counter_key(in_a_row)))
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

/// What a failure does to the user's counters, and the condition that it is what is due, if there
/// is one.
fn failure_text(
    failure: Failure,
    limits: Limits,
    now: Timestamp,
    p: &mut Placeholders,
    update: &mut Update,
) -> Option<String> {
    let now = now.as_unix();
    let locks = match failure {
        Failure::AtHome => return None,
        Failure::WhileLocked => {
            let block = p.path(&["block_until"]);
            return Some(format!("{block} > {}", p.number(now)));
        }
        Failure::OneMore { locks } | Failure::FirstAgain { locks } => locks,
    };
    let block = p.path(&["block_until"]);
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
        return Some(condition);
    }
    update.set(&failures, &format!("{failures} + {}", p.number(1)));
    let relation = if locks.is_some() { ">=" } else { "<" };
    let most = p.number(limits.of_an_account.saturating_sub(1));
    Some(format!(
        "attribute_not_exists({block}) AND {failures} {relation} {most}"
    ))
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    #[test]
    fn what_is_read_of_a_user_to_sign_in_is_what_the_whole_user_has() {
        let user = sample::person().user;
        let mut item = user::item(&user).unwrap();
        item.retain(|name, _| ATTRIBUTES.contains(&name.as_str()));
        assert_eq!(sign_in_user(item).unwrap(), SignInUser::from(&user));
    }
}

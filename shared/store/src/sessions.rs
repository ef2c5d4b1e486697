//! Sessions of signed-in people.

use domain::session::{MAX_SESSIONS, Session, SessionId, SessionToken};
use domain::{Epoch, Part, Refusal, Timestamp, User, UserId};

use crate::item::log::{self, Move};
use crate::item::{session, user};
use crate::table::{Attempts, Condition, Role, Table, Transaction, Update, key_of, number};
use crate::write::Write;
use crate::{StoreError, WriteError, edit, read};

/// The sessions of all users.
#[derive(Clone, Debug)]
pub struct Sessions {
    table: Table,
}

impl Sessions {
    /// The sessions in this table.
    pub const fn new(table: Table) -> Self {
        Self { table }
    }

    /// For each token the user and the session that it names, when both exist: one `BatchGetItem`, or
    /// no request for no tokens.
    pub async fn find(
        &self,
        tokens: &[SessionToken],
    ) -> Result<Vec<Option<(User, Session)>>, StoreError> {
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let keys = tokens.iter().flat_map(|token| {
            [
                user::key(&token.user_id),
                session::key(&token.user_id, &token.session_id),
            ]
        });
        let items = self.table.get_each(keys.collect(), &[]).await?;
        let pairs = items.chunks(2).map(|pair| match pair {
            [Some(user), Some(session)] => Ok(Some((
                user::from_item(user.clone())?,
                session::from_item(session.clone())?,
            ))),
            _ => Ok(None),
        });
        pairs.collect()
    }

    /// A user with all sessions that are stored, live or not: one `Query`. Nothing else has a sort
    /// key between those of the sessions and the user's own.
    pub async fn of(&self, owner: &UserId) -> Result<Option<(User, Vec<Session>)>, StoreError> {
        let range = [session::SORT_KEY_START, user::SORT_KEY];
        let partition = user::partition_key(owner);
        let mut items = self.table.query_between(partition, range).await?;
        // The user's sort key is the last one. Without the user, no session means anything.
        match items.pop() {
            Some(last) if key_of(&last) == user::key(owner) => {
                let sessions = items.into_iter().map(session::from_item);
                Ok(Some((
                    user::from_item(last)?,
                    sessions.collect::<Result<_, _>>()?,
                )))
            }
            _ => Ok(None),
        }
    }

    /// A user with the session of this id, live or not, if it is stored: one `BatchGetItem`.
    pub async fn get(
        &self,
        owner: &UserId,
        id: &SessionId,
    ) -> Result<Option<(User, Option<Session>)>, StoreError> {
        let keys = [user::key(owner), session::key(owner, id)];
        let [user, session] = self.table.get_both(keys, &[]).await?;
        let Some(user) = user.map(user::from_item).transpose()? else {
            return Ok(None);
        };
        Ok(Some((user, session.map(session::from_item).transpose()?)))
    }

    /// Writes a session, past signing in.
    pub async fn write(
        &self,
        owner: &UserId,
        session: &Session,
        write: &Write,
    ) -> Result<(), StoreError> {
        let mut transaction = Transaction::default();
        transaction.put(Role::Related, session::item(session, owner)?);
        self.table.transact(&transaction, write.deadline).await?;
        Ok(())
    }

    /// Ends a live session of a user whom `write` may change: a `BatchGetItem` and a transaction, which
    /// also moves the revision of the user's log.
    pub async fn end_live(
        &self,
        owner: &UserId,
        id: &SessionId,
        write: &Write,
    ) -> Result<(), WriteError> {
        let mut attempts = Attempts::until(write.deadline);
        loop {
            let Some((user, session)) = self.get(owner, id).await? else {
                return read::unless_happened(&self.table, write, WriteError::NotFound).await;
            };
            if !write.precondition.allows(user.version()) {
                return read::unless_happened(&self.table, write, WriteError::PreconditionFailed)
                    .await;
            }
            let epoch = user.session_epoch();
            if !session.is_some_and(|session| session.is_live(epoch, write.now)) {
                let none = Refusal::NotFound(Part::Session).into();
                return read::unless_happened(&self.table, write, none).await;
            }
            let mut transaction = Transaction::default();
            let mut update = log::update(owner, ended(id), write)?;
            write.precondition.require(&mut update);
            transaction.update(Role::User, update);
            let key = session::key(owner, id);
            transaction.delete_if(Role::Related, key, Condition::exists());
            // Otherwise the user has changed, or the session is gone: the next look tells.
            if edit::end(&self.table, transaction, write, &mut attempts).await? {
                return Ok(());
            }
        }
    }

    /// Writes down that a session is in use, unless it has ended meanwhile.
    pub async fn prolong(&self, owner: &UserId, session: &Session) -> Result<(), StoreError> {
        let mut update = Update::of_present(session::key(owner, &session.id));
        for (name, time) in [
            ("last_updated", session.last_updated),
            ("expires_at", session.expires_at),
        ] {
            update.set(&[name], number(time.as_unix()));
        }
        self.table.update_unseen(&update, Attempts::soon()).await?;
        Ok(())
    }

    /// Ends the least recently used of a user's sessions where there are too many: one `Query`, and a
    /// deletion for each. A user with few sign-ins can't have too many sessions, so there is no query.
    /// Half of the limit is kept as a margin for sign-ins at the same moment.
    pub async fn end_surplus(
        &self,
        owner: &UserId,
        epoch: Epoch,
        sign_ins: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if sign_ins < MAX_SESSIONS as u64 / 2 {
            return Ok(());
        }
        let items = self
            .table
            .query(user::partition_key(owner), session::SORT_KEY_START)
            .await?;
        let sessions = items.into_iter().map(session::from_item);
        for session in Session::surplus(sessions.collect::<Result<_, _>>()?, epoch, now) {
            self.end(owner, &session.id).await?;
        }
        Ok(())
    }

    /// Ends a session as its own user wishes: one transaction, which also moves the revision of the
    /// user's log. It is no error if the session has ended, or the user was deleted meanwhile.
    pub async fn sign_out(
        &self,
        owner: &UserId,
        id: &SessionId,
        write: &Write,
    ) -> Result<(), StoreError> {
        let mut transaction = Transaction::default();
        transaction.update(Role::User, log::update(owner, ended(id), write)?);
        transaction.delete(Role::Related, session::key(owner, id));
        self.table.transact(&transaction, write.deadline).await?;
        Ok(())
    }

    /// Ends a session where a change of its user tells of it. It is no error if the session has ended
    /// already.
    pub async fn end(&self, owner: &UserId, id: &SessionId) -> Result<(), StoreError> {
        self.table.delete(session::key(owner, id)).await
    }
}

/// What the log tells of the end of a session.
fn ended(id: &SessionId) -> Move {
    Move::Beside(vec!["sessions".to_owned(), id.to_string()])
}

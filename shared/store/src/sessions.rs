//! Sessions of signed-in people.

use domain::session::{MAX_SESSIONS, Session, SessionId, SessionToken};
use domain::{Epoch, Timestamp, User, UserId};

use crate::StoreError;
use crate::item::{session, user};
use crate::table::{Attempts, Table, Update, number};

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

    /// Ends a session. It is no error if the session has ended already.
    pub async fn end(&self, owner: &UserId, id: &SessionId) -> Result<(), StoreError> {
        self.table.delete(session::key(owner, id)).await
    }
}

//! The session item, and the calls about it.

use domain::session::{MAX_SESSIONS, Session, SessionId, SessionToken};
use domain::user::Place;
use domain::{Epoch, Timestamp, User, UserId};
use serde::{Deserialize, Serialize};

use crate::attempt::Attempts;
use crate::expression::{Placeholders, Update};
use crate::{Item, StoreError, Users, user};

/// As it is stored.
#[derive(Serialize, Deserialize)]
struct SessionItem {
    #[serde(rename = "PK")]
    pk: String,
    #[serde(rename = "SK")]
    sk: String,
    secret_hash: String,
    epoch: Epoch,
    initiated_at: Timestamp,
    last_updated: Timestamp,
    /// The TTL attribute; readers compare it themselves.
    expires_at: Timestamp,
    ip_address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
}

const SORT_KEY_START: &str = "SESSION#";

fn key(owner: &UserId, id: &SessionId) -> Item {
    user::child_key(owner, &format!("{SORT_KEY_START}{id}"))
}

/// The whole item.
pub(crate) fn item(session: &Session, owner: &UserId) -> Result<Item, StoreError> {
    let session = session.clone();
    serde_dynamo::to_item(SessionItem {
        pk: user::partition_key(owner),
        sk: format!("{SORT_KEY_START}{}", session.id),
        secret_hash: session.secret_hash,
        epoch: session.epoch,
        initiated_at: session.initiated_at,
        last_updated: session.last_updated,
        expires_at: session.expires_at,
        ip_address: session.ip_address,
        user_agent: session.user_agent,
        city: session.place.city,
        region: session.place.region,
        country: session.place.country,
    })
    .map_err(StoreError::unexpected)
}

fn from_item(item: Item) -> Result<Session, StoreError> {
    let unreadable = || StoreError::unexpected("session item: it is not readable");
    // Without the cause, which may quote the item.
    let item: SessionItem = serde_dynamo::from_item(item).map_err(|_| unreadable())?;
    let id = item.sk.strip_prefix(SORT_KEY_START);
    Ok(Session {
        id: id.and_then(SessionId::parse).ok_or_else(unreadable)?,
        secret_hash: item.secret_hash,
        epoch: item.epoch,
        initiated_at: item.initiated_at,
        last_updated: item.last_updated,
        expires_at: item.expires_at,
        ip_address: item.ip_address,
        user_agent: item.user_agent,
        place: Place {
            city: item.city,
            region: item.region,
            country: item.country,
        },
    })
}

impl Users {
    /// For each token the user and the session that it names, when both are there: one
    /// `BatchGetItem`, and none for no token.
    pub async fn sessions(
        &self,
        tokens: &[SessionToken],
    ) -> Result<Vec<Option<(User, Session)>>, StoreError> {
        if tokens.is_empty() {
            return Ok(Vec::new());
        }
        let keys = tokens.iter().flat_map(|token| {
            [
                user::key(&token.user_id),
                key(&token.user_id, &token.session_id),
            ]
        });
        let items = self.get_each(keys.collect(), &[]).await?;
        let pairs = items.chunks(2).map(|pair| match pair {
            [Some(user), Some(session)] => Ok(Some((
                user::from_item(user.clone())?,
                from_item(session.clone())?,
            ))),
            _ => Ok(None),
        });
        pairs.collect()
    }

    /// Writes down that a session is in use, unless it has ended meanwhile.
    pub async fn prolong(&self, owner: &UserId, session: &Session) -> Result<(), StoreError> {
        let mut p = Placeholders::default();
        let mut update = Update::default();
        for (name, time) in [
            ("last_updated", session.last_updated),
            ("expires_at", session.expires_at),
        ] {
            update.set(&p.path(&[name]), &p.number(time.as_unix()));
        }
        let is_there = format!("attribute_exists({})", p.path(&["PK"]));
        let key = key(owner, &session.id);
        self.update_unseen(key, &is_there, &update, &p, Attempts::soon())
            .await
            .map(|_| ())
    }

    /// Ends the least recently used of a user's sessions where there are too many: one `Query`, and
    /// a deletion for each. A user with few sign-ins has few sessions, and isn't looked at; half of
    /// what is allowed is left for sign-ins at the same moment.
    pub async fn end_surplus_sessions(
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
            .query_from(user::partition_key(owner), SORT_KEY_START)
            .await?;
        let sessions = items.into_iter().map(from_item).collect::<Result<_, _>>()?;
        for session in Session::surplus(sessions, epoch, now) {
            self.end_session(owner, &session.id).await?;
        }
        Ok(())
    }

    /// Ends a session. That it has ended already makes no difference.
    pub async fn end_session(&self, owner: &UserId, id: &SessionId) -> Result<(), StoreError> {
        self.delete_item(key(owner, id)).await
    }
}

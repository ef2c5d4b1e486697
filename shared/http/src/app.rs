//! What every call of one process shares.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws::Courier;
use domain::account::Occasion;
use domain::notification::Counted;
use domain::{IdentifierId, OperationId, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sdk::Credentials;
use store::{Accounts, Limits, Notifications, Sessions, Settings, SignIns, Table, Users, Write};

use crate::account::AccountSettings;
use crate::link_keys::LinkKeys;
use crate::{Access, Problem};

/// What every call of one process shares: the store, the clock, randomness and settings.
#[derive(Debug)]
pub struct App {
    /// The table that all of these are in.
    pub table: Table,
    /// The users.
    pub users: Users,
    /// Users with what hangs on them.
    pub accounts: Accounts,
    /// The sessions of signed-in people.
    pub sessions: Sessions,
    /// Attempts to sign in, and what they come to.
    pub sign_ins: SignIns,
    /// Notifications on their way.
    pub notifications: Notifications,
    /// What limits notifications.
    pub limits: Limits,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Which API keys may do what.
    pub keys: KeyIds,
    /// How people's own calls work.
    pub account: AccountSettings,
    /// What signs links.
    pub link_keys: LinkKeys,
}

/// The ids of the API keys that may call the management API: API Gateway knows keys, and no scopes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyIds {
    administrators: Vec<String>,
    readers: Vec<String>,
}

impl KeyIds {
    /// Takes two lists with commas, in which blanks and empty places say nothing.
    pub fn parse(administrators: &str, readers: &str) -> Self {
        let ids = |list: &str| {
            let ids = list.split(',').map(str::trim).filter(|id| !id.is_empty());
            ids.map(str::to_owned).collect()
        };
        Self {
            administrators: ids(administrators),
            readers: ids(readers),
        }
    }

    /// Whether a key may make a call. One that is in no list may do nothing, and one that is in
    /// both may only read.
    pub(crate) fn check(&self, id: &str, access: Access) -> Result<(), Problem> {
        let is_in = |ids: &[String]| ids.iter().any(|own| own == id);
        match access {
            Access::Write if is_in(&self.readers) => Err(Problem::MayOnlyRead),
            _ if is_in(&self.readers) || is_in(&self.administrators) => Ok(()),
            _ => Err(Problem::UnknownKey),
        }
    }
}

/// Where the time comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// One that stands still, for answers that can be compared whole.
    Fixed(Timestamp),
}

impl Clock {
    /// The present second.
    pub fn now(self) -> Timestamp {
        match self {
            Self::Fixed(now) => now,
            Self::System => {
                let seconds = since_epoch().as_secs();
                Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn since_epoch() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Where random bytes come from: a cryptographic generator, seeded by the operating system, or by
/// a test that compares answers whole. Clones draw from the same one.
#[derive(Clone, Debug)]
pub struct Entropy(Arc<Mutex<StdRng>>);

impl Entropy {
    /// Seeded by the operating system, once.
    pub fn from_os() -> Result<Self, Misconfigured> {
        let mut seed = <StdRng as rand::SeedableRng>::Seed::default();
        getrandom::fill(&mut seed).map_err(|_| Misconfigured::NoRandomness)?;
        Ok(Self(Arc::new(Mutex::new(StdRng::from_seed(seed)))))
    }

    /// The same bytes in every run.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(&mut bytes);
        bytes
    }
}

/// Why a function can't start.
#[derive(Debug, thiserror::Error)]
pub enum Misconfigured {
    /// An environment variable is missing.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// An environment variable holds what can't be read.
    #[error("the environment variable {0} is malformed")]
    Malformed(&'static str),
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

/// The environment that template.yaml and Lambda set.
pub(crate) struct Environment;

impl Environment {
    /// A variable that has a value.
    pub(crate) fn get(name: &'static str) -> Result<String, Misconfigured> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the environment"
        )]
        std::env::var(name)
            .ok()
            .filter(|value| !value.is_empty())
            .ok_or(Misconfigured::Missing(name))
    }

    fn credentials() -> Result<Credentials, Misconfigured> {
        Ok(Credentials::new(
            Self::get("AWS_ACCESS_KEY_ID")?,
            Self::get("AWS_SECRET_ACCESS_KEY")?,
            Self::get("AWS_SESSION_TOKEN").ok(),
            None,
            "environment",
        ))
    }

    /// Where the services beside the table are.
    pub(crate) fn aws() -> Result<aws::Settings, Misconfigured> {
        Ok(aws::Settings {
            region: Self::get("AWS_REGION")?,
            endpoint: Self::get("AWS_ENDPOINT_URL").ok(),
            credentials: Self::credentials()?,
        })
    }
}

impl App {
    /// What calls share, over this table.
    pub fn new(
        table: Table,
        clock: Clock,
        entropy: Entropy,
        keys: KeyIds,
        account: AccountSettings,
        link_keys: LinkKeys,
    ) -> Self {
        Self {
            users: Users::new(table.clone()),
            accounts: Accounts::new(table.clone()),
            sessions: Sessions::new(table.clone()),
            sign_ins: SignIns::new(table.clone()),
            notifications: Notifications::new(table.clone()),
            limits: Limits::new(table.clone()),
            table,
            clock,
            entropy,
            keys,
            account,
            link_keys,
        }
    }

    /// Reads the environment that template.yaml and Lambda set. There are no link keys yet.
    pub fn from_env() -> Result<Self, Misconfigured> {
        let settings = Settings {
            region: Environment::get("AWS_REGION")?,
            endpoint: Environment::get("AWS_ENDPOINT_URL_DYNAMODB").ok(),
            table: Environment::get("TABLE_NAME")?,
            credentials: Environment::credentials()?,
            http_client: store::http_client(),
        };
        Ok(Self::new(
            Table::at(&settings),
            Clock::System,
            Entropy::from_os()?,
            KeyIds::parse(
                &Environment::get("ADMINISTRATOR_KEY_IDS")?,
                &Environment::get("READ_ONLY_KEY_IDS")?,
            ),
            AccountSettings::read(|name| Environment::get(name).ok())?,
            LinkKeys::none(),
        ))
    }

    /// A new identifier id.
    pub fn new_identifier_id(&self) -> IdentifierId {
        IdentifierId::issue(self.clock.now(), self.entropy.bytes())
    }

    /// When and by what a write changes an account.
    pub fn occasion<'a>(&self, write: &'a Write) -> Occasion<'a> {
        Occasion {
            now: write.now,
            operation: &write.operation,
            lifetimes: self.account.lifetimes,
        }
    }

    /// Counts one more notification, refused or not; a problem when it is one too many.
    pub async fn count_notification(
        &self,
        counted: &Counted,
        write: &Write,
    ) -> Result<(), Problem> {
        let count = self.limits.count_this_hour(counted, write).await?;
        if count > Counted::MAX_AN_HOUR {
            return Err(Problem::TooMany(Counted::until_next_hour(write.now)));
        }
        Ok(())
    }

    /// The operation of a request that names none.
    pub fn new_operation_id(&self) -> OperationId {
        OperationId::random(self.entropy.bytes())
    }
}

/// What a consumer of the table's stream works with.
#[derive(Debug)]
pub struct Worker {
    /// What calls work with, too.
    pub app: App,
    /// Who sends e-mails and SMS.
    pub courier: Courier,
}

impl Worker {
    /// Reads the environment that template.yaml and Lambda set.
    pub(crate) fn from_env() -> Result<Self, Misconfigured> {
        Ok(Self {
            app: App::from_env()?,
            courier: Courier::new(&Environment::aws()?, Environment::get("NO_REPLY_EMAIL")?)
                .with_configuration_set(Environment::get("SES_CONFIGURATION_SET").ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(keys: &KeyIds, id: &str) -> [Option<u16>; 2] {
        [Access::Read, Access::Write]
            .map(|access| keys.check(id, access).err().map(|problem| problem.status()))
    }

    #[test]
    fn a_key_may_do_what_its_list_says_and_in_no_list_nothing() {
        let keys = KeyIds::parse("admin, second,", ",reader,both,admin2 ,");
        for id in ["admin", "second"] {
            assert_eq!(checked(&keys, id), [None, None], "{id}");
        }
        for id in ["reader", "admin2"] {
            assert_eq!(checked(&keys, id), [None, Some(403)], "{id}");
        }
        for id in ["", " ", ",", "Admin", "admi", "reader,both", "unknown"] {
            assert_eq!(checked(&keys, id), [Some(403); 2], "{id}");
        }
    }

    #[test]
    fn a_key_in_both_lists_may_only_read() {
        let keys = KeyIds::parse("both", "both");
        assert_eq!(checked(&keys, "both"), [None, Some(403)]);
    }

    #[test]
    fn without_lists_no_key_may_do_anything() {
        assert_eq!(checked(&KeyIds::parse("", ""), ""), [Some(403); 2]);
    }
}

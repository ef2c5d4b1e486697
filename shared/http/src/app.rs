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
use store::{Settings, Users, Write};

use crate::Problem;
use crate::account::AccountSettings;
use crate::link_keys::LinkKeys;

/// What every call of one process shares: the store, the clock, randomness and settings.
#[derive(Debug)]
pub struct App {
    /// The users.
    pub users: Users,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Ids of the API keys that may only read.
    pub read_only_key_ids: Vec<String>,
    /// How people's own calls work.
    pub account: AccountSettings,
    /// What signs links.
    pub link_keys: LinkKeys,
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
    /// Reads the environment that template.yaml and Lambda set. There are no link keys yet.
    pub fn from_env() -> Result<Self, Misconfigured> {
        let settings = Settings {
            region: Environment::get("AWS_REGION")?,
            endpoint: Environment::get("AWS_ENDPOINT_URL_DYNAMODB").ok(),
            table: Environment::get("TABLE_NAME")?,
            credentials: Environment::credentials()?,
        };
        Ok(Self {
            users: Users::new(store::connect(&settings), settings.table),
            clock: Clock::System,
            entropy: Entropy::from_os()?,
            read_only_key_ids: Environment::get("READ_ONLY_KEY_IDS")?
                .split(',')
                .map(str::to_owned)
                .collect(),
            account: AccountSettings::read(|name| Environment::get(name).ok())?,
            link_keys: LinkKeys::none(),
        })
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
        let count = self.users.count_this_hour(counted, write).await?;
        if count > Counted::MOST_AN_HOUR {
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

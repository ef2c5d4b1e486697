//! What every call of one process shares.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use domain::{IdentifierId, OperationId, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use store::{Credentials, Settings, Users};

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
/// a test that compares answers whole.
#[derive(Debug)]
pub struct Entropy(Mutex<StdRng>);

impl Entropy {
    /// Seeded by the operating system, once.
    pub fn from_os() -> Result<Self, Misconfigured> {
        let mut seed = <StdRng as rand::SeedableRng>::Seed::default();
        getrandom::fill(&mut seed).map_err(|_| Misconfigured::NoRandomness)?;
        Ok(Self(Mutex::new(StdRng::from_seed(seed))))
    }

    /// The same bytes in every run.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
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
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}

impl App {
    /// Reads the environment that template.yaml and Lambda set.
    pub fn from_env() -> Result<Self, Misconfigured> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the environment"
        )]
        let variable = |name: &'static str| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.is_empty())
                .ok_or(Misconfigured::Missing(name))
        };
        let settings = Settings {
            region: variable("AWS_REGION")?,
            endpoint: variable("AWS_ENDPOINT_URL_DYNAMODB").ok(),
            table: variable("TABLE_NAME")?,
            credentials: Credentials::new(
                variable("AWS_ACCESS_KEY_ID")?,
                variable("AWS_SECRET_ACCESS_KEY")?,
                variable("AWS_SESSION_TOKEN").ok(),
                None,
                "environment",
            ),
        };
        Ok(Self {
            users: Users::new(store::connect(&settings), settings.table),
            clock: Clock::System,
            entropy: Entropy::from_os()?,
            read_only_key_ids: variable("READ_ONLY_KEY_IDS")?
                .split(',')
                .map(str::to_owned)
                .collect(),
        })
    }

    /// A new identifier id.
    pub fn new_identifier_id(&self) -> IdentifierId {
        IdentifierId::issue(self.clock.now(), self.entropy.bytes())
    }

    /// The operation of a request that names none.
    pub(crate) fn new_operation_id(&self) -> OperationId {
        OperationId::random(self.entropy.bytes())
    }
}

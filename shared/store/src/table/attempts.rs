//! Bounded, jittered repeats of writes that conflicted with others.
//!
//! The SDK doesn't retry a transaction conflict (API reference, `TransactWriteItems`); this does.

use std::time::Duration;

use tokio::time::Instant;

use crate::StoreError;

/// The attempts at one write.
pub(crate) struct Attempts {
    /// How many attempts failed because of others.
    refused: u32,
    pauses: u32,
    deadline: Instant,
}

impl Attempts {
    const MAX: u32 = 10;
    const FIRST_PAUSE: Duration = Duration::from_millis(20);
    const MAX_PAUSE: Duration = Duration::from_millis(500);
    const SOON: Duration = Duration::from_secs(3);
    /// The time that one more attempt and the answer need.
    const RESERVE: Duration = Duration::from_millis(250);

    pub(crate) fn until(deadline: Instant) -> Self {
        Self {
            refused: 0,
            pauses: 0,
            deadline,
        }
    }

    /// Attempts at a write that has no deadline of its own.
    pub(crate) fn soon() -> Self {
        Self::until(Instant::now() + Self::SOON)
    }

    /// Waits for the next attempt after `error`; false when there is none. While an earlier attempt is
    /// under way, the table is asked until the deadline.
    pub(crate) async fn again_after(&mut self, error: &StoreError) -> bool {
        match error {
            StoreError::Conflict | StoreError::Busy(_) => self.refused += 1,
            StoreError::UnderWay => {}
            _ => return false,
        }
        self.pauses += 1;
        let longest = Self::FIRST_PAUSE * 2_u32.saturating_pow(self.pauses);
        let pause = longest.min(Self::MAX_PAUSE).mul_f64(jitter());
        if self.refused >= Self::MAX || Instant::now() + pause + Self::RESERVE > self.deadline {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// A new client request token. A transaction that is sent twice with the same token within ten minutes
/// happens once.
pub(super) fn client_request_token() -> String {
    format!("{:032x}", random_token())
}

#[expect(clippy::disallowed_methods, reason = "no answer depends on it")]
fn jitter() -> f64 {
    rand::random()
}

#[expect(clippy::disallowed_methods, reason = "no answer depends on it")]
fn random_token() -> u128 {
    rand::random()
}

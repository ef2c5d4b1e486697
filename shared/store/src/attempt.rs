//! Bounded, jittered repeats of what other writers got in the way of.
//!
//! The SDK doesn't retry a transaction conflict (API reference, `TransactWriteItems`); this does.

use std::time::Duration;

use tokio::time::Instant;

use crate::StoreError;

/// The attempts at one write.
pub(crate) struct Attempts {
    made: u32,
    deadline: Instant,
}

impl Attempts {
    const MOST: u32 = 10;
    const FIRST_PAUSE: Duration = Duration::from_millis(20);
    const LONGEST_PAUSE: Duration = Duration::from_millis(500);
    /// What a further attempt and the answer need.
    const RESERVE: Duration = Duration::from_millis(250);

    pub(crate) fn until(deadline: Instant) -> Self {
        Self { made: 0, deadline }
    }

    /// Waits for the next attempt after `error`; false when that is final. While an attempt before
    /// is under way, the table is asked until the deadline.
    pub(crate) async fn again_after(&mut self, error: &StoreError) -> bool {
        match error {
            StoreError::Conflict | StoreError::Busy(_) => self.again(Self::MOST).await,
            StoreError::UnderWay => self.again(u32::MAX).await,
            _ => false,
        }
    }

    async fn again(&mut self, most_attempts: u32) -> bool {
        self.made += 1;
        let most = (Self::FIRST_PAUSE * 2_u32.saturating_pow(self.made)).min(Self::LONGEST_PAUSE);
        let pause = most.mul_f64(jitter());
        if self.made >= most_attempts || Instant::now() + pause + Self::RESERVE > self.deadline {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// A new client request token: a transaction that is sent twice with it happens once (ten
/// minutes long).
pub(crate) fn client_request_token() -> String {
    format!("{:032x}", random_token())
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing that anybody sees depends on it"
)]
fn jitter() -> f64 {
    rand::random()
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing that anybody sees depends on it"
)]
fn random_token() -> u128 {
    rand::random()
}

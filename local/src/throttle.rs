//! API Gateway's throttle: a token bucket.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// A bucket that gets `rate` tokens a second, and holds at most `burst`.
pub(crate) struct Throttle {
    rate: f64,
    burst: f64,
    bucket: Mutex<(f64, Instant)>,
}

impl Throttle {
    pub(crate) fn new(rate: f64, burst: f64) -> Self {
        Self {
            rate,
            burst,
            bucket: Mutex::new((burst, Instant::now())),
        }
    }

    /// Takes a token; false where there is none.
    pub(crate) fn admits(&self) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, filled) = *bucket;
        let now = Instant::now();
        let tokens = (tokens + (now - filled).as_secs_f64() * self.rate).min(self.burst);
        let admits = tokens >= 1.0;
        *bucket = (if admits { tokens - 1.0 } else { tokens }, now);
        admits
    }
}

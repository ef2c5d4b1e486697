//! Randomness.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::Misconfigured;

/// The source of random bytes: a cryptographic generator, seeded by the operating system, or by a test
/// that compares whole answers. Clones draw from the same generator.
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

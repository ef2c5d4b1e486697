//! A small directory and a large one, asked in turns.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use processes::Failure;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::Value;

use crate::row::Row;
use crate::site::Site;

/// A fixed seed lets each run ask the same.
const SEED: u64 = 1;

/// The medians of a round.
pub(crate) struct Pair {
    pub(crate) small: Duration,
    pub(crate) large: Duration,
}

impl Pair {
    /// How many times as long the large directory takes.
    pub(crate) fn growth(&self) -> f64 {
        self.large.as_secs_f64() / self.small.as_secs_f64()
    }
}

/// Asks both directories in each round for the same, so that a machine that becomes slower slows both
/// down. Each round begins with the other one. The first round warms up and does not count.
pub(crate) async fn compare(
    small: &mut Site,
    large: &mut Site,
    rounds: usize,
    requests: usize,
) -> Result<BTreeMap<Row, Vec<Pair>>, Failure> {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut pairs = BTreeMap::<_, Vec<_>>::new();
    for round in 0..=rounds {
        for row in Row::ALL {
            let pair = if round % 2 == 0 {
                let small = median(small, row, requests, &mut random).await?;
                let large = median(large, row, requests, &mut random).await?;
                Pair { small, large }
            } else {
                let large = median(large, row, requests, &mut random).await?;
                let small = median(small, row, requests, &mut random).await?;
                Pair { small, large }
            };
            if round > 0 {
                pairs.entry(row).or_default().push(pair);
            }
        }
    }
    Ok(pairs)
}

/// The median time of so many requests, one after another.
async fn median(
    site: &mut Site,
    row: Row,
    requests: usize,
    random: &mut StdRng,
) -> Result<Duration, Failure> {
    let mut times = Vec::with_capacity(requests);
    for _ in 0..requests {
        let call = row.call(site, random);
        let sent = Instant::now();
        let answer = site.connection.ask(call).await;
        times.push(sent.elapsed());
        let answer = answer.map_err(|error| site.roster.explained(error))?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let listed = answer.as_array().map(|users| users.len() as u64);
        if listed != row.listed().map(u64::from) {
            return Err(
                format!("{row}: {} users are listed: {answer}", listed.unwrap_or(0)).into(),
            );
        }
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

//! How many requests are under way at the same time: as many as the service takes, found by trying.

use std::time::Duration;

use tokio::time::Instant;

/// Doubles each round until it first meets a limit, and grows by one from then on. Shrinks where the
/// service refuses, and where answers take more than twice the best time: then requests wait for each
/// other, and more of them would not be answered sooner.
#[derive(Debug)]
pub(crate) struct Pace {
    limit: u32,
    is_starting: bool,
    /// What a round took at best, for each user.
    best: Option<Duration>,
    /// Answers of this round, and what they took for each user.
    round: u32,
    took: Duration,
    /// Requests that are older than this say nothing about the present limit.
    since: Instant,
}

impl Pace {
    /// More would take memory for nothing: API Gateway's throttle comes first.
    pub(crate) const MAX: u32 = 32;

    pub(crate) fn new(now: Instant) -> Self {
        Self {
            limit: 1,
            is_starting: true,
            best: None,
            round: 0,
            took: Duration::ZERO,
            since: now,
        }
    }

    /// Whether another request may go out beside these.
    pub(crate) fn admits(&self, under_way: usize) -> bool {
        u32::try_from(under_way).is_ok_and(|under_way| under_way < self.limit)
    }

    /// The service answered about this many users.
    pub(crate) fn answered(&mut self, sent: Instant, now: Instant, users: u32) {
        if sent < self.since {
            return;
        }
        self.round += 1;
        self.took += (now - sent) / users.max(1);
        if self.round < self.limit {
            return;
        }
        let took = self.took / self.round;
        // A single request waits for no other, so what it takes is the best. Where the service became
        // slower, the limit falls that far.
        let best = self
            .best
            .filter(|_| self.limit > 1)
            .map_or(took, |best| best.min(took));
        self.best = Some(best);
        if took > best * 2 {
            self.limit_to(self.limit * 3 / 4, now);
        } else {
            let more = if self.is_starting { self.limit } else { 1 };
            self.limit = (self.limit + more).min(Self::MAX);
            self.begin_round();
        }
    }

    /// The service refused for want of room, or did not answer.
    pub(crate) fn refused(&mut self, sent: Instant, now: Instant) {
        if sent >= self.since {
            self.limit_to(self.limit / 2, now);
        }
    }

    /// What is under way was sent before, so it does not count: one jam shrinks the limit once.
    fn limit_to(&mut self, limit: u32, now: Instant) {
        self.limit = limit.max(1);
        self.is_starting = false;
        self.since = now;
        self.begin_round();
    }

    fn begin_round(&mut self) {
        (self.round, self.took) = (0, Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Sends as many at once as the pace admits, in so many rounds; `took` says what each takes.
    fn rounds(pace: &mut Pace, now: &mut Instant, rounds: u32, took: impl Fn(u32) -> Duration) {
        for _ in 0..rounds {
            let (sent, limit) = (*now, pace.limit);
            *now += took(limit);
            for _ in 0..limit {
                pace.answered(sent, *now, 1);
            }
        }
    }

    #[test]
    fn it_grows_while_answers_stay_as_fast() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        assert!(pace.admits(0) && !pace.admits(1));
        rounds(&mut pace, &mut now, 3, |_| 10 * MS);
        assert_eq!(pace.limit, 8);
        rounds(&mut pace, &mut now, 9, |_| 10 * MS);
        assert_eq!(pace.limit, Pace::MAX);
    }

    #[test]
    fn it_stops_where_requests_wait_for_each_other() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        // Four at a time is all that this service does.
        let took = |under_way: u32| 10 * MS * under_way.max(4) / 4;
        rounds(&mut pace, &mut now, 100, took);
        assert!((4..=12).contains(&pace.limit), "{pace:?}");
    }

    #[test]
    fn it_follows_a_service_that_became_slower() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        rounds(&mut pace, &mut now, 6, |_| 10 * MS);
        rounds(&mut pace, &mut now, 10, |_| 100 * MS);
        assert!(pace.limit < 8, "{pace:?}");
        rounds(&mut pace, &mut now, 100, |_| 100 * MS);
        assert_eq!(pace.limit, Pace::MAX);
    }

    #[test]
    fn one_jam_halves_it_once_and_it_goes_on_by_one() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        rounds(&mut pace, &mut now, 4, |_| 10 * MS);
        assert_eq!(pace.limit, 16);
        let sent = now;
        now += 10 * MS;
        for _ in 0..16 {
            pace.refused(sent, now);
        }
        assert_eq!(pace.limit, 8);
        rounds(&mut pace, &mut now, 1, |_| 10 * MS);
        assert_eq!(pace.limit, 9);
    }

    #[test]
    fn it_never_stops_wholly() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..3 {
            now += MS;
            pace.refused(now, now);
        }
        assert!(pace.admits(0));
    }
}

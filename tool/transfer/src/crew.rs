//! Requests that are sent at the same time and end in their order.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::TransferError;
use crate::client::{Answer, Call, Client, Lost};
use crate::pace::Pace;

/// A piece of work: one request, and more where the answer asks for it.
pub(crate) trait Job: Send + 'static {
    /// The request that is due.
    fn call(&self) -> Call;

    /// How many users it is about.
    fn users(&self) -> u32;

    /// Takes an answer that a repeat would not change.
    fn take(&mut self, answer: Answer, client: &Client) -> Result<Step, TransferError>;
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The job is done.
    Done,
    /// Its next request is due. The answer brought it on.
    Next,
    /// Its next request is due when the service has room again. The answer did not bring it on.
    Later,
}

/// What is told while jobs run.
pub(crate) trait Watch<J> {
    /// The next job in order is done.
    fn done(&mut self, job: J) -> Result<(), TransferError>;

    /// All wait for so long, because the service asks for it.
    fn waits(&mut self, pause: Duration);
}

/// So many failures of one job in a row end the transfer: eight minutes, by the pauses alone.
const MAX_FAILURES: u32 = 24;
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// So many jobs may be done before the oldest one is: what they found takes memory.
const AHEAD: u64 = 2 * Pace::MAX as u64;

/// The pause after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let doubled = SHORTEST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16));
    doubled.min(LONGEST_PAUSE)
}

struct Turn<J> {
    number: u64,
    job: J,
    failures: u32,
}

struct Sent<J> {
    turn: Turn<J>,
    at: Instant,
    answer: Result<Answer, Lost>,
}

struct Crew<J> {
    client: Arc<Client>,
    pace: Pace,
    under_way: JoinSet<Sent<J>>,
    again: VecDeque<Turn<J>>,
    done: BTreeMap<u64, J>,
    /// The number of the next job to come, and of the next one to end.
    next: u64,
    due: u64,
    /// Nothing is sent before this.
    resume: Instant,
    /// Whether any request was answered.
    has_answer: bool,
}

/// Runs all jobs. Returns whether they came to their end: Ctrl-C lets those end that are under way, and a
/// second one does not wait for them.
pub(crate) async fn run<J: Job>(
    client: &Arc<Client>,
    mut jobs: mpsc::Receiver<Result<J, TransferError>>,
    watch: &mut impl Watch<J>,
) -> Result<bool, TransferError> {
    let mut crew = Crew::new(client);
    let (mut is_open, mut is_stopping) = (true, false);
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    // Jobs that came before a fault of their source are finished first.
    let mut fault = None;
    loop {
        if !is_stopping {
            crew.send_again();
        }
        let is_ending = is_stopping || (!is_open && crew.again.is_empty());
        if is_ending && crew.under_way.is_empty() {
            return fault.map_or(Ok(!is_stopping), Err);
        }
        let takes_more = is_open && !is_stopping && crew.has_room();
        let is_paused = !is_stopping && crew.is_paused();
        tokio::select! {
            _ = &mut interrupt => {
                if is_stopping {
                    return Ok(false);
                }
                is_stopping = true;
                interrupt.set(tokio::signal::ctrl_c());
            }
            Some(sent) = crew.under_way.join_next() => {
                let sent = sent.expect("a request does not panic, and is not aborted");
                crew.settle(sent, watch)?;
            }
            job = jobs.recv(), if takes_more => match job {
                Some(Ok(job)) => crew.begin(job),
                Some(Err(error)) => (fault, is_open) = (Some(error), false),
                None => is_open = false,
            },
            () = tokio::time::sleep_until(crew.resume), if is_paused => {}
        }
    }
}

impl<J: Job> Crew<J> {
    fn new(client: &Arc<Client>) -> Self {
        let now = Instant::now();
        Self {
            client: Arc::clone(client),
            pace: Pace::new(now),
            under_way: JoinSet::new(),
            again: VecDeque::new(),
            done: BTreeMap::new(),
            next: 0,
            due: 0,
            resume: now,
            has_answer: false,
        }
    }

    fn is_paused(&self) -> bool {
        Instant::now() < self.resume
    }

    fn admits(&self) -> bool {
        !self.is_paused() && self.pace.admits(self.under_way.len())
    }

    fn has_room(&self) -> bool {
        self.admits() && self.again.is_empty() && self.next < self.due + AHEAD
    }

    fn begin(&mut self, job: J) {
        let number = self.next;
        self.next += 1;
        self.send(Turn {
            number,
            job,
            failures: 0,
        });
    }

    fn send_again(&mut self) {
        while self.admits()
            && let Some(turn) = self.again.pop_front()
        {
            self.send(turn);
        }
    }

    fn send(&mut self, turn: Turn<J>) {
        let (client, call, at) = (Arc::clone(&self.client), turn.job.call(), Instant::now());
        self.under_way.spawn(async move {
            let answer = client.send(call).await;
            Sent { turn, at, answer }
        });
    }

    fn settle(&mut self, sent: Sent<J>, watch: &mut impl Watch<J>) -> Result<(), TransferError> {
        let Sent {
            mut turn,
            at,
            answer,
        } = sent;
        let now = Instant::now();
        let answer = match answer {
            Ok(answer) => answer,
            Err(lost) => {
                let error = self.client.first_contact(&lost);
                if let Some(error) = error.filter(|_| !self.has_answer) {
                    return Err(error);
                }
                return self.put_off(turn, at, None, &lost.reason, watch);
            }
        };
        self.has_answer = true;
        if answer.may_pass() {
            let last = format!("{} {}", answer.status, answer.words());
            return self.put_off(turn, at, answer.retry_after(), &last, watch);
        }
        let users = turn.job.users();
        match turn.job.take(answer, &self.client)? {
            Step::Done => {
                self.pace.answered(at, now, users);
                self.done.insert(turn.number, turn.job);
                self.end_in_order(watch)?;
            }
            Step::Next => {
                self.pace.answered(at, now, users);
                turn.failures = 0;
                self.again.push_back(turn);
            }
            Step::Later => self.put_off(turn, at, None, "the service had no time", watch)?,
        }
        Ok(())
    }

    fn put_off(
        &mut self,
        mut turn: Turn<J>,
        sent: Instant,
        asked: Option<Duration>,
        reason: &str,
        watch: &mut impl Watch<J>,
    ) -> Result<(), TransferError> {
        let now = Instant::now();
        turn.failures += 1;
        if turn.failures >= MAX_FAILURES {
            return Err(TransferError::GaveUp {
                attempts: turn.failures,
                last: reason.to_owned(),
            });
        }
        self.pace.refused(sent, now);
        // The longest wait that was asked for holds for all.
        let pause = asked.unwrap_or_default().max(pause(turn.failures));
        if now + pause > self.resume {
            // Those that were refused together are told of once.
            if !self.is_paused() {
                watch.waits(pause);
            }
            self.resume = now + pause;
        }
        self.again.push_back(turn);
        Ok(())
    }

    fn end_in_order(&mut self, watch: &mut impl Watch<J>) -> Result<(), TransferError> {
        while let Some(job) = self.done.remove(&self.due) {
            self.due += 1;
            watch.done(job)?;
        }
        Ok(())
    }
}

/// Sends one request until it has an answer that a repeat would not change. Where it is the first one, a
/// service that can't be reached is not waited for.
pub(crate) async fn patiently(
    client: &Client,
    call: Call,
    is_first: bool,
) -> Result<Answer, TransferError> {
    let mut failures = 0;
    loop {
        let (asked, last) = match client.send(call.clone()).await {
            Ok(answer) if answer.may_pass() => {
                let last = format!("{} {}", answer.status, answer.words());
                (answer.retry_after().unwrap_or_default(), last)
            }
            Ok(answer) => return Ok(answer),
            Err(lost) => match client.first_contact(&lost) {
                Some(error) if is_first && failures == 0 => return Err(error),
                _ => (Duration::ZERO, lost.reason),
            },
        };
        failures += 1;
        if failures >= MAX_FAILURES {
            return Err(TransferError::GaveUp {
                attempts: failures,
                last,
            });
        }
        tokio::time::sleep(asked.max(pause(failures))).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let all: Vec<_> = (1..=9).map(|n| pause(n).as_millis()).collect();
        let wanted = [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000];
        assert_eq!(all, wanted);
        assert_eq!(pause(MAX_FAILURES), LONGEST_PAUSE);
    }
}

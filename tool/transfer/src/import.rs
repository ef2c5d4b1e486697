//! `import`: users of a file, into the directory.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use indicatif::HumanCount;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::batch::{Batch, Batches};
use crate::client::{Answer, Call, Client};
use crate::crew::{self, Job, Step, Watch};
use crate::input::{Input, Record, Records};
use crate::journal::{Counts, Entry, Journal};
use crate::progress::Progress;
use crate::refused::{Place, Refused, RefusedLine};
use crate::source::Position;
use crate::{Ended, Target, TransferError};

/// Imports the users of a file. Lines that are refused go to a file beside it, or to `refused`.
///
/// A user is created or, where the same line was imported before, left as it is. So an import can be
/// repeated: a journal beside the file says how far it is.
pub async fn import(
    input: Input,
    target: &Target,
    refused: Option<PathBuf>,
) -> Result<Ended, TransferError> {
    let refused = Place::of(&input, refused)?;
    let client = Arc::new(Client::new(target)?);
    let (send, jobs) = mpsc::channel(1);
    let mut log = if input.is_stdin() {
        let log = Log::new(refused, None, None, None)?;
        std::thread::spawn(move || read(|| input.records(), &send));
        log
    } else {
        let mut file = input.open()?;
        let path = input.path();
        let (journal, before) = Journal::open(&input, &mut file, client.base(), refused.name())?;
        let length = file.metadata();
        let length = length.map_err(|error| TransferError::file(path, error))?;
        let position = before.as_ref().map(|entry| entry.position);
        let log = Log::new(refused, Some(length.len()), Some(journal), before)?;
        std::thread::spawn(move || read(|| input.records_behind(file, position), &send));
        log
    };
    let ran = crew::run(&client, jobs, &mut log).await;
    log.end(ran)
}

/// Reads all, as fast as it is sent. It runs in a thread of its own, because a read of standard input can't
/// be ended.
fn read(
    open: impl FnOnce() -> Result<Records, TransferError>,
    jobs: &mpsc::Sender<Result<Lines, TransferError>>,
) {
    if let Err(error) = open().and_then(|records| hand_out(records, jobs)) {
        // The receiver is gone where the import has ended.
        let _ = jobs.blocking_send(Err(error));
    }
}

fn hand_out(
    records: Records,
    jobs: &mpsc::Sender<Result<Lines, TransferError>>,
) -> Result<(), TransferError> {
    let mut batches = Batches::of(records);
    while let Some(batch) = batches.next_batch()? {
        if jobs.blocking_send(Ok(Lines::of(batch))).is_err() {
            break;
        }
    }
    Ok(())
}

/// Lines that are imported by one request, or by more where some have to be sent again.
struct Lines {
    /// Lines without a final outcome.
    todo: Vec<Line>,
    /// How many go into a request.
    most: usize,
    end: Position,
    counts: Counts,
    refused: Vec<RefusedLine>,
}

struct Line {
    number: u64,
    text: Vec<u8>,
    /// Whether it had a conflict before.
    had_conflict: bool,
}

/// What the service says of a line.
#[derive(Deserialize)]
struct Outcome {
    /// Its number in the request.
    line: usize,
    status: u16,
    #[serde(flatten)]
    problem: Map<String, Value>,
}

impl Lines {
    fn of(batch: Batch) -> Self {
        let mut lines = Self {
            todo: Vec::new(),
            most: batch.records.len(),
            end: batch.end,
            counts: Counts::default(),
            refused: Vec::new(),
        };
        for Record { line, text } in batch.records {
            match text {
                Ok(text) => lines.todo.push(Line {
                    number: line,
                    text,
                    had_conflict: false,
                }),
                Err(flaw) => lines.refuse(RefusedLine::of_flaw(line, flaw)),
            }
        }
        lines
    }

    fn refuse(&mut self, line: RefusedLine) {
        self.counts.refused += 1;
        self.refused.push(line);
    }

    fn next_request(&self) -> &[Line] {
        &self.todo[..self.most.min(self.todo.len())]
    }

    /// The outcome of a line; the line itself if it has to be sent again.
    fn settle(&mut self, mut line: Line, outcome: Option<Outcome>) -> Option<Line> {
        let Some(outcome) = outcome else {
            return Some(line);
        };
        match outcome.status {
            201 => self.counts.created += 1,
            200 => self.counts.found += 1,
            429 | 500..=599 => return Some(line),
            // Others may have been in the way of this attempt alone.
            409 if !line.had_conflict => {
                line.had_conflict = true;
                return Some(line);
            }
            status => self.refuse(RefusedLine::new(
                line.number,
                status,
                outcome.problem,
                &line.text,
            )),
        }
        None
    }

    /// Takes the outcomes of a request's lines.
    fn settle_all(&mut self, outcomes: Vec<Outcome>) -> Step {
        let later = self.todo.split_off(self.next_request().len());
        let sent = std::mem::replace(&mut self.todo, later);
        let mut by_line: Vec<Option<Outcome>> = sent.iter().map(|_| None).collect();
        for outcome in outcomes {
            let place = outcome.line.checked_sub(1);
            if let Some(place) = place.and_then(|place| by_line.get_mut(place)) {
                *place = Some(outcome);
            }
        }
        let conflicts = |lines: &[Line]| lines.iter().filter(|line| line.had_conflict).count();
        let (count, before) = (sent.len(), conflicts(&sent));
        let again: Vec<Line> = sent
            .into_iter()
            .zip(by_line)
            .filter_map(|(line, outcome)| self.settle(line, outcome))
            .collect();
        let is_on = again.len() < count || conflicts(&again) > before;
        self.todo.splice(..0, again);
        match (self.todo.is_empty(), is_on) {
            (true, _) => Step::Done,
            (false, true) => Step::Next,
            (false, false) => Step::Later,
        }
    }

    /// The request is too large: half of it, or its only line is refused.
    fn halve(&mut self, detail: &str) -> Step {
        let sent = self.next_request().len();
        self.most = (sent / 2).max(1);
        if sent <= 1 && !self.todo.is_empty() {
            let line = self.todo.remove(0);
            let problem = Map::from_iter([("detail".to_owned(), json!(detail))]);
            self.refuse(RefusedLine::new(line.number, 413, problem, &line.text));
        }
        if self.todo.is_empty() {
            Step::Done
        } else {
            Step::Next
        }
    }
}

impl Job for Lines {
    fn call(&self) -> Call {
        let lines = self.next_request();
        let length = lines.iter().map(|line| line.text.len() + 1).sum();
        let mut body = Vec::with_capacity(length);
        for line in lines {
            body.extend(&line.text);
            body.push(b'\n');
        }
        Call {
            method: Method::POST,
            path: "/api/users/import".to_owned(),
            body: Bytes::from(body),
        }
    }

    fn users(&self) -> u32 {
        u32::try_from(self.next_request().len()).unwrap_or(u32::MAX)
    }

    fn take(&mut self, answer: Answer, client: &Client) -> Result<Step, TransferError> {
        match answer.status {
            200 => {
                let outcomes = serde_json::from_slice(&answer.body);
                let outcomes = outcomes
                    .map_err(|_| client.is_not_roster("its answer has no outcomes of lines"))?;
                Ok(self.settle_all(outcomes))
            }
            413 => Ok(self.halve(&answer.words())),
            _ => Err(client.refusal(&answer)),
        }
    }
}

/// What is written down of an import.
struct Log {
    progress: Progress,
    journal: Option<Journal>,
    refused: Refused,
    counts: Counts,
    /// How far all lines have their outcome; none while this run has brought nothing on.
    position: Option<Position>,
}

impl Watch<Lines> for Log {
    fn done(&mut self, lines: Lines) -> Result<(), TransferError> {
        self.refused.append(&lines.refused)?;
        self.counts.created += lines.counts.created;
        self.counts.found += lines.counts.found;
        self.counts.refused += lines.counts.refused;
        self.position = Some(lines.end);
        let is_due = self.journal.as_ref().is_some_and(Journal::is_due);
        self.write_down(is_due)?;
        self.progress.is_at(lines.end.offset, self.counts.total());
        Ok(())
    }

    fn waits(&mut self, pause: Duration) {
        self.progress.waits(pause);
    }
}

impl Log {
    /// The log of an import of so many bytes that begins, or goes on from that entry.
    fn new(
        refused: Place,
        length: Option<u64>,
        journal: Option<Journal>,
        before: Option<Entry>,
    ) -> Result<Self, TransferError> {
        let refused = match (&journal, &before) {
            (Some(journal), Some(entry)) => {
                Refused::go_on_at(refused, entry.refused_bytes, journal.path())?
            }
            _ => Refused::begin_at(refused)?,
        };
        let mut log = Self {
            progress: Progress::new(length),
            journal,
            refused,
            counts: Counts::default(),
            position: None,
        };
        if let Some(Entry {
            position, counts, ..
        }) = before
        {
            log.counts = counts;
            log.progress.begin_at(position.offset, counts.total());
            let line = HumanCount(position.line);
            log.progress
                .say(&format!("goes on after line {line}, where it stopped"));
        }
        Ok(log)
    }

    /// The journal never speaks of a refused line that the disk doesn't have.
    fn write_down(&mut self, is_synced: bool) -> Result<(), TransferError> {
        if is_synced {
            self.refused.sync()?;
        }
        let (Some(journal), Some(position)) = (&mut self.journal, self.position) else {
            return Ok(());
        };
        journal.write(position, self.refused.length(), self.counts, is_synced)
    }

    fn end(mut self, ran: Result<bool, TransferError>) -> Result<Ended, TransferError> {
        let is_whole = matches!(ran, Ok(true));
        if is_whole {
            self.refused.sync()?;
            self.journal.take().map_or(Ok(()), Journal::remove)?;
        } else {
            self.write_down(true)?;
        }
        // What came before a fault was done nonetheless.
        if ran.is_ok() || self.position.is_some() {
            self.tell();
        }
        ran?;
        if !is_whole {
            // Without a journal, the same command begins anew, and finds users there already.
            println!("stopped: run the same command to go on");
            return Ok(Ended::Interrupted);
        }
        Ok(if self.counts.refused > 0 {
            Ended::WithRefusals
        } else {
            Ended::Whole
        })
    }

    /// Says how many lines ended how.
    fn tell(&self) {
        self.progress.clear();
        let Counts {
            created,
            found,
            refused,
        } = self.counts;
        let [total, created, found, refused_lines] =
            [self.counts.total(), created, found, refused].map(HumanCount);
        println!(
            "{total} users: {created} created, {found} there already, {refused_lines} refused"
        );
        if refused > 0 {
            println!(
                "refused lines, maybe with password hashes: {}",
                self.refused.path().display()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Form;

    fn lines(text: &str) -> Lines {
        let mut batches = Batches::of(Records::of_text(text.as_bytes()));
        Lines::of(batches.next_batch().unwrap().unwrap())
    }

    fn settle(lines: &mut Lines, statuses: &[(usize, u16)]) -> Step {
        let outcomes = statuses.iter().map(|(line, status)| {
            let outcome = json!({ "line": line, "status": status, "detail": "No." });
            serde_json::from_value(outcome).unwrap()
        });
        lines.settle_all(outcomes.collect())
    }

    fn body(lines: &Lines) -> String {
        String::from_utf8(lines.call().body.to_vec()).unwrap()
    }

    fn refused(lines: &Lines) -> Vec<Value> {
        let refused = lines.refused.iter();
        refused
            .map(|line| serde_json::to_value(line).unwrap())
            .collect()
    }

    #[test]
    fn lines_that_were_not_tried_go_out_again_and_no_others() {
        let mut lines = lines("1\n\n2\n3\n4\n5\n");
        assert_eq!(body(&lines), "1\n2\n3\n4\n5\n");
        // Of line 5 the answer says nothing.
        let step = settle(&mut lines, &[(1, 201), (2, 503), (3, 200), (4, 422)]);
        assert_eq!((step, body(&lines).as_str()), (Step::Next, "2\n5\n"));
        let step = settle(&mut lines, &[(1, 503), (2, 503)]);
        assert_eq!((step, body(&lines).as_str()), (Step::Later, "2\n5\n"));
        let step = settle(&mut lines, &[(1, 201), (2, 201)]);
        assert_eq!(step, Step::Done);
        let wanted = Counts {
            created: 3,
            found: 1,
            refused: 1,
        };
        assert_eq!(lines.counts, wanted);
        let line = json!({ "line": 5, "status": 422, "problem": { "detail": "No." }, "user": 4 });
        assert_eq!(refused(&lines), [line]);
        let end = Position {
            form: Form::Lines,
            offset: 11,
            line: 6,
        };
        assert_eq!(lines.end, end);
    }

    #[test]
    fn a_conflict_is_final_the_second_time() {
        let mut lines = lines("1\n2\n");
        let step = settle(&mut lines, &[(1, 409), (2, 409)]);
        assert_eq!((step, body(&lines).as_str()), (Step::Next, "1\n2\n"));
        assert_eq!(settle(&mut lines, &[(1, 409), (2, 201)]), Step::Done);
        assert_eq!((lines.counts.created, lines.counts.refused), (1, 1));
    }

    #[test]
    fn a_request_that_is_too_large_is_halved_down_to_one_line() {
        let mut lines = lines("1\n2\n3\n");
        assert_eq!(
            (lines.halve(""), body(&lines).as_str()),
            (Step::Next, "1\n")
        );
        assert_eq!(
            (lines.halve("Large."), body(&lines).as_str()),
            (Step::Next, "2\n")
        );
        assert_eq!(settle(&mut lines, &[(1, 201)]), Step::Next);
        assert_eq!(settle(&mut lines, &[(1, 201)]), Step::Done);
        let line =
            json!({ "line": 1, "status": 413, "problem": { "detail": "Large." }, "user": 1 });
        assert_eq!(refused(&lines), [line]);
    }

    #[test]
    fn a_refused_line_is_kept_as_it_was() {
        let mut lines = lines("{\"b\": 1.0, \"a\":1e400}\n{\n");
        settle(&mut lines, &[(1, 422), (2, 400)]);
        let text = serde_json::to_string(&lines.refused[0]).unwrap();
        assert!(
            text.ends_with("\"user\":{\"b\": 1.0, \"a\":1e400}}"),
            "{text}"
        );
        let text = serde_json::to_string(&lines.refused[1]).unwrap();
        assert!(text.ends_with("\"text\":\"{\"}"), "{text}");
    }
}

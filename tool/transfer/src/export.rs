//! `export`: the users of the directory, into a file.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Stdout, Write, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::Method;
use indicatif::HumanCount;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use crate::client::{Answer, Call, Client};
use crate::crew::{self, Job, Step, Watch, patiently};
use crate::error::beside;
use crate::progress::Progress;
use crate::refused::private;
use crate::{Ended, Target, TransferError};

/// Export users: one in each line, as `GET /api/users/{user_id}` shows them.
///
/// Password hashes are not in it: no call shows them. `import` takes such a file; its users then have to
/// set a new password.
///
/// A user who comes while the export runs is in it or not; one who goes is left out.
#[derive(Args, Debug)]
pub struct ExportArguments {
    #[command(flatten)]
    target: Target,
    /// The file, readable by you alone. It is there when all users are in it. Without it they go to
    /// standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Exports all users.
pub async fn export(arguments: ExportArguments) -> Result<Ended, TransferError> {
    let client = Arc::new(Client::new(&arguments.target)?);
    let output = Output::open(arguments.out)?;
    let (send, jobs) = mpsc::channel(1);
    let (tell, total) = oneshot::channel();
    let walk = tokio::spawn(walk(Arc::clone(&client), send, tell));
    let mut log = Log {
        progress: None,
        total,
        output,
        written: 0,
        passed: 0,
    };
    let ran = crew::run(&client, jobs, &mut log).await;
    walk.abort();
    log.end(ran)
}

/// A user of a page.
#[derive(Deserialize)]
struct Summary {
    user_id: String,
}

#[derive(Deserialize)]
struct Pagination {
    total_count: u64,
}

type Jobs = mpsc::Sender<Result<User, TransferError>>;

/// Walks the list by its cursor, from page to page.
async fn walk(client: Arc<Client>, jobs: Jobs, total: oneshot::Sender<u64>) {
    if let Err(error) = hand_out(&client, &jobs, total).await {
        // The receiver is gone where the export has ended.
        let _ = jobs.send(Err(error)).await;
    }
}

async fn hand_out(
    client: &Client,
    jobs: &Jobs,
    total: oneshot::Sender<u64>,
) -> Result<(), TransferError> {
    let mut total = Some(total);
    let mut path = "/api/users?size=100".to_owned();
    loop {
        let call = Call {
            method: Method::GET,
            path,
            body: Bytes::new(),
        };
        let answer = patiently(client, call, total.is_some()).await?;
        if answer.status != 200 {
            return Err(client.refusal(&answer));
        }
        let header = |name| answer.headers.get(name).and_then(|it| it.to_str().ok());
        let users: Result<Vec<Summary>, _> = serde_json::from_slice(&answer.body);
        let users = users.map_err(|_| client.is_not_roster("its answer is no list of users"))?;
        if let Some(total) = total.take() {
            let pagination = header("x-pagination").and_then(|it| serde_json::from_str(it).ok());
            let Pagination { total_count } = pagination
                .ok_or_else(|| client.is_not_roster("its list has no header x-pagination"))?;
            let _ = total.send(total_count);
        }
        let cursor = header("x-next-cursor");
        path = cursor.map_or_else(String::new, |cursor| {
            let cursor = utf8_percent_encode(cursor, NON_ALPHANUMERIC);
            format!("/api/users?size=100&cursor={cursor}")
        });
        for Summary { user_id } in users {
            if jobs.send(Ok(User::named(user_id))).await.is_err() {
                return Ok(());
            }
        }
        if path.is_empty() {
            return Ok(());
        }
    }
}

/// A user who is written whole.
struct User {
    id: String,
    /// None where the user was deleted since.
    body: Option<Bytes>,
}

impl User {
    const fn named(id: String) -> Self {
        Self { id, body: None }
    }
}

impl Job for User {
    fn call(&self) -> Call {
        Call {
            method: Method::GET,
            path: format!("/api/users/{}", self.id),
            body: Bytes::new(),
        }
    }

    fn users(&self) -> u32 {
        1
    }

    fn take(&mut self, answer: Answer, client: &Client) -> Result<Step, TransferError> {
        match answer.status {
            200 => self.body = Some(answer.body),
            404 => {}
            _ => return Err(client.refusal(&answer)),
        }
        Ok(Step::Done)
    }
}

/// Where the users go.
enum Output {
    Standard(BufWriter<Stdout>),
    File {
        file: BufWriter<File>,
        /// Its name until it is whole.
        partial: PathBuf,
        path: PathBuf,
    },
}

impl Output {
    fn open(path: Option<PathBuf>) -> Result<Self, TransferError> {
        let Some(path) = path else {
            return Ok(Self::Standard(BufWriter::new(stdout())));
        };
        let partial = beside(&path, ".partial");
        // What an export left behind that was killed may be readable by others.
        match std::fs::remove_file(&partial) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(TransferError::file(&partial, error));
            }
            _ => {}
        }
        let file = private().write(true).truncate(true).open(&partial);
        let file = file.map_err(|error| TransferError::file(&partial, error))?;
        Ok(Self::File {
            file: BufWriter::new(file),
            partial,
            path,
        })
    }

    fn fault(&self, error: std::io::Error) -> TransferError {
        match self {
            Self::Standard(_) => TransferError::file(Path::new("standard output"), error),
            Self::File { path, .. } => TransferError::file(path, error),
        }
    }

    fn write(&mut self, user: &[u8]) -> Result<(), TransferError> {
        let out: &mut dyn Write = match self {
            Self::Standard(out) => out,
            Self::File { file, .. } => file,
        };
        // A line break between JSON's tokens counts as little as a space.
        let line: Vec<u8> = user
            .iter()
            .map(|byte| if *byte == b'\n' { b' ' } else { *byte })
            .collect();
        let written = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
        written.map_err(|error| self.fault(error))
    }

    /// All users are written.
    fn finish(&mut self) -> Result<(), TransferError> {
        let finished = match self {
            Self::Standard(out) => out.flush(),
            Self::File {
                file,
                partial,
                path,
            } => file
                .flush()
                .and_then(|()| file.get_ref().sync_all())
                .and_then(|()| std::fs::rename(partial, path)),
        };
        finished.map_err(|error| self.fault(error))
    }

    /// Not all users are written: a part must not be taken for all of them.
    fn give_up(&mut self) {
        match self {
            // What was fetched may as well be seen.
            Self::Standard(out) => drop(out.flush()),
            Self::File { partial, .. } => drop(std::fs::remove_file(partial)),
        }
    }
}

struct Log {
    progress: Option<Progress>,
    total: oneshot::Receiver<u64>,
    output: Output,
    written: u64,
    passed: u64,
}

impl Watch<User> for Log {
    fn done(&mut self, user: User) -> Result<(), TransferError> {
        if let Some(body) = &user.body {
            self.output.write(body)?;
            self.written += 1;
        }
        self.passed += 1;
        // The number of users came before the first of them.
        let total = &mut self.total;
        let progress = self
            .progress
            .get_or_insert_with(|| Progress::new(total.try_recv().ok()));
        progress.is_at(self.passed, self.written);
        Ok(())
    }

    fn waits(&mut self, pause: Duration) {
        if let Some(progress) = &self.progress {
            progress.waits(pause);
        }
    }
}

impl Log {
    fn end(mut self, ran: Result<bool, TransferError>) -> Result<Ended, TransferError> {
        let ended = match ran {
            Ok(true) => self.output.finish().map(|()| Ended::Whole),
            Ok(false) => Ok(Ended::Interrupted),
            Err(error) => Err(error),
        };
        if !matches!(ended, Ok(Ended::Whole)) {
            self.output.give_up();
        }
        drop(self.progress);
        let written = HumanCount(self.written);
        match (&ended, &self.output) {
            (Ok(Ended::Whole), Output::File { path, .. }) => {
                println!("{written} users in {}", path.display());
            }
            (Ok(Ended::Whole), Output::Standard(_)) => eprintln!("{written} users"),
            (Ok(_), Output::File { path, .. }) => {
                println!("stopped: {} was not written", path.display());
            }
            (Ok(_), Output::Standard(_)) => eprintln!("stopped after {written} users"),
            (Err(_), _) => {}
        }
        ended
    }
}

//! `export`: the users of the directory, into a file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use crate::client::{Answer, Call, Client};
use crate::crew::{self, Job, Step, Watch, patiently};
use crate::output::Output;
use crate::progress::Progress;
use crate::{Ended, Target, TransferError};

/// Exports all users by the API: one in each line, as `GET /api/users/{user_id}` shows them.
///
/// A user who comes while the export runs is in it or not; one who goes is left out.
pub async fn export(target: &Target, out: Option<PathBuf>) -> Result<Ended, TransferError> {
    let client = Arc::new(Client::new(target)?);
    let output = Output::open(out)?;
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
    fn end(self, ran: Result<bool, TransferError>) -> Result<Ended, TransferError> {
        drop(self.progress);
        self.output.end(ran, self.written)
    }
}

//! A directory that is measured: Roster with its store and its users.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use hyper::header::{HeaderName, HeaderValue};
use processes::{Call, Connection, Failure, Running};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::sleep;

use crate::crowd::Crowd;
use crate::import::{self, Import};
use crate::store::{Place, Store};

const KEY: HeaderName = HeaderName::from_static("x-api-key");
pub(crate) const ADMINISTRATOR: &str = "local-admin-key";
/// How many cursors are kept, so that not all requests ask for the same page.
const CURSORS: u32 = 20;
/// The largest page.
const MAX_SIZE: u32 = 100;
/// How long the consumers of the stream may take for the last users that were imported.
const MAX_TO_SETTLE: Duration = Duration::from_mins(10);

/// A directory.
pub(crate) struct Site {
    pub(crate) crowd: Crowd,
    /// How its users came.
    pub(crate) import: Import,
    pub(crate) connection: Connection,
    /// Cursors of pages in the middle of a walk through all users.
    pub(crate) cursors: Vec<String>,
    pub(crate) roster: Running,
    /// Dropped after Roster: it ends the store.
    pub(crate) place: Place,
}

/// A call with the administrator's key.
pub(crate) fn get(path: &str) -> Call {
    Call::get(path).with(KEY, &HeaderValue::from_static(ADMINISTRATOR))
}

impl Site {
    /// Starts a directory, fills it by the tool, and waits until what follows from that is done.
    pub(crate) async fn fill(
        root: &Path,
        store: &Store,
        crowd: Crowd,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let users = crowd.users();
        let folder = folder.join(format!("{store}-{users}"));
        fs::create_dir_all(&folder)?;
        let place = store.place(&folder).await?;
        let program = root.join("target/fast/roster");
        let command = |address| roster(&program, root, &place, address);
        let mut roster = Running::start(command, &folder.join("log"))?;
        roster.first_answer(|| get("/api/users?size=1")).await?;

        let file = folder.join("users.ndjson");
        crowd.write(&file)?;
        let import = import::run(&program, &file, crowd, roster.address).await;
        let import = import.map_err(|error| roster.explained(error))?;
        eprintln!(
            "{store}: {users} users imported in {:.0} s, at most {} KiB",
            import.took.as_secs_f64(),
            import.peak_kib
        );
        let mut site = Self {
            crowd,
            import,
            connection: Connection::open(roster.address).await?,
            cursors: Vec::new(),
            roster,
            place,
        };
        let ready = site.get_ready().await;
        ready.map_err(|error| site.roster.explained(error))?;
        Ok(site)
    }

    async fn get_ready(&mut self) -> Result<(), Failure> {
        self.settle().await?;
        self.cursors = self.walk_to_the_middle().await?;
        Ok(())
    }

    /// Waits until the consumers of the stream have counted all users.
    async fn settle(&mut self) -> Result<(), Failure> {
        let began = Instant::now();
        loop {
            let answer = self.connection.answer(get("/api/users?size=1")).await?;
            let pagination = answer.headers().get("x-pagination");
            let pagination = pagination.ok_or("a list has no x-pagination")?;
            let pagination: Value = serde_json::from_slice(pagination.as_bytes())?;
            if pagination["total_count"] == self.crowd.users() {
                return Ok(());
            }
            if began.elapsed() > MAX_TO_SETTLE {
                return Err(format!("not all users are counted: {pagination}").into());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// The cursors of some pages in the middle of a walk through all users.
    async fn walk_to_the_middle(&mut self) -> Result<Vec<String>, Failure> {
        let (mut cursors, mut cursor) = (Vec::new(), None);
        let middle = (self.crowd.users() / 2).div_ceil(MAX_SIZE);
        for step in 0..middle + CURSORS {
            let size = if step < middle { MAX_SIZE } else { 10 };
            let path = match &cursor {
                None => format!("/api/users?size={size}"),
                Some(cursor) => format!("/api/users?size={size}&cursor={cursor}"),
            };
            let answer = self.connection.answer(get(&path)).await?;
            let next = answer.headers().get("x-next-cursor");
            let next = next.ok_or("the walk ends before its middle")?.to_str()?;
            if step >= middle {
                cursors.push(next.to_owned());
            }
            cursor = Some(next.to_owned());
        }
        Ok(cursors)
    }
}

/// Roster as `cargo run` serves it.
fn roster(program: &Path, root: &Path, place: &Place, address: SocketAddr) -> Command {
    let mut roster = Command::new(program);
    roster
        .current_dir(root)
        .args(["--port", &address.port().to_string()])
        .args(["--empty", "--no-throttle"])
        .args(place.arguments());
    roster
}

//! `export --table`: users with their passwords' hashes, from the table itself.

use std::path::PathBuf;
use std::pin::pin;

use domain::User;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use roster_http::{Clock, ExportedUserBody};
use store::{Place, Scan, StoreError, UserPage, with_sources};
use tokio::signal::ctrl_c;
use transfer::{Ended, Output, Progress};

use crate::patience::patiently;
use crate::{MaintenanceError, SEGMENTS, TableTarget};

/// Exports all users from the table: one in each line, as `GET /api/users/{user_id}` shows them, and the
/// password's hash beside it. Those whose items can't be read are named on standard error, and left out.
///
/// # Errors
///
/// The table can't be read, or the file not be written.
pub async fn export(target: &TableTarget, out: Option<PathBuf>) -> Result<Ended, MaintenanceError> {
    let table = target.open().await?;
    let mut export = Export {
        output: Output::open(out)?,
        progress: Progress::new(None),
        written: 0,
        unreadable: 0,
    };
    let ran = export.run(target, &Scan::new(table, SEGMENTS)).await;
    drop(export.progress);
    let ended = export.output.end(ran, export.written)?;
    Ok(match (ended, export.unreadable) {
        (Ended::Whole, 1..) => Ended::WithRefusals,
        (ended, _) => ended,
    })
}

struct Export {
    output: Output,
    progress: Progress,
    written: u64,
    unreadable: u64,
}

impl Export {
    /// Whether all was read, and not ended by Ctrl-C.
    async fn run(&mut self, target: &TableTarget, scan: &Scan) -> Result<bool, MaintenanceError> {
        let mut interrupt = pin!(ctrl_c());
        let page = async |place: Place| patiently(async || scan.users(&place).await).await;
        let mut pages: FuturesUnordered<_> = scan.places().into_iter().map(page).collect();
        loop {
            tokio::select! {
                read = pages.next() => match read {
                    None => return Ok(true),
                    Some(read) => {
                        let UserPage { users, next } = read.map_err(|error| target.fault(error))?;
                        pages.extend(next.map(page));
                        for (partition, user) in users {
                            self.write(&partition, user)?;
                        }
                    }
                },
                _ = &mut interrupt => return Ok(false),
            }
        }
    }

    fn write(
        &mut self,
        partition: &str,
        user: Result<User, StoreError>,
    ) -> Result<(), MaintenanceError> {
        match user {
            Ok(user) => {
                let body = ExportedUserBody::of(&user, Clock::System.now());
                let line = serde_json::to_vec(&body);
                self.output
                    .write(&line.expect("texts, numbers and JSON can be written as JSON"))?;
                self.written += 1;
            }
            Err(error) => {
                let reason = with_sources(&error);
                self.progress
                    .say(&format!("{partition} is left out: {reason}"));
                self.unreadable += 1;
            }
        }
        self.progress.is_at(self.written, self.written);
        Ok(())
    }
}

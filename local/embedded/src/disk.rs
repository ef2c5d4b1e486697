//! Makes sure that a write is on the disk before it is answered.
//!
//! SQLite alone would make every commit wait for the disk, and all other requests wait for that commit.
//! Here (`synchronous=NORMAL`) SQLite waits only when it moves the write-ahead log into the database. A
//! request that writes is answered once the log is on the disk. One such wait is enough for all commits
//! that were made before it began. An answered write is never lost, as with `synchronous=FULL`
//! (<https://sqlite.org/pragma.html#pragma_synchronous>). A read may see a write some milliseconds
//! before it is on the disk.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Mutex;
use tracing::error;

/// The write-ahead log of a database file.
pub(super) struct Disk(Arc<Log>);

struct Log {
    file: File,
    committed: AtomicU64,
    /// How many of the commits are on the disk. The holder of the lock waits for the disk.
    kept: Mutex<u64>,
    is_broken: AtomicBool,
}

impl Disk {
    /// The disk with the database in `file`, which is open. SQLite resolves symbolic links, so the path
    /// is resolved here, too.
    pub(super) fn below(file: &Path) -> io::Result<Self> {
        let mut log = file.canonicalize()?.into_os_string();
        log.push("-wal");
        // Some systems sync a file only if it was opened for writing.
        let file = File::options().read(true).write(true).open(log)?;
        Ok(Self::of(file))
    }

    pub(super) fn of(file: File) -> Self {
        Self(Arc::new(Log {
            file,
            committed: AtomicU64::new(0),
            kept: Mutex::new(0),
            is_broken: AtomicBool::new(false),
        }))
    }

    /// Waits until the commits up to now are on the disk; false when they never will be.
    pub(super) async fn keep(&self) -> bool {
        let commit = self.0.committed.fetch_add(1, Ordering::AcqRel) + 1;
        // The wait must not end when the request does: the system reports a failure only once.
        let kept = tokio::spawn(Arc::clone(&self.0).keep(commit)).await;
        kept.unwrap_or(false)
    }

    /// How many commits are on the disk.
    #[cfg(test)]
    pub(super) async fn kept(&self) -> u64 {
        *self.0.kept.lock().await
    }

    /// The disk has failed once. Linux then drops the data that it could not write, and does not report
    /// the failure again. So later writes could be lost, too.
    pub(super) fn is_broken(&self) -> bool {
        self.0.is_broken.load(Ordering::Acquire)
    }
}

impl Log {
    async fn keep(self: Arc<Self>, commit: u64) -> bool {
        let mut kept = self.kept.lock().await;
        if *kept < commit {
            let up_to = self.committed.load(Ordering::Acquire);
            let log = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || log.file.sync_data()).await {
                Ok(Ok(())) => *kept = up_to,
                Ok(Err(fault)) => {
                    error!(%fault, "the disk no longer keeps what is written");
                    self.is_broken.store(true, Ordering::Release);
                }
                // The runtime is shutting down.
                Err(_) => return false,
            }
        }
        !self.is_broken.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_commits_wait_together() {
        let file = tempfile::tempfile().unwrap();
        let disk = Disk::of(file);
        let all = (0..100).map(|_| disk.keep());
        let kept = futures_util::future::join_all(all).await;
        assert_eq!(kept, [true; 100]);
        assert_eq!(disk.kept().await, 100);
    }

    #[tokio::test]
    async fn a_disk_that_failed_once_is_never_trusted_again() {
        // `/dev/null` can't be synced.
        let disk = Disk::of(File::open("/dev/null").unwrap());
        assert!(!disk.is_broken());
        assert!(!disk.keep().await);
        assert!(disk.is_broken());
        assert!(!disk.keep().await);
    }

    #[tokio::test]
    async fn a_failure_is_noted_even_if_the_request_has_ended() {
        let disk = Disk::of(File::open("/dev/null").unwrap());
        {
            let mut wait = std::pin::pin!(disk.keep());
            let waker = futures_util::task::noop_waker_ref();
            let mut context = std::task::Context::from_waker(waker);
            assert!(wait.as_mut().poll(&mut context).is_pending());
        }
        while !disk.is_broken() {
            tokio::task::yield_now().await;
        }
    }
}

//! When the disk has what was written.
//!
//! SQLite would have every commit wait for the disk, and all other requests wait for that commit. Here
//! no commit waits (`synchronous=NORMAL`, in which only the write-ahead log's own order is kept): a
//! request is answered once the log is on the disk, and one such wait is for everybody who has
//! committed before it began. What is answered is kept, as with `synchronous=FULL`
//! (<https://sqlite.org/pragma.html#pragma_synchronous>); what others read may be some
//! milliseconds younger than what the disk has.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Mutex;
use tracing::error;

/// The write-ahead log of a database file.
pub(super) struct Disk {
    log: Arc<File>,
    committed: AtomicU64,
    /// How many of the commits the disk has. Whoever holds it waits for the disk.
    kept: Mutex<u64>,
    is_broken: AtomicBool,
}

impl Disk {
    /// The disk below the database in `file`, which is open.
    pub(super) fn below(file: &Path) -> io::Result<Self> {
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        // Some systems sync only what may be written.
        Ok(Self::of(File::options().read(true).write(true).open(log)?))
    }

    fn of(log: File) -> Self {
        Self {
            log: Arc::new(log),
            committed: AtomicU64::new(0),
            kept: Mutex::new(0),
            is_broken: AtomicBool::new(false),
        }
    }

    /// Waits until the disk has what was committed up to now; false when it never will.
    pub(super) async fn keep(&self) -> bool {
        let commit = self.committed.fetch_add(1, Ordering::AcqRel) + 1;
        let mut kept = self.kept.lock().await;
        if *kept < commit {
            let up_to = self.committed.load(Ordering::Acquire);
            let log = Arc::clone(&self.log);
            match tokio::task::spawn_blocking(move || log.sync_data()).await {
                Ok(Ok(())) => *kept = up_to,
                Ok(Err(fault)) => {
                    error!(%fault, "the disk no longer keeps what is written");
                    self.is_broken.store(true, Ordering::Relaxed);
                }
                // At shutdown.
                Err(_) => return false,
            }
        }
        !self.is_broken()
    }

    /// The disk has failed once. Linux then forgets what it could not write, and tells nobody again:
    /// whatever comes after could be lost with it.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
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
        assert_eq!(*disk.kept.lock().await, 100);
    }

    #[tokio::test]
    async fn a_disk_that_failed_once_is_never_trusted_again() {
        // Nothing can be kept there.
        let disk = Disk::of(File::open("/dev/null").unwrap());
        assert!(!disk.is_broken());
        assert!(!disk.keep().await);
        assert!(disk.is_broken());
        assert!(!disk.keep().await);
    }
}

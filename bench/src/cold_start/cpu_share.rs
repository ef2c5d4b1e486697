//! The CPU of a Lambda function of 128 MB: whole cores during init, then a share of one core.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Lambda gives one core for 1,769 MB, and limits its use in periods of 20 ms.
const PERIOD: Duration = Duration::from_millis(20);
const PERIOD_MICROS: u32 = 20_000;
const QUOTA_MICROS: u32 = PERIOD_MICROS * 128 / 1_769;

/// The places of the CPU controller: the two usual ones of cgroup v1, then that of v2.
const HIERARCHIES: [&str; 3] = [
    "/sys/fs/cgroup/cpu",
    "/sys/fs/cgroup/cpu,cpuacct",
    "/sys/fs/cgroup",
];

/// A cgroup, removed when dropped.
pub(crate) struct CpuShare {
    directory: PathBuf,
    quota: PathBuf,
    limited: String,
    unlimited: String,
    /// The start of one period. The kernel keeps the rhythm of the periods for as long as the cgroup
    /// lives.
    origin: Instant,
}

impl CpuShare {
    /// Makes the cgroup; `None` where that isn't allowed.
    pub(crate) fn of_128_mb() -> Option<Self> {
        HIERARCHIES
            .iter()
            .find_map(|hierarchy| Self::below(Path::new(hierarchy)).ok())
    }

    fn below(hierarchy: &Path) -> io::Result<Self> {
        let directory = hierarchy.join(format!("roster-bench-{}", std::process::id()));
        fs::create_dir(&directory)?;
        let is_v1 = directory.join("cpu.cfs_quota_us").exists();
        let (quota, limited, unlimited) = if is_v1 {
            (
                "cpu.cfs_quota_us",
                QUOTA_MICROS.to_string(),
                "-1".to_owned(),
            )
        } else {
            let unlimited = format!("max {PERIOD_MICROS}");
            (
                "cpu.max",
                format!("{QUOTA_MICROS} {PERIOD_MICROS}"),
                unlimited,
            )
        };
        let share = Self {
            quota: directory.join(quota),
            directory,
            limited,
            unlimited,
            origin: Instant::now(),
        };
        if is_v1 {
            fs::write(
                share.directory.join("cpu.cfs_period_us"),
                PERIOD_MICROS.to_string(),
            )?;
        }
        set(&share.quota, &share.unlimited)?;
        Ok(share)
    }

    /// Puts a process into the cgroup, unlimited at first.
    pub(crate) fn take(&self, process: u32) -> io::Result<()> {
        set(&self.quota, &self.unlimited)?;
        set(&self.directory.join("cgroup.procs"), &process.to_string())
    }

    /// Limits the process from now on, and waits for a moment of the period, from 0 to 1.
    pub(crate) fn limit(&self, moment: f64) {
        set(&self.quota, &self.limited).expect("a quota that was lifted can be set");
        let periods = self.origin.elapsed().as_secs_f64() / PERIOD.as_secs_f64();
        sleep(PERIOD.mul_f64((moment - periods).rem_euclid(1.0)));
    }
}

/// Does not create the file: if it is missing, the hierarchy has no CPU controller.
fn set(file: &Path, value: &str) -> io::Result<()> {
    use std::io::Write as _;
    fs::OpenOptions::new()
        .write(true)
        .open(file)?
        .write_all(value.as_bytes())
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // The cgroup can't be removed while a process that was just killed is still in it.
        for _ in 0..50 {
            if fs::remove_dir(&self.directory).is_ok() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        eprintln!("{} is left over", self.directory.display());
    }
}

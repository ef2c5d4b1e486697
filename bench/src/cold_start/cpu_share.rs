//! The CPU that Lambda gives a function of 128 MB: whole cores during init, then a share of one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// Lambda gives 1,769 MB one core, and meters it every 20 ms: 128 / 1,769 of them, in µs.
const PERIOD: u32 = 20_000;
const QUOTA: u32 = PERIOD * 128 / 1_769;

/// Where the CPU controller is: cgroup v1 in its two usual places, then v2.
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
}

impl CpuShare {
    /// Makes the cgroup; none where that isn't allowed.
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
            ("cpu.cfs_quota_us", QUOTA.to_string(), "-1".to_owned())
        } else {
            let unlimited = format!("max {PERIOD}");
            ("cpu.max", format!("{QUOTA} {PERIOD}"), unlimited)
        };
        let share = Self {
            quota: directory.join(quota),
            directory,
            limited,
            unlimited,
        };
        if is_v1 {
            fs::write(
                share.directory.join("cpu.cfs_period_us"),
                PERIOD.to_string(),
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

    /// Limits the process from now on.
    pub(crate) fn limit(&self) {
        set(&self.quota, &self.limited).expect("a quota that was lifted can be set");
    }
}

/// Never makes the file: where it is missing, the hierarchy has no CPU controller.
fn set(file: &Path, value: &str) -> io::Result<()> {
    use std::io::Write as _;
    fs::OpenOptions::new()
        .write(true)
        .open(file)?
        .write_all(value.as_bytes())
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // Not while a process that was just killed is still in it.
        for _ in 0..50 {
            if fs::remove_dir(&self.directory).is_ok() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        eprintln!("{} is left over", self.directory.display());
    }
}

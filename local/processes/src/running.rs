//! A service as processes of its own: they are started, watched and stopped together.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::{Call, Connection, Failure};

/// How long a service may take to answer after its start.
const MAX_TO_START: Duration = Duration::from_mins(1);
const MAX_TO_STOP: Duration = Duration::from_secs(10);
const MAX_OF_A_LOG: usize = 2_000;
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// A running service with all processes that it started. They are killed when this value is dropped.
#[derive(Debug)]
pub struct Running {
    /// The address on which it listens.
    pub address: SocketAddr,
    process: Child,
    /// The service's own process group, with its workers.
    group: Option<Pid>,
    started: Instant,
    log: PathBuf,
}

impl Running {
    /// Starts the service that `command` makes for a free port. Its output goes into `log`.
    pub fn start(command: impl FnOnce(SocketAddr) -> Command, log: &Path) -> Result<Self, Failure> {
        let address = free_address()?;
        let file = File::create(log)?;
        let started = Instant::now();
        let process = command(address)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()?;
        let group = process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self {
            address,
            process,
            group,
            started,
            log: log.to_owned(),
        })
    }

    /// Sends requests until the answer is the expected one. Returns how long after the start that was.
    pub async fn first_answer(&mut self, call: impl Fn() -> Call) -> Result<Duration, Failure> {
        loop {
            let answer = match Connection::open(self.address).await {
                Ok(mut connection) => connection.ask(call()).await,
                Err(error) => Err(error),
            };
            let Err(error) = answer else {
                return Ok(self.started.elapsed());
            };
            if self.process.try_wait()?.is_some() || self.started.elapsed() > MAX_TO_START {
                return Err(self.explained(error));
            }
            sleep(BETWEEN_TRIES).await;
        }
    }

    /// The error with the service's last output.
    pub fn explained(&self, error: Failure) -> Failure {
        let log = fs::read(&self.log).unwrap_or_default();
        let last = log.split_at(log.len().saturating_sub(MAX_OF_A_LOG)).1;
        let last = String::from_utf8_lossy(last);
        format!("{error}\nWhat it printed last:\n{last}").into()
    }

    /// The id of the process that was started.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// The CPU that its processes have used up to now.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        let ticks: u64 = self.processes()?.iter().map(|process| process.ticks).sum();
        Ok(Duration::from_millis(
            ticks * 1_000 / clock_ticks_per_second(),
        ))
    }

    /// The memory of its processes, in KiB. Shared memory counts once for each process.
    pub fn memory(&self) -> Result<u32, Failure> {
        let mut kib = 0;
        for process in self.processes()? {
            kib += self::kib(&process.directory, "VmRSS:").ok_or("a process has no VmRSS")?;
        }
        Ok(kib)
    }

    fn processes(&self) -> Result<Vec<Process>, Failure> {
        let group = self.group.ok_or("it was stopped")?.as_raw_nonzero().get();
        let mut members = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let directory = entry?.path();
            // The file is missing for a process that has just ended, and for a folder that is no
            // process.
            let Ok(stat) = fs::read_to_string(directory.join("stat")) else {
                continue;
            };
            if let Some((member_of, ticks)) = group_and_ticks(&stat)
                && member_of == group
            {
                members.push(Process { directory, ticks });
            }
        }
        Ok(members)
    }

    /// Lets the service close its files. If it does not end within some time, it is killed.
    pub async fn stop(mut self) -> Result<(), Failure> {
        if let Some(group) = self.group {
            // Only the first process gets the signal: it stops its workers itself.
            kill_process(group, Signal::INT)?;
        }
        if let Ok(ended) = timeout(MAX_TO_STOP, self.process.wait()).await {
            ended?;
        } else {
            self.process.kill().await?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(group) = self.group.take() {
            // After a stop there is no process left to kill.
            kill_process_group(group, Signal::KILL).ok();
        }
    }
}

/// The most memory that a process has held up to now, in KiB; `None` once it has ended.
pub fn peak_memory(process: u32) -> Option<u32> {
    kib(&Path::new("/proc").join(process.to_string()), "VmHWM:")
}

struct Process {
    directory: PathBuf,
    ticks: u64,
}

/// A number of proc(5)'s `status`.
fn kib(directory: &Path, name: &str) -> Option<u32> {
    let status = fs::read_to_string(directory.join("status")).ok()?;
    let number = status.lines().find_map(|line| line.strip_prefix(name))?;
    number.trim().strip_suffix(" kB")?.parse().ok()
}

/// The process group, and the CPU used in user and in system mode, from proc(5)'s `stat`.
fn group_and_ticks(stat: &str) -> Option<(i32, u64)> {
    // The second field is the program's name. It is in brackets and may contain any characters.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<_> = fields.split(' ').collect();
    let group = fields.get(2)?.parse().ok()?;
    let user: u64 = fields.get(11)?.parse().ok()?;
    let system: u64 = fields.get(12)?.parse().ok()?;
    Some((group, user + system))
}

/// An address of this machine on which nothing listens at the moment.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

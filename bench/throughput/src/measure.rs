//! The services with one number of users: they get their data once, and are then measured in rounds.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::header::HeaderValue;
use processes::{Failure, Running};
use tokio::time::sleep;

use crate::load::{self, Load, Reading};
use crate::service::{Programs, Service};
use crate::work::{Directory, Task, Work};
use crate::{Plan, report};

/// How many users have a password and sign in.
pub(crate) const SIGNERS: u32 = 200;
const SEEDED_AT_A_TIME: usize = 16;
const WARM_UP: Duration = Duration::from_millis(500);
/// How long the services are watched without requests.
const IDLE: Duration = Duration::from_secs(20);

/// A kind of work, a number of connections, and a service.
pub(crate) type Cell = (Work, usize, Service);

/// The results for one number of users.
#[derive(Default)]
pub(crate) struct Measured {
    /// One result of each round.
    pub(crate) cells: BTreeMap<Cell, Vec<Reading>>,
    /// What each service uses in addition to its work.
    pub(crate) upkeep: BTreeMap<Service, Upkeep>,
}

/// What a service uses in addition to its work.
pub(crate) struct Upkeep {
    /// How long creating the data took.
    pub(crate) seeding: Duration,
    /// The time from the start to the first user that was read, in each round.
    pub(crate) starts: Vec<Duration>,
    /// The number of users at the end of each round.
    pub(crate) users: Vec<u32>,
    /// In KiB, after the last round.
    pub(crate) memory: u32,
    /// How much of one core the service used without requests, after the last round.
    pub(crate) idle_cpu: f64,
}

/// A service with its data.
struct Site<'a> {
    service: Service,
    programs: &'a Programs,
    /// The data after seeding, the data in use, and the output of the service.
    seeded: PathBuf,
    data: PathBuf,
    log: PathBuf,
    credential: HeaderValue,
    directory: Directory,
    seeding: Duration,
    starts: Vec<Duration>,
    users: Vec<u32>,
}

/// Measures all services at one number of users. Files are made below `directory`.
pub(crate) async fn measure(
    plan: &Plan,
    programs: &Programs,
    users: u32,
    directory: &Path,
) -> Result<Measured, Failure> {
    let mut sites = Vec::new();
    for service in &plan.services {
        let directory = directory.join(format!("{service}-{users}"));
        let seeded = Site::seed(*service, programs, users, directory).await;
        sites.push(seeded.map_err(|error| format!("{service}: {error}"))?);
    }
    let mut measured = Measured::default();
    for round in 0..plan.rounds {
        let running = start(&mut sites, users).await?;
        play(plan, round, &mut sites, &running, &mut measured.cells).await?;
        if round + 1 == plan.rounds {
            measured.upkeep = look_at_idle(&sites, &running).await?;
        }
        for running in running {
            running.stop().await?;
        }
    }
    Ok(measured)
}

/// Starts all services on the seeded data.
async fn start(sites: &mut [Site<'_>], users: u32) -> Result<Vec<Running>, Failure> {
    let mut running = Vec::new();
    for site in sites {
        if site.data.exists() {
            fs::remove_dir_all(&site.data)?;
        }
        copy(&site.seeded, &site.data)?;
        let mut started = site.start()?;
        let first = site.directory.first()?;
        let call = || site.service.call(&first, &site.credential);
        site.starts.push(started.first_answer(call).await?);
        site.users.push(users);
        running.push(started);
    }
    Ok(running)
}

/// One round. All services do the same work before the next work begins, so that a machine that becomes
/// slower slows all of them down. Each round begins with another service.
async fn play(
    plan: &Plan,
    round: usize,
    sites: &mut [Site<'_>],
    running: &[Running],
    cells: &mut BTreeMap<Cell, Vec<Reading>>,
) -> Result<(), Failure> {
    for &work in &plan.works {
        for &connections in &plan.connections {
            eprint!("round {}, {work}, {connections} connections:", round + 1);
            for turn in 0..sites.len() {
                let index = (round + turn) % sites.len();
                let (site, running) = (&mut sites[index], &running[index]);
                let (warm_up, time) = if work.hashes() {
                    // Hashing needs no warm-up: it is as slow from the first request on.
                    (Duration::ZERO, plan.hash_time)
                } else {
                    (WARM_UP, plan.time)
                };
                let load = Load {
                    address: running.address,
                    connections,
                    warm_up,
                    time,
                };
                let reading = site.work(work, load).await;
                let reading = reading.map_err(|error| running.explained(error))?;
                eprint!(" {} {}/s", site.service, report::short(reading.rate));
                let cell = (work, connections, site.service);
                cells.entry(cell).or_default().push(reading);
            }
            eprintln!();
        }
    }
    Ok(())
}

/// Memory and CPU of the services without requests. All are watched at the same time.
async fn look_at_idle(
    sites: &[Site<'_>],
    running: &[Running],
) -> Result<BTreeMap<Service, Upkeep>, Failure> {
    let mut before = Vec::new();
    let began = Instant::now();
    for running in running {
        before.push((running.memory()?, running.cpu()?));
    }
    sleep(IDLE).await;
    let mut upkeep = BTreeMap::new();
    for (site, (running, (memory, cpu))) in sites.iter().zip(running.iter().zip(before)) {
        let used = running.cpu()?.saturating_sub(cpu);
        let taken = Upkeep {
            seeding: site.seeding,
            starts: site.starts.clone(),
            users: site.users.clone(),
            memory,
            idle_cpu: used.as_secs_f64() / began.elapsed().as_secs_f64(),
        };
        upkeep.insert(site.service, taken);
    }
    Ok(upkeep)
}

impl<'a> Site<'a> {
    /// Makes the data. Users are created by the service's own API.
    async fn seed(
        service: Service,
        programs: &'a Programs,
        users: u32,
        directory: PathBuf,
    ) -> Result<Self, Failure> {
        let seeded = directory.join("seeded");
        fs::create_dir_all(&seeded)?;
        let log = directory.join("log");
        service.prepare(programs, &seeded).await?;
        let command = |address| service.command(programs, &seeded, address);
        let mut running = Running::start(command, &log)?;
        running.first_answer(|| service.probe()).await?;
        let credential = service.credential(running.address).await?;

        let mut made = Directory::new();
        let mut emails = Vec::new();
        let mut calls = Vec::new();
        for index in 0..users {
            let user = made.new_user(index < SIGNERS);
            emails.push(user.email());
            calls.push(service.call(&Task::Create(user), &credential));
        }
        let began = Instant::now();
        let answers = load::send_all(running.address, SEEDED_AT_A_TIME, calls)
            .await
            .map_err(|error| running.explained(error))?;
        let seeding = began.elapsed();
        eprintln!(
            "{service}: {users} users made in {:.1} s",
            seeding.as_secs_f64()
        );
        running.stop().await?;

        let people = answers[SIGNERS as usize..]
            .iter()
            .map(|answer| id(service, answer));
        let people = people.collect::<Result<_, _>>()?;
        emails.truncate(SIGNERS as usize);
        made.settle(people, emails);
        Ok(Self {
            service,
            programs,
            data: directory.join("data"),
            seeded,
            log,
            credential,
            directory: made,
            seeding,
            starts: Vec::new(),
            users: Vec::new(),
        })
    }

    fn start(&self) -> Result<Running, Failure> {
        let command = |address| self.service.command(self.programs, &self.data, address);
        Running::start(command, &self.log)
    }

    async fn work(&mut self, work: Work, load: Load) -> Result<Reading, Failure> {
        let (service, credential) = (self.service, &self.credential);
        let directory = &mut self.directory;
        let reading = load::run(load, |connection| {
            let task = directory.draw(work, connection, load.connections);
            service.call(&task, credential)
        })
        .await?;
        if let (true, Some(users)) = (work.creates(), self.users.last_mut()) {
            *users += reading.answered;
        }
        Ok(reading)
    }
}

fn id(service: Service, answer: &Bytes) -> Result<String, Failure> {
    let user = serde_json::from_slice(answer)?;
    let id = service.id_of(&user);
    id.ok_or_else(|| format!("a created user has no id: {user}").into())
}

/// Copies a directory with everything in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}

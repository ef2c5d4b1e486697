//! `throughput`: Roster compared with two yardsticks. All do the same work on one machine.
//! **Invariant:** it uses the services only by their HTTP APIs, and depends on no other crate of this
//! workspace but `processes`.

mod django;
mod load;
mod management;
mod measure;
mod pocketbase;
mod report;
mod roster;
mod service;
mod work;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum as _};
use processes::Failure;
use tokio::signal::unix::{SignalKind, signal};

use crate::measure::SIGNERS;
use crate::service::{Programs, Service};
use crate::work::Work;

/// Measures Roster, `PocketBase` and Django with allauth in turns.
#[derive(Parser)]
struct Arguments {
    /// How many users the data files begin with.
    #[arg(long, value_delimiter = ',', default_value = "1000,20000")]
    users: Vec<u32>,
    /// What is asked for; all by default.
    #[arg(long, value_delimiter = ',')]
    works: Vec<Work>,
    /// How many requests are under way at a time.
    #[arg(long, value_delimiter = ',', default_value = "1,8,64")]
    connections: Vec<u16>,
    /// How often everything is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// How long each work is measured in a round.
    #[arg(long, default_value = "2", value_parser = seconds)]
    seconds: Duration,
    /// The same for work that hashes passwords.
    #[arg(long, default_value = "5", value_parser = seconds)]
    hash_seconds: Duration,
    /// Which services; all by default.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Service>,
    /// `PocketBase`'s program.
    #[arg(long, default_value = "target/yardsticks/base")]
    pocketbase: PathBuf,
    /// The folder of the python and the gunicorn that have Django and allauth.
    #[arg(long, default_value = "target/yardsticks/django/bin")]
    django: PathBuf,
}

/// What is measured, and for how long.
struct Plan {
    services: Vec<Service>,
    works: Vec<Work>,
    connections: Vec<usize>,
    rounds: usize,
    time: Duration,
    hash_time: Duration,
}

fn seconds(argument: &str) -> Result<Duration, String> {
    let seconds = argument.parse().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero())
        .ok_or_else(|| "must be a number of seconds".to_owned())
}

// One thread, so that as much of the machine as possible is left to the services.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A run that is interrupted is dropped: that stops the services and removes their files.
    let done = tokio::select! {
        done = compare(arguments) => done,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        () = terminated() => Err("terminated".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nthroughput: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn terminated() {
    let mut signals = signal(SignalKind::terminate()).expect("SIGTERM can be waited for");
    signals.recv().await;
}

async fn compare(arguments: Arguments) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .ok_or("the package has no workspace")?;
    let programs = Programs {
        root: root.to_owned(),
        pocketbase: root.join(&arguments.pocketbase),
        django: root.join(&arguments.django),
    };
    let plan = plan(&arguments)?;
    for service in &plan.services {
        service.install(&programs).await?;
    }
    // The folder is not among other temporary files, because these may be in memory, where a write does
    // not wait for a disk.
    let directory = tempfile::Builder::new()
        .prefix("throughput-")
        .tempdir_in(root.join("target"))?;
    report::print_plan(&plan);
    report::print_disk(directory.path())?;
    for &users in &arguments.users {
        let measured = measure::measure(&plan, &programs, users, directory.path()).await?;
        report::print(&plan, users, &measured);
    }
    Ok(())
}

fn plan(arguments: &Arguments) -> Result<Plan, Failure> {
    if arguments.users.iter().any(|users| *users <= SIGNERS) {
        return Err(format!("--users must be over {SIGNERS}, who only sign in").into());
    }
    let mut connections = Vec::new();
    for &number in &arguments.connections {
        if !(1..=SIGNERS).contains(&number.into()) {
            return Err(format!("--connections must be from 1 to {SIGNERS}").into());
        }
        connections.push(number.into());
    }
    let mut works = chosen(&arguments.works, Work::value_variants());
    // The order in which they change the data.
    works.sort();
    Ok(Plan {
        services: chosen(&arguments.only, &Service::ALL),
        works,
        connections,
        rounds: arguments.rounds.into(),
        time: arguments.seconds,
        hash_time: arguments.hash_seconds,
    })
}

fn chosen<T: Copy>(some: &[T], all: &[T]) -> Vec<T> {
    let chosen = if some.is_empty() { all } else { some };
    chosen.to_vec()
}

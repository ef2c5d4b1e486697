//! `scale`: a large directory compared with a small one, on each of the stores; a list that is sorted; and
//! users imported by the tool. It fails when something grows with the directory that must not.
//!
//! **Invariant:** it uses Roster only by its programs and its HTTP API, and depends on no other crate of
//! this workspace but `processes`.

mod compare;
mod crowd;
mod function;
mod import;
mod report;
mod row;
mod site;
mod store;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use processes::{DynamodbLocal, Failure};
use tokio::signal::unix::{SignalKind, signal};

use crate::compare::compare;
use crate::crowd::Crowd;
use crate::function::Function;
use crate::report::Report;
use crate::site::Site;
use crate::store::Store;

/// How many users a directory has that the others are compared with.
const SMALL: Crowd = Crowd::of(1_000);
/// How many users can be sorted: the most that a list in another order may have.
const SORTED: Crowd = Crowd::of(10_000);

/// Measures what depends on the number of users, and what must not.
#[derive(Parser)]
struct Arguments {
    /// Which stores; both by default.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Kind>,
    /// How often everything is measured.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u16).range(2..))]
    rounds: u16,
    /// How many requests of a kind a directory gets in a round.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    requests: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Roster's embedded store, in a file.
    Embedded,
    /// DynamoDB Local, which needs Java and Maven.
    DynamodbLocal,
}

impl Kind {
    /// The large directory: as many users as the store takes in within minutes.
    const fn large(self) -> Crowd {
        match self {
            Self::Embedded => Crowd::of(100_000),
            Self::DynamodbLocal => Crowd::of(10_000),
        }
    }
}

// One thread, so that as much of the machine as possible is left to what is measured.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A run that is interrupted is dropped: that stops the services and removes their files.
    let done = tokio::select! {
        done = measure(&arguments) => done,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        () = terminated() => Err("terminated".into()),
    };
    match done {
        Ok(report) if report.excesses.is_empty() => ExitCode::SUCCESS,
        Ok(report) => {
            for excess in &report.excesses {
                eprintln!("scale: {excess}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("scale: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn terminated() {
    let mut signals = signal(SignalKind::terminate()).expect("SIGTERM can be waited for");
    signals.recv().await;
}

async fn measure(arguments: &Arguments) -> Result<Report, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .ok_or("the package has no workspace")?;
    let kinds = match arguments.only.as_slice() {
        [] => Kind::value_variants(),
        some => some,
    };
    processes::build(root, &["--profile", "fast", "-p", "local"]).await?;
    // The folder is not among other temporary files, because these may be in memory, where a write does
    // not wait for a disk.
    let folder = tempfile::Builder::new()
        .prefix("scale-")
        .tempdir_in(root.join("target"))?;
    let mut report = Report::default();
    for kind in kinds {
        let store = match kind {
            Kind::Embedded => Store::Embedded,
            Kind::DynamodbLocal => {
                let jars = root.join("target/tmp/dynamodb-local");
                Store::DynamodbLocal(DynamodbLocal::fetch(&root.join("tests/pom.xml"), jars)?)
            }
        };
        if *kind == Kind::Embedded {
            function::build(root).await?;
            let site = Site::fill(root, &store, SORTED, folder.path()).await?;
            report.import(&store, &site);
            let mut function = Function::start(root, &site.place.url()).await?;
            let mut sorted = Vec::new();
            for _ in 0..arguments.rounds {
                sorted.push(function.sort().await?);
            }
            report.sorted(site.crowd, &sorted);
        }
        let mut small = Site::fill(root, &store, SMALL, folder.path()).await?;
        let mut large = Site::fill(root, &store, kind.large(), folder.path()).await?;
        report.import(&store, &small);
        report.import(&store, &large);
        let rounds = arguments.rounds.into();
        let pairs = compare(&mut small, &mut large, rounds, arguments.requests.into()).await?;
        report.compared(&store, &small, &large, &pairs);
    }
    report.print();
    Ok(report)
}

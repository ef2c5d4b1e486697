//! `cold_start`: plays Lambda for `get_user` and both yardsticks, and fails when `get_user` is too
//! slow beside them, or too big.
//!
//! It builds what it measures, a binary at a time: cargo unifies features within a build.

mod cpu_share;
mod measure;
mod runtime_api;
mod tls;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use domain::{OperationId, sample};
use embedded::Embedded;
use local::database::Dynamodb;
use local::event::{Context, Incoming, proxy_event};
use local::template::Template;
use local::{database, gateway, port};
use roster_http::Clock;
use store::{Precondition, Settings, Table, Users, Write};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::Instant;

use crate::cpu_share::CpuShare;
use crate::measure::{Run, Setting};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// `get_user` may take at most so much of each yardstick's time, and of bytes.
const MOST_OF_BARE: f64 = 1.2;
const MOST_OF_DEFAULT: f64 = 0.2;
const MOST_BYTES: u64 = 8_500_000;

const USER_ROUTE: &str = "/api/users/{user_id}";

/// What is measured, built with features of nothing but itself.
struct Binary {
    name: &'static str,
    /// Cargo's arguments.
    arguments: &'static str,
    /// Cargo's target directory.
    target: &'static str,
    /// Timed in every so many rounds.
    every: u32,
}

const BINARIES: [Binary; 3] = [
    Binary {
        name: "get_user",
        arguments: "-p functions",
        target: "target",
        every: 1,
    },
    Binary {
        name: "bare_get_item",
        arguments: "-p bench",
        target: "target",
        every: 1,
    },
    // Slow, and far from its bound.
    Binary {
        name: "default_get_item",
        arguments: "-p bench --features default-sdk",
        target: "target/default-sdk",
        every: 5,
    },
];

/// Times `get_user`, a bare `GetItem` and one on the SDK's default features to their first answers.
#[derive(Parser)]
struct Arguments {
    /// How often they are timed; the one on default features a fifth as often.
    #[arg(default_value_t = 200, value_parser = clap::value_parser!(u32).range(5..))]
    runs: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { runs } = Arguments::parse();
    let done = tokio::select! {
        done = compare(runs) => done,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("cold_start: that is too much");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("cold_start: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn compare(runs: u32) -> Result<bool, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the package has no workspace")?;
    let mut files = Vec::new();
    for binary in &BINARIES {
        files.push(build(root, binary).await?);
    }
    let setting = set_up(root).await?;

    let mut timed = [const { Vec::new() }; BINARIES.len()];
    // The first round reads the binaries from the disk, and isn't counted. Rounds go through all
    // binaries, so that a machine that gets slower does so for each.
    for round in 0..=runs {
        let moment = f64::from(round) / f64::from(runs);
        for (index, file) in files.iter().enumerate() {
            if round % BINARIES[index].every == 0 {
                let run = setting.run(file, moment).await?;
                if round > 0 {
                    timed[index].push(run);
                }
            }
        }
    }
    report(&setting, &files, &timed)
}

async fn build(root: &Path, binary: &Binary) -> Result<PathBuf, Failure> {
    let Binary { name, target, .. } = binary;
    let mut cargo = Command::new("cargo");
    // `cargo run` describes this package in the environment; build scripts that look there would
    // build all over again.
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&variable);
        }
    }
    let status = cargo
        .current_dir(root)
        .args(["build", "--release", "--bin", name, "--target-dir", target])
        .args(binary.arguments.split(' '))
        .status()
        .await?;
    if !status.success() {
        return Err(format!("{name} can't be built").into());
    }
    Ok(root.join(target).join("release").join(name))
}

/// The embedded store with the template's table and the sample user, behind TLS.
async fn set_up(root: &Path) -> Result<Setting, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let store = listener.local_addr()?;
    let embedded = Embedded::open(None)?;
    port::serve(&embedded, listener, None);
    let settings = Dynamodb::Embedded(embedded).settings("roster");
    let template = Template::read(&root.join("template.yaml"), &[])?;
    database::prepare(&settings, &template.table).await?;
    write_sample(&settings).await?;
    let roots = root.join("target/cold_start-roots.pem");
    let port = tls::terminate(store, &roots).await?;
    Ok(Setting {
        event: event().to_string().into(),
        endpoint: format!("https://localhost:{port}"),
        table: settings.table,
        roots,
        share: CpuShare::of_128_mb().map(Arc::new),
        expected: sample::published().id.to_string(),
    })
}

async fn write_sample(settings: &Settings) -> Result<(), Failure> {
    let write = Write {
        operation: OperationId::of(&[b"sample"]),
        is_named: false,
        precondition: Precondition::None,
        now: Clock::System.now(),
        deadline: Instant::now() + Duration::from_secs(10),
    };
    Users::new(Table::at(settings))
        .create(sample::published(), &write)
        .await?;
    Ok(())
}

fn event() -> serde_json::Value {
    let user_id = sample::published().id.to_string();
    let (key_id, key) = gateway::KEYS[0];
    let incoming = Incoming {
        method: "GET",
        path: &USER_ROUTE.replace("{user_id}", &user_id),
        query: "",
        headers: vec![
            ("Accept".to_owned(), "application/json".to_owned()),
            ("Host".to_owned(), "localhost".to_owned()),
            ("X-Api-Key".to_owned(), key.to_owned()),
        ],
        body: &[],
        source_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let context = Context {
        resource_path: USER_ROUTE,
        path_parameters: vec![("user_id".to_owned(), user_id)],
        api_key: Some((key_id, key)),
        stage: "prod",
        base: "/prod",
        request_id: "8a9d4b3e-3f5c-4d8e-9a61-0c6f6f1f7c55",
        time: Clock::System.now().as_unix() * 1000,
        has_binary_body: false,
    };
    proxy_event(&incoming, &context)
}

/// Prints what was measured, and whether it is good enough.
///
/// By means: where the request falls in the CPU's period makes it quick or slow, so that its times
/// lie in two heaps, and a median jumps from one to the other. The tenth at each end is left out:
/// what else the machine does decides it.
fn report(setting: &Setting, files: &[PathBuf], timed: &[Vec<Run>]) -> Result<bool, Failure> {
    let cpu = match setting.share {
        Some(_) => "that of a 128 MB function",
        None => "all of it, since no cgroup can be made here",
    };
    println!("Times in ms; CPU after init: {cpu}.\n");
    println!("| | bytes | runs | init | first request | start to first answer | least | most |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    let mut means = Vec::new();
    let mut sizes = Vec::new();
    for (binary, (file, runs)) in BINARIES.iter().zip(files.iter().zip(timed)) {
        let size = std::fs::metadata(file)?.len();
        let totals = sorted(runs, |run| run.init + run.request);
        let total = mean(&totals);
        println!(
            "| `{}` | {size} | {} | {:.1} | {:.1} | **{total:.1}** | {:.1} | {:.1} |",
            binary.name,
            runs.len(),
            mean(&sorted(runs, |run| run.init)),
            mean(&sorted(runs, |run| run.request)),
            totals[0],
            totals[totals.len() - 1],
        );
        means.push(total);
        sizes.push(size);
    }
    let of_bare = means[0] / means[1];
    let of_default = means[0] / means[2];
    println!("\nget_user takes {of_bare:.2} of bare_get_item (at most {MOST_OF_BARE}),");
    println!("{of_default:.2} of default_get_item (at most {MOST_OF_DEFAULT}),");
    println!("and {} bytes (under {MOST_BYTES}).", sizes[0]);
    Ok(of_bare <= MOST_OF_BARE && of_default <= MOST_OF_DEFAULT && sizes[0] < MOST_BYTES)
}

/// In milliseconds, the least first.
fn sorted(runs: &[Run], part: fn(&Run) -> Duration) -> Vec<f64> {
    let mut times: Vec<_> = runs
        .iter()
        .map(|run| part(run).as_secs_f64() * 1e3)
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

fn mean(sorted: &[f64]) -> f64 {
    let tenth = sorted.len() / 10;
    let counted = &sorted[tenth..sorted.len() - tenth];
    let count = u32::try_from(counted.len()).unwrap_or(u32::MAX);
    counted.iter().sum::<f64>() / f64::from(count)
}

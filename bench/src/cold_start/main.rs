//! `cold_start`: plays Lambda for `get_user` and both yardsticks. It fails when `get_user` is too slow
//! compared with them, or too big.
//!
//! It builds each binary alone, because cargo unifies features within a build.

mod cpu_share;
mod measure;
mod tls;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use domain::sample;
use local::database::{Dynamodb, Place};
use local::event::{Context, Incoming, proxy_event};
use local::gateway;
use local::link_keys::KeyPair;
use local::service::{Service, Setup, listen};
use local::template::Template;
use roster_http::{Clock, Entropy};
use tokio::process::Command;

use crate::cpu_share::CpuShare;
use crate::measure::{Run, Setting};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The limits of `get_user`: its time as a part of each yardstick's, and its size in bytes.
const MAX_OF_BARE: f64 = 1.2;
const MAX_OF_DEFAULT: f64 = 0.2;
const MAX_BYTES: u64 = 8_500_000;

const USER_ROUTE: &str = "/api/users/{user_id}";

/// A binary that is measured. It is built with its own features only.
struct Binary {
    name: &'static str,
    /// Cargo's arguments.
    arguments: &'static str,
    /// Cargo's target directory.
    target: &'static str,
    /// It is timed in every `every`-th round.
    every: u32,
}

const BINARIES: [Binary; 3] = [
    Binary {
        name: "get_user",
        arguments: "-p management",
        target: "target",
        every: 1,
    },
    Binary {
        name: "bare_get_item",
        arguments: "-p bench",
        target: "target",
        every: 1,
    },
    // It is slow, and far from its limit, so fewer runs are enough.
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
    /// Another build of `get_user`, such as an older one: timed in the same rounds, without a bound.
    #[arg(long, value_name = "FILE")]
    beside: Option<PathBuf>,
}

/// A binary, and how it did.
struct Timed {
    name: String,
    file: PathBuf,
    every: u32,
    runs: Vec<Run>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { runs, beside } = Arguments::parse();
    let done = tokio::select! {
        done = compare(runs, beside) => done,
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

async fn compare(runs: u32, beside: Option<PathBuf>) -> Result<bool, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the package has no workspace")?;
    let mut all = Vec::new();
    for binary in &BINARIES {
        all.push(Timed {
            name: binary.name.to_owned(),
            file: build(root, binary).await?,
            every: binary.every,
            runs: Vec::new(),
        });
    }
    if let Some(file) = beside {
        all.push(Timed {
            name: file.display().to_string(),
            file,
            every: 1,
            runs: Vec::new(),
        });
    }
    let setting = set_up(root).await?;

    // The first round reads the binaries from the disk, and does not count. Each round runs all
    // binaries, so that a machine that becomes slower slows all of them down.
    for round in 0..=runs {
        let moment = f64::from(round) / f64::from(runs);
        for timed in &mut all {
            if round % timed.every == 0 {
                let run = setting.run(&timed.file, moment).await?;
                if round > 0 {
                    timed.runs.push(run);
                }
            }
        }
    }
    report(&setting, &all)
}

async fn build(root: &Path, binary: &Binary) -> Result<PathBuf, Failure> {
    let Binary { name, target, .. } = binary;
    let status = Command::from(processes::cargo(root))
        .args(["build", "--release", "--bin", name, "--target-dir", target])
        .args(binary.arguments.split(' '))
        .status()
        .await?;
    if !status.success() {
        return Err(format!("{name} can't be built").into());
    }
    Ok(root.join(target).join("release").join(name))
}

/// The local service. Functions reach its embedded store through TLS.
async fn set_up(root: &Path) -> Result<Setting, Failure> {
    let store_listener = listen(0, "").await?;
    let store = store_listener.local_addr()?;
    let template = Template::read(&root.join("template.yaml"), &[])?;
    let dynamodb = Dynamodb::open(&Place::Memory).await?;
    let entropy = Entropy::from_os()?;
    let keys = KeyPair::new(&entropy);
    let api = listen(0, "").await?;
    let setup = Setup::new(template, dynamodb, "roster", api, keys, entropy);
    let service = Service::start(Setup {
        store_listener: Some(store_listener),
        has_background: false,
        ..setup
    })
    .await?;
    let roots = root.join("target/cold_start-roots.pem");
    let port = tls::terminate(store, &roots).await?;
    Ok(Setting {
        event: event().to_string().into(),
        endpoint: format!("https://localhost:{port}"),
        table: service.settings().table.clone(),
        roots,
        share: CpuShare::of_128_mb().map(Arc::new),
        expected: sample::published().id().to_string(),
    })
}

fn event() -> serde_json::Value {
    let user_id = sample::published().id().to_string();
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

/// Prints the measured times, and returns whether they are within the limits.
///
/// It compares means. A request is quick or slow depending on where it falls in the CPU's period, so
/// the times form two groups, and a median would jump between them. The fastest and the slowest tenth
/// are left out, because other work of the machine decides them.
fn report(setting: &Setting, all: &[Timed]) -> Result<bool, Failure> {
    let cpu = match setting.share {
        Some(_) => "that of a 128 MB function",
        None => "all of it, since no cgroup can be made here",
    };
    println!("Times in ms; CPU after init: {cpu}.\n");
    println!("| | bytes | runs | init | first request | start to first answer | least | most |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    let mut means = Vec::new();
    let mut sizes = Vec::new();
    for Timed {
        name, file, runs, ..
    } in all
    {
        let size = std::fs::metadata(file)?.len();
        let totals = sorted(runs, |run| run.init + run.request);
        let total = mean(&totals);
        println!(
            "| `{name}` | {size} | {} | {:.1} | {:.1} | **{total:.1}** | {:.1} | {:.1} |",
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
    println!("\nget_user takes {of_bare:.2} of bare_get_item (at most {MAX_OF_BARE}),");
    println!("{of_default:.2} of default_get_item (at most {MAX_OF_DEFAULT}),");
    println!("and {} bytes (under {MAX_BYTES}).", sizes[0]);
    Ok(of_bare <= MAX_OF_BARE && of_default <= MAX_OF_DEFAULT && sizes[0] < MAX_BYTES)
}

/// The times in milliseconds, the smallest first.
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

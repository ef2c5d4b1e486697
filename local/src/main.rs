//! `cargo run`: the whole service on 127.0.0.1, and what goes with it: generated files, moving users.

mod import;
mod tool;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use domain::sample;
use local::database::{Dynamodb, Place};
use local::gateway::KEYS;
use local::link_keys::KeyPair;
use local::service::{Service, Setup, listen};
use local::template::Template;
use local::{StartError, generate};
use maintenance::CheckArguments;
use roster_http::Entropy;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use transfer::Ended;

use crate::tool::exit_code;

/// With it, the service answers a quarter more requests than with the system's allocator, in a sixth of
/// the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Roster on this machine: API Gateway, DynamoDB and what sends e-mails and SMS, in one process.
#[derive(Parser)]
#[command(version, name = "roster")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The port of the API; 0 for a free one.
    #[arg(long, default_value_t = 9080)]
    port: u16,
    /// The port of the embedded store, for cargo-lambda and the AWS CLI; 0 for a free one.
    #[arg(long, default_value_t = 9081)]
    dynamodb_port: u16,
    /// Keep the items in this file; without it they are gone at the end, and may take 1 GiB.
    #[arg(long, value_name = "PATH", conflicts_with = "dynamodb")]
    data: Option<PathBuf>,
    /// Use this store, such as DynamoDB Local's, instead of the embedded one.
    #[arg(long, value_name = "URL")]
    dynamodb: Option<String>,
    /// The table's name.
    #[arg(long, default_value = "roster")]
    table: String,
    /// Start without the sample users.
    #[arg(long)]
    empty: bool,
    /// The template to boot from.
    #[arg(long, value_name = "PATH", default_value = "template.yaml")]
    template: PathBuf,
    /// Another value for a parameter of the template, such as `AllowedAddresses=10.0.0.0/8`.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = name_and_value)]
    parameters: Vec<(String, String)>,
    /// Let every rate of requests through, for load tests.
    #[arg(long)]
    no_throttle: bool,
    /// Answer to this host name, too, beside those of this machine and `PublicUrl`'s; repeatable.
    #[arg(long = "allow-host", value_name = "NAME")]
    hosts: Vec<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Write what follows from the calls' facts: template.yaml's regions, binaries, events, openapi.yaml and README's table.
    Generate {
        /// Write nothing; fail when a file is not up to date.
        #[arg(long)]
        check: bool,
    },
    Import(import::Import),
    Export(tool::Export),
    Check(CheckArguments),
}

fn name_and_value(argument: &str) -> Result<(String, String), String> {
    argument
        .split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "needs the form NAME=VALUE".to_owned())
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Generate { check }) => {
            exit_code(generate::generate(std::path::Path::new("."), check).map(|()| Ended::Whole))
        }
        Some(Command::Import(import)) => {
            let template = || Template::read(&arguments.template, &arguments.parameters);
            import.run(template).await
        }
        Some(Command::Export(export)) => export.run().await,
        Some(Command::Check(arguments)) => exit_code(maintenance::check(arguments).await),
        None => exit_code(run(arguments).await.map(|()| Ended::Whole)),
    }
}

async fn run(arguments: Arguments) -> Result<(), StartError> {
    log_requests();
    let template = Template::read(&arguments.template, &arguments.parameters)?;
    let listener = listen(arguments.port, "--port").await?;
    let store_listener = match arguments.dynamodb {
        Some(_) => None,
        None => Some(listen(arguments.dynamodb_port, "--dynamodb-port").await?),
    };
    let place = match (arguments.data, arguments.dynamodb) {
        (_, Some(url)) => Place::Url(url),
        (Some(file), None) => Place::File(file),
        (None, None) => Place::Memory,
    };
    let dynamodb = Dynamodb::open(&place).await?;
    let entropy = Entropy::from_os()?;
    let keys = match &place {
        Place::File(file) => KeyPair::beside(file, &entropy)?,
        Place::Memory | Place::Url(_) => KeyPair::new(&entropy),
    };
    let setup = Setup::new(
        template,
        dynamodb,
        &arguments.table,
        listener,
        keys,
        entropy,
    );
    let service = Service::start(Setup {
        store_listener,
        hosts: arguments.hosts,
        has_throttle: !arguments.no_throttle,
        has_samples: !arguments.empty,
        ..setup
    })
    .await?;
    // This comes before the ready line, so that from that line on Ctrl-C stops the service properly.
    let interrupt = tokio::spawn(tokio::signal::ctrl_c());
    tokio::task::yield_now().await;
    let (base, store) = (&service.base, service.store());
    println!(
        "ready {base} store {store} outbox {base}/_local/outbox try: curl -H 'X-API-KEY: {}' {base}/api/users/{}",
        KEYS[0].1,
        sample::published().id()
    );
    let _ = interrupt.await;
    service.stop().await;
    Ok(())
}

/// One line for each request on standard error. The embedded store's own lines are left out.
fn log_requests() {
    let lines = tracing_subscriber::fmt::layer()
        .compact()
        .with_target(false)
        .with_writer(std::io::stderr);
    let ours = Targets::new()
        .with_target("local", Level::INFO)
        .with_target("roster_http", Level::INFO);
    tracing_subscriber::registry()
        .with(lines.with_filter(ours))
        .init();
}

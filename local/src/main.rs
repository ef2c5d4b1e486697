//! `cargo run`: the whole service on 127.0.0.1.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use aws::Courier;
use clap::{Parser, Subcommand};
use domain::sample;
use functions::{CONSUMERS, ENDPOINTS};
use local::database::{self, Dynamodb, Place, SWEEP_EVERY};
use local::gateway::{Gateway, KEYS};
use local::link_keys::KeyPair;
use local::outbox::Outbox;
use local::port;
use local::services::{self, Services};
use local::stream::Stream;
use local::template::{Function, Template};
use local::{StartError, generate, samples};
use roster_http::{App, Clock, Entropy, PublicUrl, Worker};
use store::schema::Made;
use store::{Settings, Table};
use tokio::net::TcpListener;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// A quarter more requests than with the system's allocator, in a sixth of the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Who e-mails come from, unless the template says it.
const SENDER: &str = "no-reply@roster.example";

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
    /// Write openapi.yaml, README's table of calls and the events.
    Generate {
        /// Write nothing; fail when a file is not up to date.
        #[arg(long)]
        check: bool,
    },
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
    let done = match arguments.command {
        Some(Command::Generate { check }) => {
            generate::generate(std::path::Path::new("."), ENDPOINTS, CONSUMERS, check)
        }
        None => run(arguments).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("roster: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), StartError> {
    log_requests();
    let template = Template::read(&arguments.template, &arguments.parameters)?;
    let listener = listen(arguments.port, "--port").await?;
    let place = match (arguments.data, arguments.dynamodb) {
        (_, Some(url)) => Place::Url(url),
        (Some(file), None) => Place::File(file),
        (None, None) => Place::Memory,
    };
    let dynamodb = Dynamodb::open(&place).await?;
    let store = match &dynamodb {
        Dynamodb::At(url) => url.clone(),
        Dynamodb::Embedded(embedded) => {
            let listener = listen(arguments.dynamodb_port, "--dynamodb-port").await?;
            let store = format!("http://{}", address(&listener)?);
            port::serve(embedded, listener, arguments.hosts.iter().cloned());
            embedded.sweep_every(SWEEP_EVERY);
            store
        }
    };
    let settings = dynamodb.settings(&arguments.table);
    let made = database::prepare(&settings, &template.table).await?;
    let entropy = Entropy::from_os()?;
    let keys = match &place {
        Place::File(file) => KeyPair::beside(file, &entropy)?,
        Place::Memory | Place::Url(_) => KeyPair::new(&entropy),
    };
    let base = format!("http://{}", address(&listener)?);
    let app = || app(&settings, &template, &keys, &base);
    let calls = Arc::new(app()?);
    if made == Made::New && !arguments.empty {
        write_samples(&calls, &settings).await?;
    }

    let sender = template.environment("NO_REPLY_EMAIL").unwrap_or(SENDER);
    let configuration_set = template.environment("SES_CONFIGURATION_SET");
    let worker = Worker {
        app: app()?,
        courier: Courier::new(&services::settings(&base), sender.to_owned())
            .with_configuration_set(configuration_set.map(str::to_owned)),
    };
    let stream = Stream::open(&dynamodb, &settings, &template.consumers, CONSUMERS).await?;
    let (clock, entropy) = (calls.clock, calls.entropy.clone());
    // Stores of other programs may keep the tables of each name apart: all functions ask in one.
    let app = |_: &Function| Arc::clone(&calls);
    let mut gateway = Gateway::new(template, clock, entropy, app, ENDPOINTS)
        .map_err(|reason| StartError::Template {
            path: arguments.template.display().to_string(),
            reason,
        })?
        .with_hosts(arguments.hosts)
        .with_services(Services::new(Outbox::new(), &keys));
    if arguments.no_throttle {
        gateway = gateway.without_throttle();
    }
    tokio::spawn(stream.run(Arc::new(worker)));
    // Before anybody is told that it runs, so that it can be stopped from then on.
    let interrupt = tokio::spawn(tokio::signal::ctrl_c());
    tokio::task::yield_now().await;
    println!(
        "ready {base} store {store} outbox {base}/_local/outbox try: curl -H 'X-API-KEY: {}' {base}/api/users/{}",
        KEYS[0].1,
        sample::published().id()
    );
    gateway
        .serve(listener, async {
            let _ = interrupt.await;
        })
        .await;
    Ok(())
}

/// One line a request on standard error; the embedded store's own lines are left out.
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

async fn listen(port: u16, flag: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| StartError::Port { port, flag, source })
}

fn address(listener: &TcpListener) -> Result<String, StartError> {
    listener
        .local_addr()
        .map(|address| address.to_string())
        .map_err(|source| StartError::Port {
            port: 0,
            flag: "--port",
            source,
        })
}

/// What calls and consumers work with.
fn app(
    settings: &Settings,
    template: &Template,
    keys: &KeyPair,
    base: &str,
) -> Result<App, StartError> {
    let mut account = template.account_settings()?;
    if account.public_url.is_none() {
        account.public_url = PublicUrl::parse(base);
    }
    Ok(App::new(
        Table::at(settings),
        Clock::System,
        Entropy::from_os()?,
        template.keys(),
        account,
        keys.keys(),
    ))
}

/// A new table starts with the samples.
async fn write_samples(app: &App, settings: &Settings) -> Result<(), StartError> {
    let now = app.clock.now();
    let written = async {
        samples::write_user(&app.users, now).await?;
        samples::write_person(app, now).await
    };
    written
        .await
        .map(|_| ())
        .map_err(|error| StartError::Store {
            url: settings.endpoint.clone().unwrap_or_default(),
            reason: store::with_sources(&error),
        })
}

//! Puts the whole service together, for `cargo run`, the tests and the bench.

use std::net::Ipv4Addr;
use std::sync::Arc;

use aws::Courier;
use consumer::{Consumer, Worker};
use roster_http::{AccountSettings, App, Clock, Endpoint, Entropy, PublicUrl};
use store::schema::Made;
use store::{Credentials, Settings, Table};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::calls::{CONSUMERS, ENDPOINTS};
use crate::database::{self, Dynamodb, SWEEP_EVERY};
use crate::gateway::Gateway;
use crate::link_keys::KeyPair;
use crate::outbox::Outbox;
use crate::services::{self, Services};
use crate::stream::{Stream, Workers};
use crate::template::{Function, StreamFunction, Template};
use crate::{StartError, port, samples};

/// The sender of e-mails, unless the template has one.
const SENDER: &str = "no-reply@roster.example";

/// The parts of a service. [`Setup::new`] sets them as `cargo run` uses them.
pub struct Setup {
    /// The template.
    pub template: Template,
    /// The store with the table.
    pub dynamodb: Dynamodb,
    /// How the service reaches the table.
    pub settings: Settings,
    /// How functions reach the table: as `settings`, unless a test puts something in between.
    pub of_functions: Settings,
    /// The listener of the API.
    pub listener: TcpListener,
    /// The listener of the embedded store for other programs. Without it they can't reach the store.
    pub store_listener: Option<TcpListener>,
    /// Further host names that the API and the store answer to.
    pub hosts: Vec<String>,
    /// Whether the template's throttle holds.
    pub has_throttle: bool,
    /// Whether a new table starts with the sample users.
    pub has_samples: bool,
    /// Whether consumers run and expired items are removed without further calls. Otherwise the caller
    /// runs [`Stream::deliver`].
    pub has_background: bool,
    /// The functions' and the gateway's time.
    pub clock: Clock,
    /// The randomness of the functions and the gateway.
    pub entropy: Entropy,
    /// The keys of links.
    pub keys: KeyPair,
    /// The calls.
    pub endpoints: &'static [&'static Endpoint],
    /// The consumers of the stream.
    pub consumers: &'static [&'static Consumer],
    /// The credentials of each function. Without them, all functions use those of `settings`: some
    /// stores keep the tables of different credentials apart.
    pub credentials: Option<fn(&Function) -> Credentials>,
}

impl Setup {
    /// A service with the template's calls, on a table of this name.
    pub fn new(
        template: Template,
        dynamodb: Dynamodb,
        table: &str,
        listener: TcpListener,
        keys: KeyPair,
        entropy: Entropy,
    ) -> Self {
        let settings = dynamodb.settings(table);
        Self {
            template,
            dynamodb,
            of_functions: settings.clone(),
            settings,
            listener,
            store_listener: None,
            hosts: Vec::new(),
            has_throttle: true,
            has_samples: true,
            has_background: true,
            clock: Clock::System,
            entropy,
            keys,
            endpoints: &ENDPOINTS,
            consumers: &CONSUMERS,
            credentials: None,
        }
    }
}

/// A running service.
pub struct Service {
    /// The URL of the API.
    pub base: String,
    /// The table, as functions see it, but reached by `settings`.
    pub table: Table,
    /// What the consumers of the stream work with.
    pub workers: Workers,
    clock: Clock,
    template: Template,
    shared: Arc<Shared>,
    end: oneshot::Sender<()>,
    gateway: JoinHandle<()>,
}

/// The parts that several services on one table share.
struct Shared {
    dynamodb: Dynamodb,
    settings: Settings,
    of_functions: Settings,
    /// The URL of the store for programs.
    store: String,
    stream: Arc<Stream>,
    outbox: Outbox,
    keys: KeyPair,
    hosts: Vec<String>,
    has_throttle: bool,
    endpoints: &'static [&'static Endpoint],
    consumers: &'static [&'static Consumer],
    credentials: Option<fn(&Function) -> Credentials>,
}

impl Service {
    /// Makes the table if it is missing, and serves.
    pub async fn start(setup: Setup) -> Result<Self, StartError> {
        let Setup {
            template,
            dynamodb,
            settings,
            of_functions,
            listener,
            store_listener,
            hosts,
            has_throttle,
            has_samples,
            has_background,
            clock,
            entropy,
            keys,
            endpoints,
            consumers,
            credentials,
        } = setup;
        let mut store = settings.endpoint.clone().unwrap_or_default();
        if let Dynamodb::Embedded(embedded) = &dynamodb {
            if let Some(listener) = store_listener {
                store = base_of(&listener)?;
                port::serve(embedded, listener, hosts.iter().cloned());
            }
            if has_background {
                embedded.sweep_every(SWEEP_EVERY);
            }
        }
        let made = Box::pin(database::prepare(&dynamodb, &settings, &template.table)).await?;
        if made == Made::New && has_samples {
            let table = Table::at(&settings);
            let written = Box::pin(samples::write(&table, clock.now())).await;
            written.map_err(|error| dynamodb.refused(store::with_sources(&error)))?;
        }
        let stream = Stream::open(&dynamodb, &settings, &template.consumers, consumers).await?;
        let shared = Shared {
            dynamodb,
            settings,
            of_functions,
            store,
            stream: Arc::new(stream),
            outbox: Outbox::new(),
            keys,
            hosts,
            has_throttle,
            endpoints,
            consumers,
            credentials,
        };
        let service = Self::of(Arc::new(shared), template, listener, clock, entropy)?;
        if has_background {
            let (stream, workers) = (Arc::clone(&service.shared.stream), service.workers.clone());
            tokio::spawn(async move { stream.run(workers).await });
        }
        Ok(service)
    }

    /// A second gateway with its own functions, on the same table, outbox and stream. It may have
    /// another template or another time.
    pub async fn another(
        &self,
        template: Template,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, StartError> {
        let listener = listen(0, "--port").await?;
        Self::of(Arc::clone(&self.shared), template, listener, clock, entropy)
    }

    fn of(
        shared: Arc<Shared>,
        template: Template,
        listener: TcpListener,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, StartError> {
        let base = base_of(&listener)?;
        let table = &shared.of_functions.table;
        let client = store::connect(&shared.of_functions);
        let account = account_settings(&template, &base)?;
        let app = |function: Option<&Function>| {
            let client = match (shared.credentials, function) {
                (Some(credentials), Some(function)) => {
                    store::as_another(&client, credentials(function))
                }
                _ => client.clone(),
            };
            App::new(
                Table::new(client, table.clone()),
                clock,
                entropy.clone(),
                template.keys(),
                account.clone(),
                shared.keys.keys(),
            )
        };
        let sender = template.environment("NO_REPLY_EMAIL").unwrap_or(SENDER);
        let configuration_set = template.environment("SES_CONFIGURATION_SET");
        let courier = Courier::new(&services::settings(&base), sender.to_owned())
            .with_configuration_set(configuration_set.map(str::to_owned));
        let worker = |consumer: &StreamFunction| Worker {
            app: app(Some(&consumer.function)),
            courier: Some(courier.clone()),
        };
        let name = |consumer: &StreamFunction| consumer.function.name.clone();
        let consumers = template.consumers.iter();
        let workers = consumers
            .map(|one| (name(one), Arc::new(worker(one))))
            .collect();
        let mut gateway = Gateway::new(
            template.clone(),
            clock,
            entropy.clone(),
            |function| Arc::new(app(Some(function))),
            shared.endpoints,
        )
        .map_err(|reason| StartError::Template {
            path: template.path.display().to_string(),
            reason,
        })?
        .with_hosts(shared.hosts.iter().cloned())
        .with_services(Services::new(shared.outbox.clone(), &shared.keys));
        if !shared.has_throttle {
            gateway = gateway.without_throttle();
        }
        let (end, ended) = oneshot::channel();
        let until_stopped = async {
            if ended.await.is_err() {
                // The server is dropped and not stopped, so it runs until the runtime ends.
                std::future::pending::<()>().await;
            }
        };
        let gateway = tokio::spawn(gateway.serve(listener, until_stopped));
        Ok(Self {
            table: Table::at(&shared.settings),
            workers,
            base,
            clock,
            template,
            shared,
            end,
            gateway,
        })
    }

    /// The URL of the store for other programs.
    pub fn store(&self) -> &str {
        &self.shared.store
    }

    /// The store with the table.
    pub fn dynamodb(&self) -> &Dynamodb {
        &self.shared.dynamodb
    }

    /// How the service reaches the table.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The template.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The messages that were sent.
    pub fn outbox(&self) -> &Outbox {
        &self.shared.outbox
    }

    /// The table's stream, as far as the consumers have read it.
    pub fn stream(&self) -> &Stream {
        &self.shared.stream
    }

    /// The stream as a new process reads it.
    pub async fn reopened_stream(&self) -> Result<Stream, StartError> {
        let Shared {
            dynamodb,
            settings,
            consumers,
            ..
        } = &*self.shared;
        Stream::open(dynamodb, settings, &self.template.consumers, consumers).await
    }

    /// The app of a call, with nothing between it and the table.
    pub fn app(&self, entropy: Entropy) -> Result<App, StartError> {
        let settings = &self.shared.settings;
        Ok(App::new(
            Table::at(settings),
            self.clock,
            entropy,
            self.template.keys(),
            account_settings(&self.template, &self.base)?,
            self.shared.keys.keys(),
        ))
    }

    /// Accepts no more requests, and waits for those under way.
    pub async fn stop(self) {
        // If the receiver is gone, the gateway has ended already.
        let _ = self.end.send(());
        let _ = self.gateway.await;
    }
}

/// The settings of the template. Without a `PublicUrl`, the public URL is that of the API.
fn account_settings(template: &Template, base: &str) -> Result<AccountSettings, StartError> {
    let mut settings = template.account_settings()?;
    if settings.public_url.is_none() {
        settings.public_url = PublicUrl::parse(base);
    }
    Ok(settings)
}

/// Listens on a port of this machine, 0 for a free one. `flag` is the argument that sets another port.
pub async fn listen(port: u16, flag: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| StartError::Port { port, flag, source })
}

fn base_of(listener: &TcpListener) -> Result<String, StartError> {
    let address = listener.local_addr().map_err(|source| StartError::Port {
        port: 0,
        flag: "--port",
        source,
    })?;
    Ok(format!("http://{address}"))
}

//! The whole service, put together: for `cargo run`, the tests and the bench.

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
use crate::stream::Stream;
use crate::template::{Function, Template};
use crate::{StartError, port, samples};

/// Who e-mails come from, unless the template says it.
const SENDER: &str = "no-reply@roster.example";

/// What a service is made of. [`Setup::new`] sets what `cargo run` uses.
pub struct Setup {
    /// What it boots from.
    pub template: Template,
    /// What holds the table.
    pub dynamodb: Dynamodb,
    /// How the table is reached.
    pub settings: Settings,
    /// How functions reach the table: as `settings` say, unless something stands between.
    pub of_functions: Settings,
    /// Where the API is.
    pub listener: TcpListener,
    /// Where other programs reach the embedded store; without it they can't.
    pub store_listener: Option<TcpListener>,
    /// Further names that API and store answer to.
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
    /// What functions and gateway draw from.
    pub entropy: Entropy,
    /// The keys of links.
    pub keys: KeyPair,
    /// The calls.
    pub endpoints: &'static [&'static Endpoint],
    /// The consumers of the stream.
    pub consumers: &'static [&'static Consumer],
    /// The credentials that each function signs with. Without them all functions have those of
    /// `settings`: other programs' stores may keep tables of different credentials apart.
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
    /// Where the API is.
    pub base: String,
    /// The table, as functions see it but for what stands before them.
    pub table: Table,
    /// What the consumers of the stream work with.
    pub worker: Arc<Worker>,
    clock: Clock,
    template: Template,
    shared: Arc<Shared>,
    end: oneshot::Sender<()>,
    gateway: JoinHandle<()>,
}

/// What several services of one table have in common.
struct Shared {
    dynamodb: Dynamodb,
    settings: Settings,
    of_functions: Settings,
    /// Where programs reach the store.
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
    /// Makes the table unless it is there, and serves.
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
            let (stream, worker) = (Arc::clone(&service.shared.stream), &service.worker);
            let worker = Arc::clone(worker);
            tokio::spawn(async move { stream.run(worker).await });
        }
        Ok(service)
    }

    /// A second gateway with functions of its own on the same table, outbox and stream: from another
    /// template, or at another time.
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
        let consumer = template.consumers.first().map(|one| &one.function);
        let sender = template.environment("NO_REPLY_EMAIL").unwrap_or(SENDER);
        let configuration_set = template.environment("SES_CONFIGURATION_SET");
        let worker = Worker {
            app: app(consumer),
            courier: Courier::new(&services::settings(&base), sender.to_owned())
                .with_configuration_set(configuration_set.map(str::to_owned)),
        };
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
                // Dropped and not stopped: it serves until the runtime ends.
                std::future::pending::<()>().await;
            }
        };
        let gateway = tokio::spawn(gateway.serve(listener, until_stopped));
        Ok(Self {
            table: Table::at(&shared.settings),
            worker: Arc::new(worker),
            base,
            clock,
            template,
            shared,
            end,
            gateway,
        })
    }

    /// Where other programs reach the store.
    pub fn store(&self) -> &str {
        &self.shared.store
    }

    /// What holds the table.
    pub fn dynamodb(&self) -> &Dynamodb {
        &self.shared.dynamodb
    }

    /// How the table is reached.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// What it booted from.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// What was sent.
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

    /// What a call is given, with nothing between it and the table.
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

    /// Takes no more requests, and lets those under way end.
    pub async fn stop(self) {
        // Its receiver ends with the gateway alone.
        let _ = self.end.send(());
        let _ = self.gateway.await;
    }
}

/// The template's; without a `PublicUrl`, people reach the service where the API is.
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

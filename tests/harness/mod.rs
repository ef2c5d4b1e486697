//! A Roster for one test: gateway, store and the layer of faults between them.

pub(crate) mod browser;
mod dynamodb_local;
pub(crate) mod function;
mod layer;
pub(crate) mod log;
pub(crate) mod person;
pub(crate) mod policy;
mod proxy;
mod schema;
pub(crate) mod server;
pub(crate) mod table;
mod twin;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Actor, ChangedBy, OperationId, Timestamp, User, UserFacts, UserId, sample};
use embedded::Embedded;
use local::calls::ENDPOINTS;
use local::database::Dynamodb;
use local::link_keys::KeyPair;
use local::outbox::Outbox;
use local::service::{Service, Setup};
use local::stream::Workers;
use local::template::Template;
use reqwest::Method;
use reqwest::header::HeaderMap;
use roster_http::{App, Clock, Endpoint, Entropy};
use serde_json::Value;
use store::{Accounts, Notifications, Precondition, Settings, SignIns, Table, Users, Write};
use tests::run::{self, Sent};
use tokio::net::TcpListener;
use tokio::time::Instant;

use server::Running;
use twin::{Comparison, Journal};

pub(crate) use policy::Policies;
pub(crate) use proxy::{Fault, Faults, Recorded};

/// The administrator's key of the local service.
pub(crate) const ADMIN: &str = "local-admin-key";
/// The read-only key of the local service.
pub(crate) const READ_ONLY: &str = "local-read-only-key";
/// An identifier id that no identifier has.
pub(crate) const UNKNOWN_ID: &str = "00000000-0000-4000-8000-000000000000";
/// A bcrypt hash, as another directory may have made it.
pub(crate) const BCRYPT: &str = "$2b$12$EXRkfkdmXn2gzds2SSitu.MW9.gAVqa9eLS1//RYtYCmB1eLHg.9q";
/// A throttle that lets every test through.
const UNTHROTTLED: [(&str, &str); 6] = [
    ("ThrottlingRateLimit", "1000000"),
    ("ThrottlingBurstLimit", "1000000"),
    ("KeyRateLimit", "1000000"),
    ("KeyBurstLimit", "1000000"),
    ("SelfServiceRateLimit", "1000000"),
    ("SelfServiceBurstLimit", "1000000"),
];
/// The time of every test.
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

/// Which store a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Embedded,
    DynamodbLocal,
}

/// `#[apply(on_both_stores)]`: the test runs on the embedded store and on DynamoDB Local.
macro_rules! on_both_stores {
    ($(#[$attribute:meta])* async fn $name:ident($roster:ident: $type:ty $(,)?) $body:block) => {
        $(#[$attribute])*
        async fn $name($roster: $type) $body

        mod $name {
            use $crate::harness::{Roster, Store};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                super::$name(Roster::start_on(Store::Embedded).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[cfg_attr(not(dynamodb_local), ignore = "needs Java and Maven")]
            async fn dynamodb_local() {
                super::$name(Roster::start_on(Store::DynamodbLocal).await).await;
            }
        }
    };
}

/// A running service.
pub(crate) struct Roster {
    /// The URL of the API.
    pub(crate) base: String,
    /// The table without the gateway and the faults, to prepare and to check its content.
    pub(crate) users: Users,
    pub(crate) accounts: Accounts,
    pub(crate) sign_ins: SignIns,
    pub(crate) notifications: Notifications,
    /// The same, as raw items.
    pub(crate) table: table::RawTable,
    /// The planned faults, and the requests that went through.
    pub(crate) faults: Faults,
    /// The messages that were sent.
    pub(crate) outbox: Outbox,
    /// What the consumers of the stream share.
    pub(crate) workers: Workers,
    service: Service,
    http: reqwest::Client,
    /// The URL of the store for programs, with the faults in front of it.
    faulty_store_url: String,
    /// The server of the store, where it is a program of its own.
    server: Option<Arc<Running>>,
    parameters: Vec<(String, String)>,
    /// The time of its requests.
    pub(crate) now: Timestamp,
    /// How many other services use the same table.
    views: Arc<AtomicU64>,
    comparison: Option<Arc<Comparison>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// JSON; a page is a text, and an empty body is null.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) raw: String,
}

impl Answer {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// How much of a list there is.
    pub(crate) fn pagination(&self) -> Value {
        serde_json::from_str(self.header("x-pagination").unwrap()).unwrap()
    }

    /// One member of each entry of a list.
    pub(crate) fn each(&self, member: &str) -> Vec<Value> {
        let entries = self.body.as_array().unwrap();
        entries.iter().map(|entry| entry[member].clone()).collect()
    }

    /// The user's version.
    pub(crate) fn version(&self) -> u64 {
        self.header("etag")
            .unwrap()
            .trim_matches('"')
            .parse()
            .unwrap()
    }

    /// The codes of an identity-validation-error.
    pub(crate) fn codes(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array();
        let errors = errors.unwrap_or_else(|| panic!("no identity errors: {self:?}"));
        errors
            .iter()
            .map(|error| error["code"].as_str().unwrap())
            .collect()
    }

    /// The body of a problem, without the id that each request has.
    pub(crate) fn problem(&self) -> Value {
        let mut problem = self.body.clone();
        let members = problem.as_object_mut().unwrap();
        let trace_id = members.remove("trace_id").unwrap();
        assert_eq!(members.remove("traceId"), Some(trace_id), "{self:#?}");
        problem
    }

    /// Headers and body byte for byte, without the time and the ids that each answer has.
    pub(crate) fn bare(&self) -> (Vec<(String, String)>, String) {
        const OWN: [&str; 2] = ["date", "x-amzn-requestid"];
        let headers = self
            .headers
            .iter()
            .filter(|(name, _)| !OWN.contains(&name.as_str()));
        let mut headers: Vec<_> = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        headers.sort();
        let trace_id = self.body["trace_id"].as_str().unwrap();
        (headers, self.raw.replace(trace_id, ""))
    }

    /// The page's text.
    pub(crate) fn html(&self) -> &str {
        assert_eq!(
            self.header("content-type"),
            Some("text/html; charset=utf-8"),
            "{self:#?}"
        );
        self.body.as_str().unwrap()
    }

    /// The cookies that it sets, by name: the value, and the attributes.
    pub(crate) fn set_cookies(&self) -> BTreeMap<&str, (&str, &str)> {
        let cookies = self.headers.get_all("set-cookie").iter();
        cookies
            .map(|cookie| {
                let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
                (name, rest.split_once("; ").unwrap())
            })
            .collect()
    }

    /// Returns the same answer, and fails if its status is not the expected one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A cargo subcommand in the repository's root.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = processes::cargo(&root());
    command.args(arguments);
    command
}

/// The write of a test that doesn't go through the calls.
pub(crate) fn write_by(operation: OperationId, now: Timestamp) -> Write {
    Write {
        by: ChangedBy {
            actor: Actor::System,
            call: "test".into(),
        },
        operation,
        is_named: false,
        precondition: Precondition::None,
        now,
        deadline: Instant::now() + Duration::from_secs(10),
    }
}

/// A table name that no other test of this run has.
fn new_table_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("roster-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The keys of all tests, so that links of one service are valid in another.
fn keys() -> KeyPair {
    KeyPair::new(&Entropy::seeded(2))
}

/// Another time, or another service on the same table, draws other bytes.
fn entropy(now: Timestamp, view: u64) -> Entropy {
    Entropy::seeded(1 + now.as_unix().abs_diff(NOW.as_unix()) + (view << 40))
}

/// The template with other values for some of its parameters. It is read once for each choice of
/// values.
fn template(parameters: &[(String, String)]) -> Template {
    type Read = BTreeMap<Vec<(String, String)>, Template>;
    static READ: Mutex<Read> = Mutex::new(BTreeMap::new());
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || Template::read(&root().join("template.yaml"), parameters).unwrap();
    read.entry(parameters.to_vec()).or_insert_with(new).clone()
}

pub(crate) async fn free_port() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

impl Roster {
    /// A service on an empty embedded store of its own, without a throttle.
    pub(crate) async fn start() -> Self {
        Self::with(Store::Embedded, None, &UNTHROTTLED, &ENDPOINTS).await
    }

    /// The same on either store. The answers of the embedded store are compared at the end.
    pub(crate) async fn start_on(store: Store) -> Self {
        let journal = match store {
            Store::Embedded => Some(Journal::default()),
            Store::DynamodbLocal => None,
        };
        Self::with(store, journal, &UNTHROTTLED, &ENDPOINTS).await
    }

    /// Another service, on an empty table of its own in a store of the same kind.
    pub(crate) async fn another(&self) -> Self {
        Self::with(self.store(), None, &UNTHROTTLED, &ENDPOINTS).await
    }

    /// The store that it uses.
    pub(crate) fn store(&self) -> Store {
        match self.dynamodb() {
            Dynamodb::Embedded(_) => Store::Embedded,
            Dynamodb::At(_) => Store::DynamodbLocal,
        }
    }

    /// A service with other values for some of the template's parameters, on the embedded store.
    pub(crate) async fn with_parameters(parameters: &[(&str, &str)]) -> Self {
        Self::with(Store::Embedded, None, parameters, &ENDPOINTS).await
    }

    /// A service with other calls behind the template's routes, on the embedded store.
    pub(crate) async fn with_endpoints(endpoints: &'static [&'static Endpoint]) -> Self {
        Self::with(Store::Embedded, None, &[], endpoints).await
    }

    async fn with(
        store: Store,
        journal: Option<Journal>,
        parameters: &[(&str, &str)],
        endpoints: &'static [&'static Endpoint],
    ) -> Self {
        log::capture();
        let parameters: Vec<(String, String)> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let template = template(&parameters);
        let (dynamodb, server) = match store {
            Store::Embedded => (Dynamodb::Embedded(Embedded::open(None).unwrap()), None),
            Store::DynamodbLocal => {
                let running = dynamodb_local::share().await;
                (Dynamodb::At(running.url.clone()), Some(running))
            }
        };
        let table = new_table_name();
        let faults = Faults::new(Policies::of(&template, &table));
        let listener = free_port().await;
        let mut setup = Setup::new(
            template,
            dynamodb,
            &table,
            listener,
            keys(),
            entropy(NOW, 0),
        );
        if let Some(journal) = &journal {
            setup.settings.http_client = journal.of(setup.settings.http_client);
        }
        let service = Service::start(Setup {
            of_functions: Settings {
                http_client: faults.before(setup.settings.http_client.clone()),
                ..setup.settings.clone()
            },
            store_listener: Some(free_port().await),
            // A request for another host name must reach the functions, which must ignore the name.
            hosts: vec!["evil.example.net".to_owned()],
            has_samples: false,
            has_background: false,
            clock: Clock::Fixed(NOW),
            endpoints,
            credentials: Some(policy::credentials),
            ..setup
        });
        let service = service.await.unwrap();
        Self {
            base: service.base.clone(),
            users: Users::new(service.table.clone()),
            accounts: Accounts::new(service.table.clone()),
            sign_ins: SignIns::new(service.table.clone()),
            notifications: Notifications::new(service.table.clone()),
            table: table::RawTable::new(store::connect(service.settings()), table),
            faulty_store_url: faults.between(service.store()).await,
            faults,
            outbox: service.outbox().clone(),
            workers: service.workers.clone(),
            service,
            http: reqwest::Client::new(),
            server,
            parameters,
            now: NOW,
            views: Arc::default(),
            comparison: journal.map(Comparison).map(Arc::new),
        }
    }

    /// The same directory at another time, or with other values for some of the template's parameters:
    /// another gateway and other functions on the same table.
    pub(crate) async fn also(&self, now: Timestamp, parameters: &[(&str, &str)]) -> Self {
        let mut all = self.parameters.clone();
        for (name, value) in parameters {
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        let view = self.views.fetch_add(1, Ordering::Relaxed) + 1;
        let (clock, entropy) = (Clock::Fixed(now), entropy(now, view));
        let service = self.service.another(template(&all), clock, entropy);
        let service = service.await.unwrap();
        let client = store::connect(service.settings());
        Self {
            base: service.base.clone(),
            users: self.users.clone(),
            accounts: self.accounts.clone(),
            sign_ins: self.sign_ins.clone(),
            notifications: self.notifications.clone(),
            table: table::RawTable::new(client, self.table.name.clone()),
            faults: self.faults.clone(),
            outbox: self.outbox.clone(),
            workers: service.workers.clone(),
            service,
            http: self.http.clone(),
            faulty_store_url: self.faulty_store_url.clone(),
            server: self.server.clone(),
            parameters: all,
            now,
            views: Arc::clone(&self.views),
            comparison: self.comparison.clone(),
        }
    }

    /// The same directory that much later.
    pub(crate) async fn later(&self, duration: Duration) -> Self {
        self.also(self.now.plus(duration), &[]).await
    }

    /// The same directory one second before this much time has passed.
    pub(crate) async fn just_before(&self, duration: Duration) -> Self {
        self.later(duration.saturating_sub(Duration::from_secs(1)))
            .await
    }

    /// Runs the consumers of the stream until no record is left.
    pub(crate) async fn deliver(&self) {
        while self.deliver_once().await > 0 {}
    }

    /// Runs the consumers of the stream once.
    pub(crate) async fn deliver_once(&self) -> usize {
        self.service.stream().deliver(&self.workers).await.unwrap()
    }

    /// Runs the sender of notifications until no record is left for it.
    pub(crate) async fn send_notifications(&self) {
        while self.send_notifications_once().await > 0 {}
    }

    /// Runs the sender of notifications once, and no other consumer.
    pub(crate) async fn send_notifications_once(&self) -> usize {
        let mut sender = self.workers.clone();
        sender.retain(|name, _| name == "send_notifications");
        self.service.stream().deliver(&sender).await.unwrap()
    }

    /// Gives the consumers every record of the stream once more, from the oldest one.
    pub(crate) async fn deliver_again(&self) {
        let stream = self.service.reopened_stream().await.unwrap();
        while stream.deliver(&self.workers).await.unwrap() > 0 {}
    }

    /// The app of a call, on the same table.
    pub(crate) fn app(&self) -> App {
        self.service.app(entropy(self.now, 0)).unwrap()
    }

    /// The app of one call's function, with its role and the faults in front of the store.
    pub(crate) fn app_of(&self, call: &str) -> App {
        let functions = &self.service.template().functions;
        let function = functions.iter().find(|one| one.name == call).unwrap();
        let settings = Settings {
            http_client: self.faults.before(self.settings().http_client.clone()),
            credentials: policy::credentials(function),
            ..self.settings().clone()
        };
        let app = self.app();
        App::new(
            Table::at(&settings),
            app.clock,
            app.entropy,
            app.keys,
            app.account,
            app.link_keys,
        )
    }

    /// What functions are allowed to do to the same table.
    pub(crate) fn policies(&self) -> Policies {
        Policies::of(self.service.template(), &self.table.name)
    }

    /// The store with the table.
    pub(crate) fn dynamodb(&self) -> &Dynamodb {
        self.service.dynamodb()
    }

    /// How to reach the table.
    pub(crate) fn settings(&self) -> &Settings {
        self.service.settings()
    }

    /// The environment variables by which a function reaches the same table.
    pub(crate) fn function_environment(&self) -> Vec<(&'static str, String)> {
        self.give_up_comparison();
        vec![
            ("AWS_ENDPOINT_URL_DYNAMODB", self.service.store().to_owned()),
            ("TABLE_NAME", self.table.name.clone()),
            ("AWS_ENDPOINT_URL", format!("{}/_local/aws", self.base)),
            ("PUBLIC_URL", self.base.clone()),
        ]
    }

    /// The URL of the store, with the faults in front of it.
    pub(crate) fn faulty_store_url(&self) -> &str {
        self.give_up_comparison();
        &self.faulty_store_url
    }

    /// Called before a program uses the store, too.
    fn give_up_comparison(&self) {
        if let Some(comparison) = &self.comparison {
            comparison.0.give_up();
        }
    }

    /// A request to `path`, with the administrator's key unless another one is set.
    pub(crate) fn request(&self, method: &str, path: &str) -> Call<'_> {
        Call {
            roster: self,
            method: method.parse().unwrap(),
            path: path.to_owned(),
            key: Some(ADMIN),
            headers: Vec::new(),
            body: None,
            from: None,
        }
    }

    /// A request of a person, who has no API key.
    pub(crate) fn visit(&self, method: &str, path: &str) -> Call<'_> {
        self.request(method, path).key(None)
    }

    /// A request without a body.
    pub(crate) async fn send(&self, method: &str, path: &str) -> Answer {
        self.request(method, path).send().await
    }

    /// A request with a JSON body.
    pub(crate) async fn send_json(&self, method: &str, path: &str, body: Value) -> Answer {
        self.request(method, path).json(body).send().await
    }

    /// Creates a user by the API, and returns the path.
    pub(crate) async fn create(&self, body: Value) -> String {
        let answer = self.send_json("POST", "/api/users", body).await.expect(201);
        answer.header("location").unwrap().to_owned()
    }

    /// Writes a user with its reservations, without the API.
    pub(crate) async fn write(&self, user: &User) -> String {
        let write = write_by(OperationId::of(&[user.id().as_str().as_bytes()]), NOW);
        self.users.create(user.clone(), &write).await.unwrap();
        format!("/api/users/{}", user.id())
    }

    /// Changes a user without the API.
    pub(crate) async fn edit(&self, id: &str, change: impl Fn(&mut UserFacts)) {
        let id = UserId::parse(id).unwrap();
        let version = self
            .users
            .get(&id)
            .await
            .unwrap()
            .unwrap()
            .version()
            .as_u64();
        let write = write_by(
            OperationId::of(&[b"edit", &version.to_be_bytes()]),
            self.now,
        );
        let edited = self.users.edit(&id, &write, |user| {
            *user = sample::changed(user.clone(), &change);
            Ok(())
        });
        edited.await.unwrap();
    }

    /// Reads a user without the API.
    pub(crate) async fn read(&self, path: &str) -> Option<User> {
        let id = path.rsplit('/').next().unwrap();
        self.users.get(&UserId::parse(id).unwrap()).await.unwrap()
    }
}

/// A request before it is sent.
pub(crate) struct Call<'a> {
    roster: &'a Roster,
    method: Method,
    path: String,
    key: Option<&'static str>,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
    from: Option<IpAddr>,
}

impl Call<'_> {
    pub(crate) fn key(mut self, key: Option<&'static str>) -> Self {
        self.key = key;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(crate) fn json(self, body: Value) -> Self {
        self.body(body.to_string())
    }

    /// Sends it from another of this machine's addresses, such as `127.0.0.2`.
    pub(crate) fn from(mut self, ip_address: &str) -> Self {
        self.from = Some(ip_address.parse().unwrap());
        self
    }

    /// Sends it, and checks the answer against openapi.yaml.
    pub(crate) async fn send(self) -> Answer {
        let url = format!("{}{}", self.roster.base, self.path);
        let http = match self.from {
            None => self.roster.http.clone(),
            from => reqwest::Client::builder()
                .local_address(from)
                .build()
                .unwrap(),
        };
        let given = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()));
        let mut secrets = run::secrets(&self.path, given, self.body.as_deref().unwrap_or_default());
        let mut request = http.request(self.method.clone(), url);
        let says_type = |(name, _): &(String, _)| name == "content-type";
        if !self.headers.iter().any(says_type) {
            request = request.header("content-type", "application/json");
        }
        if let Some(key) = self.key {
            request = request.header("x-api-key", key);
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let id = headers["x-amzn-requestid"].to_str().unwrap().to_owned();
        let set = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        // A link that is answered is as secret as one that is followed.
        let answered: Value = serde_json::from_str(&text).unwrap_or_default();
        let link = answered["link"].as_str().unwrap_or_default();
        secrets.extend(run::secrets(link, set, b""));
        log::answered(Sent {
            id,
            status,
            secrets,
        });
        let is_page = headers
            .get("content-type")
            .is_some_and(|media_type| media_type.as_bytes().starts_with(b"text/html"));
        let body = if text.is_empty() {
            Value::Null
        } else if is_page {
            text.clone().into()
        } else {
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
        };
        let answer = Answer {
            status,
            headers,
            body,
            raw: text,
        };
        schema::check(&self.method, &self.path, &answer);
        answer
    }
}

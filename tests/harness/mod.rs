//! A Roster of one test's own: gateway, store and the layer of faults between them.

mod dynamodb_local;
pub(crate) mod log;
mod proxy;
mod schema;
pub(crate) mod table;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::{OperationId, Timestamp, User, UserId};
use functions::ENDPOINTS;
use local::database;
use local::gateway::Gateway;
use local::template::Template;
use reqwest::Method;
use reqwest::header::HeaderMap;
use roster_http::{App, Clock, Endpoint, Entropy};
use serde_json::Value;
use store::{Precondition, Settings, Users, Write};
use tokio::net::TcpListener;
use tokio::time::Instant;

pub(crate) use proxy::{Fault, Faults, Recorded};

/// The administrator's key of the local service.
pub(crate) const ADMIN: &str = "local-admin-key";
/// The read-only key of the local service.
pub(crate) const READ_ONLY: &str = "local-read-only-key";
/// When every test takes place.
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

/// Which store a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Embedded,
    DynamodbLocal,
}

/// Defines a test that runs on the embedded store and on DynamoDB Local.
macro_rules! on_both_stores {
    ($(async fn $name:ident($roster:ident: Roster) $body:block)+) => {$(
        async fn $name($roster: $crate::harness::Roster) $body

        mod $name {
            use $crate::harness::{Roster, Store};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                super::$name(Roster::start(Store::Embedded).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[cfg_attr(not(dynamodb_local), ignore = "needs Java and Maven")]
            async fn dynamodb_local() {
                super::$name(Roster::start(Store::DynamodbLocal).await).await;
            }
        }
    )+};
}

/// A running service.
pub(crate) struct Roster {
    /// Where it is.
    pub(crate) base: String,
    /// The table, past the gateway and the faults: for fixtures and for looking.
    pub(crate) users: Users,
    /// The same, raw.
    pub(crate) table: table::RawTable,
    /// Faults to come, and what went through.
    pub(crate) faults: Faults,
    http: reqwest::Client,
    store_url: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
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

    /// The same answer, when its status is the expected one.
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

/// A table name that no other test of this run has.
fn new_table_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("roster-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn app(settings: &Settings, read_only_key_ids: Vec<String>) -> App {
    App {
        users: Users::new(store::connect(settings), settings.table.clone()),
        clock: Clock::Fixed(NOW),
        entropy: Entropy::seeded(1),
        read_only_key_ids,
    }
}

async fn free_port() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

impl Roster {
    /// A service on an empty table of its own. Its throttle is out of the way.
    pub(crate) async fn start(store: Store) -> Self {
        let unthrottled = [
            ("ThrottlingRateLimit", "1000000"),
            ("ThrottlingBurstLimit", "1000000"),
        ];
        Self::with_parameters(store, &unthrottled).await
    }

    /// A service with other values for some of the template's parameters.
    pub(crate) async fn with_parameters(store: Store, parameters: &[(&str, &str)]) -> Self {
        Self::with(store, parameters, ENDPOINTS).await
    }

    /// A service with other calls behind the template's routes.
    pub(crate) async fn with_endpoints(endpoints: &'static [&'static Endpoint]) -> Self {
        Self::with(Store::Embedded, &[], endpoints).await
    }

    async fn with(
        store: Store,
        parameters: &[(&str, &str)],
        endpoints: &'static [&'static Endpoint],
    ) -> Self {
        log::capture();
        let parameters: Vec<(String, String)> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let template = Template::read(&root().join("template.yaml"), &parameters).unwrap();
        let store_url = match store {
            Store::Embedded => {
                let listener = free_port().await;
                let url = format!("http://{}", listener.local_addr().unwrap());
                database::serve_embedded(None, listener).unwrap();
                url
            }
            Store::DynamodbLocal => dynamodb_local::url().await,
        };
        let settings = database::settings(store_url.clone(), &new_table_name());
        database::prepare(&settings, &template.table).await.unwrap();

        let (faults, proxy_url) = Faults::between(&store_url).await;
        let behind_proxy = Settings {
            endpoint: Some(proxy_url),
            ..settings.clone()
        };
        let app = app(&behind_proxy, template.read_only_key_ids());
        let gateway = Gateway::new(template, app, endpoints).unwrap();
        let listener = free_port().await;
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(gateway.serve(listener, std::future::pending()));
        let client = store::connect(&settings);
        Self {
            base,
            users: Users::new(client.clone(), settings.table.clone()),
            table: table::RawTable::new(client, settings.table),
            faults,
            http: reqwest::Client::new(),
            store_url,
        }
    }

    /// What a call is given, on the same table.
    pub(crate) fn app(&self) -> App {
        app(
            &database::settings(self.store_url.clone(), &self.table.name),
            vec![],
        )
    }

    /// What a function's environment needs to reach the same table.
    pub(crate) fn function_environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL_DYNAMODB", self.store_url.clone()),
            ("TABLE_NAME", self.table.name.clone()),
        ]
    }

    /// A request to `path`, with the administrator's key unless told otherwise.
    pub(crate) fn request(&self, method: &str, path: &str) -> Call<'_> {
        Call {
            roster: self,
            method: method.parse().unwrap(),
            path: path.to_owned(),
            key: Some(ADMIN),
            headers: Vec::new(),
            body: None,
        }
    }

    /// A request without a body.
    pub(crate) async fn send(&self, method: &str, path: &str) -> Answer {
        self.request(method, path).send().await
    }

    /// A request with a JSON body.
    pub(crate) async fn send_json(&self, method: &str, path: &str, body: Value) -> Answer {
        self.request(method, path).json(body).send().await
    }

    /// Creates a user by the API; its path.
    pub(crate) async fn create(&self, body: Value) -> String {
        let answer = self.send_json("POST", "/api/users", body).await.expect(201);
        answer.header("location").unwrap().to_owned()
    }

    /// Writes a user past the API, with its reservations.
    pub(crate) async fn write(&self, user: &User) -> String {
        let write = Write {
            operation: OperationId::of(&[user.id.as_str().as_bytes()]),
            is_named: false,
            precondition: Precondition::None,
            now: NOW,
            deadline: Instant::now() + Duration::from_secs(10),
        };
        self.users.create(user.clone(), &write).await.unwrap();
        format!("/api/users/{}", user.id)
    }

    /// Reads a user past the API.
    pub(crate) async fn read(&self, path: &str) -> Option<User> {
        let id = path.rsplit('/').next().unwrap();
        self.users.get(&UserId::parse(id).unwrap()).await.unwrap()
    }
}

/// A request in the making.
pub(crate) struct Call<'a> {
    roster: &'a Roster,
    method: Method,
    path: String,
    key: Option<&'static str>,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
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

    /// Sends it, and checks the answer against openapi.yaml.
    pub(crate) async fn send(self) -> Answer {
        let url = format!("{}{}", self.roster.base, self.path);
        let mut request = self
            .roster
            .http
            .request(self.method.clone(), url)
            .header("content-type", "application/json");
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
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
        };
        let answer = Answer {
            status,
            headers,
            body,
        };
        schema::check(&self.method, &self.path, &answer);
        answer
    }
}

//! A gateway for one test, booted from `template.yaml`.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use domain::Timestamp;
use local::database::Dynamodb;
use local::gateway::Gateway;
use local::link_keys::KeyPair;
use local::outbox::Outbox;
use local::services;
use local::services::Services;
use local::template::{Function, Template};
use roster_http::{
    AccountSettings, App, Clock, Endpoint, Entropy, KeyIds, LinkKeys, Method, Response,
};
use store::{Settings, Table};
use tokio::net::TcpListener;

/// The time of every test.
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);

const fn endpoint(name: &'static str, routes: &'static [(Method, &'static str)]) -> Endpoint {
    Endpoint {
        name,
        routes,
        handler: |_, _| Box::pin(async { Ok(Response::empty()) }),
        ..Endpoint::READS_USER
    }
}

static ENDPOINTS: &[&Endpoint] = &[
    &endpoint("open_call", &[(Method::GET, "/open/{token}")]),
    &endpoint("keyed_call", &[(Method::GET, "/keyed")]),
];

pub(crate) fn template(parameters: &[(&str, &str)]) -> Template {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/service/template.yaml");
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Template::read(&path, &parameters).unwrap()
}

pub(crate) fn app(settings: &Settings) -> App {
    App::new(
        Table::at(settings),
        Clock::Fixed(NOW),
        Entropy::seeded(1),
        KeyIds::parse("AdministratorKey", "ReadOnlyKey"),
        AccountSettings::default(),
        LinkKeys::none(),
    )
}

pub(crate) async fn free_port() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// A gateway with services and without a table. Returns its base URL and its outbox.
pub(crate) async fn start(keys: &KeyPair, parameters: &[(&str, &str)]) -> (String, Outbox) {
    let (listener, base) = free_port().await;
    let outbox = Outbox::new();
    let nowhere = Dynamodb::At("http://127.0.0.1:1".to_owned()).settings("none");
    let app = Arc::new(app(&nowhere));
    let (clock, entropy) = (app.clock, app.entropy.clone());
    let apps = |_: &Function| Arc::clone(&app);
    let gateway = Gateway::new(template(parameters), clock, entropy, apps, ENDPOINTS)
        .unwrap()
        .with_hosts(["allowed.example".to_owned()])
        .with_services(Services::new(outbox.clone(), keys));
    tokio::spawn(gateway.serve(listener, std::future::pending()));
    (base, outbox)
}

/// A courier that sends to the outbox of the gateway at `base`.
pub(crate) fn courier(base: &str) -> aws::Courier {
    aws::Courier::new(
        &services::settings(base),
        "no-reply@roster.example".to_owned(),
    )
}

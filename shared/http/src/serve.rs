//! A function's `main`.

use std::time::Duration;

use lambda_http::{Error, lambda_runtime, service_fn};
use tokio::runtime::Runtime;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;

use crate::request::end_of;
use crate::{App, Consumer, Endpoint, LinkKeys, Worker, call, consume};

/// The template's time-out of a consumer.
const CONSUMERS_TIME: Duration = Duration::from_secs(90);

/// Lambda ends a start that takes longer than ten seconds.
const LONGEST_CONNECT: Duration = Duration::from_secs(3);

/// Serves one call until Lambda ends the process.
///
/// Not generic, so that the runtime, the SDK and the logging are compiled once for all binaries.
pub fn serve(endpoint: &'static Endpoint) -> Result<(), Error> {
    start()?.block_on(answer(endpoint, App::from_env()?))
}

/// Serves a call that needs the link keys.
pub fn serve_link(endpoint: &'static Endpoint) -> Result<(), Error> {
    let app = App {
        link_keys: LinkKeys::from_parameters()?,
        ..App::from_env()?
    };
    start()?.block_on(async {
        read_keys(&app).await;
        answer(endpoint, app).await
    })
}

/// Serves a consumer of the table's stream until Lambda ends the process.
pub fn serve_consumer(consumer: &'static Consumer) -> Result<(), Error> {
    let mut worker = Worker::from_env()?;
    worker.app.link_keys = LinkKeys::from_parameters()?;
    let worker = &worker;
    start()?.block_on(async {
        read_keys(&worker.app).await;
        lambda_runtime::run(lambda_runtime::service_fn(
            |event: lambda_runtime::LambdaEvent<_>| async move {
                let end = end_of(Some(&event.context), CONSUMERS_TIME);
                Ok::<_, Error>(consume(worker, consumer, event.payload, end).await)
            },
        ))
        .await
    })
}

/// Writes a function's log to `writer`: a flat JSON object in each line, as the metric filters of
/// template.yaml read it. Lambda adds the time.
pub fn log_lines<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_current_span(false)
        .with_span_list(false)
        .without_time()
        .with_writer(writer)
        .finish()
}

fn start() -> Result<Runtime, Error> {
    tracing::subscriber::set_global_default(log_lines(std::io::stdout))?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
}

async fn answer(endpoint: &'static Endpoint, app: App) -> Result<(), Error> {
    let app = &app;
    let connect = (endpoint.connect.run)(&app.users);
    let _ = tokio::time::timeout(LONGEST_CONNECT, connect).await;
    lambda_http::run(service_fn(|event| async move {
        Ok::<_, Error>(call(app, endpoint, event).await)
    }))
    .await
}

/// Why it failed is the first request's to tell.
async fn read_keys(app: &App) {
    let _ = tokio::time::timeout(LONGEST_CONNECT, app.link_keys.get()).await;
}

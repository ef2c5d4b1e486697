//! A function's `main`.

use std::fmt;
use std::time::Duration;

use cookie::time::OffsetDateTime;
use lambda_http::{Error, lambda_runtime};
use sdk::ReadParameters;
use tokio::runtime::Runtime;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::clock::since_epoch;
use crate::{App, Endpoint, LinkKeys, invoke};

/// A limit, because Lambda ends a start that takes longer than ten seconds.
pub(crate) const MAX_CONNECT: Duration = Duration::from_secs(3);

/// Serves one call until Lambda ends the process.
///
/// It is not generic, so that the runtime, the SDK and the logging are compiled once for all binaries.
pub fn serve(endpoint: &'static Endpoint) -> Result<(), Error> {
    start()?.block_on(answer(endpoint, App::from_env()?))
}

/// Serves a call that needs the keys of links. `read` reads the parameters.
pub fn serve_with_link_keys(
    endpoint: &'static Endpoint,
    read: ReadParameters,
) -> Result<(), Error> {
    let app = App {
        link_keys: LinkKeys::from_parameters(read)?,
        ..App::from_env()?
    };
    start()?.block_on(async {
        app.link_keys.read_ahead().await;
        answer(endpoint, app).await
    })
}

/// Writes a function's log to `writer`: a JSON object in each line. Its fields are flat, as the metric
/// filters of template.yaml read them; `span` tells which request or record a line belongs to. Lambda
/// passes on lines that have a `timestamp` and a `level` unchanged.
pub fn log_lines<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_current_span(true)
        .with_span_list(false)
        .with_timer(LineTime)
        .with_writer(writer)
        .finish()
}

/// A line's time: RFC 3339, in UTC, to the millisecond, as Lambda's own lines have it.
struct LineTime;

impl FormatTime for LineTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write_time(w, since_epoch())
    }
}

fn write_time(w: &mut impl fmt::Write, since_epoch: Duration) -> fmt::Result {
    let seconds = i64::try_from(since_epoch.as_secs()).map_err(|_| fmt::Error)?;
    let time = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
    write!(
        w,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        since_epoch.subsec_millis(),
    )
}

/// The start of every binary: the log, and a runtime of one thread.
pub fn start() -> Result<Runtime, Error> {
    tracing::subscriber::set_global_default(log_lines(std::io::stdout))?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
}

async fn answer(endpoint: &'static Endpoint, app: App) -> Result<(), Error> {
    let app = &app;
    let connect = (endpoint.connect.run)(&app.table);
    let _ = tokio::time::timeout(MAX_CONNECT, connect).await;
    lambda_runtime::run(lambda_runtime::service_fn(|event| async move {
        Ok::<_, Error>(invoke(app, endpoint, event).await)
    }))
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lines_time_is_in_utc_to_the_millisecond() {
        for (milliseconds, wanted) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_700_000_000_007, "2023-11-14T22:13:20.007Z"),
            (1_709_164_799_999, "2024-02-28T23:59:59.999Z"),
        ] {
            let mut text = String::new();
            write_time(&mut text, Duration::from_millis(milliseconds)).unwrap();
            assert_eq!(text, wanted);
        }
    }
}

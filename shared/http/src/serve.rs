//! A function's `main`.

use std::time::Duration;

use lambda_http::{Error, service_fn};

use crate::{App, Endpoint, call};

/// Lambda ends a start that takes longer than ten seconds.
const LONGEST_CONNECT: Duration = Duration::from_secs(3);

/// Serves one call until Lambda ends the process.
///
/// Not generic, so that the runtime, the SDK and the logging are compiled once for all binaries.
pub fn serve(endpoint: &'static Endpoint) -> Result<(), Error> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_current_span(false)
        .with_span_list(false)
        .without_time()
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let app = App::from_env()?;
        let app = &app;
        let connect = (endpoint.connect.run)(&app.users);
        let _ = tokio::time::timeout(LONGEST_CONNECT, connect).await;
        lambda_http::run(service_fn(|event| async move {
            Ok::<_, Error>(call(app, endpoint, event).await)
        }))
        .await
    })
}

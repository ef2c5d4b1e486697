//! A function's `main`.

use lambda_http::{Error, service_fn};

use crate::{App, Endpoint, call};

/// Serves one call until Lambda ends the process.
///
/// Not generic, so that the runtime, the SDK and the logging are compiled once for all binaries.
pub fn serve(endpoint: &'static Endpoint) -> Result<(), Error> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_current_span(false)
        .without_time()
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let app = App::from_env()?;
        let app = &app;
        lambda_http::run(service_fn(|event| async move {
            Ok::<_, Error>(call(app, endpoint, event).await)
        }))
        .await
    })
}

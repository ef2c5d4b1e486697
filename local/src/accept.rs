//! Connections to this machine's ports.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tracing::error;

/// How long it waits after a connection that can't be taken.
const REST: Duration = Duration::from_secs(1);

/// The next connection, and who is at its other end.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(fault) => {
                error!(%fault, "accept");
                // Out of files: that doesn't pass at once.
                tokio::time::sleep(REST).await;
            }
        }
    }
}

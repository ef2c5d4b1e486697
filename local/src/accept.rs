//! Connections to this machine's ports.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tracing::error;

/// How long to wait after a connection could not be accepted.
const REST: Duration = Duration::from_secs(1);

/// The next connection, and the address of its client.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(fault) => {
                error!(%fault, "accept");
                // There are no file descriptors left. That takes some time to pass.
                tokio::time::sleep(REST).await;
            }
        }
    }
}

//! TLS in front of the embedded store, which speaks plain HTTP.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::Failure;

/// The files with the trusted certificates of Amazon Linux and Debian.
const ROOTS: [&str; 2] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
];

/// Passes connections to a free port on to `store`, and returns the port. Clients trust it by the
/// certificates that it writes to `roots`.
///
/// The machine's own certificates are in the file, too, because a function parses all of Lambda's at
/// its first request.
pub(crate) async fn terminate(store: SocketAddr, roots: &Path) -> Result<u16, Failure> {
    let mut params = CertificateParams::new([])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate()?;
    let root = params.self_signed(&key)?;
    let present = ROOTS
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok());
    std::fs::write(roots, present.unwrap_or_default() + &root.pem())?;

    let leaf_key = KeyPair::generate()?;
    let leaf = CertificateParams::new(["localhost".to_owned()])?
        .signed_by(&leaf_key, &Issuer::new(params, key))?;
    let leaf_key = PrivatePkcs8KeyDer::from(leaf_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], leaf_key.into())?;
    let acceptor = TlsAcceptor::from(Arc::new(config));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Err(error) = pass(&acceptor, client, store).await {
                    eprintln!("TLS: {error}");
                }
            });
        }
    });
    Ok(port)
}

async fn pass(acceptor: &TlsAcceptor, client: TcpStream, store: SocketAddr) -> Result<(), Failure> {
    client.set_nodelay(true)?;
    let mut client = acceptor.accept(client).await?;
    let mut store = TcpStream::connect(store).await?;
    store.set_nodelay(true)?;
    // A process is killed after its answer, while it is still connected.
    let _ = copy_bidirectional(&mut client, &mut store).await;
    Ok(())
}

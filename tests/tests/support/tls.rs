//! An API behind TLS, with a certificate of its own making.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, routing::get, routing::post, serve::Listener};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig, SupportedProtocolVersion,
        pki_types::{CertificateDer, PrivateKeyDer},
        server::WebPkiClientVerifier,
    },
    server::TlsStream,
};

/// An API with its token endpoint, behind TLS, and the certificate that it shows.
pub struct Secured {
    pub url: String,
    pub certificate_pem: String,
}

struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.tcp.accept().await else { continue };
            // A client that does not trust the certificate goes away: that is what is tested.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// Starts one whose certificate is for these names.
pub async fn secured(names: &[&str], versions: &[&'static SupportedProtocolVersion]) -> Secured {
    secured_for(names, versions, None).await
}

/// One that lets only this client in, where there is one.
pub async fn secured_for(
    names: &[&str],
    versions: &[&'static SupportedProtocolVersion],
    client: Option<&CertificateDer<'static>>,
) -> Secured {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
    let builder = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let tcp = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("https://localhost:{}", tcp.local_addr().unwrap().port());
    let app = Router::new()
        .route("/token", post(|| async { Json(json!({"access_token": "t0k3n", "expires_in": 60})) }))
        .route("/api/user", get(|| async { Json(json!({"user_id": 1})) }));
    let listener = TlsListener { tcp, acceptor: TlsAcceptor::from(Arc::new(config)) };
    tokio::spawn(async move { axum::serve(listener, app).await });
    Secured { url, certificate_pem: made.cert.pem() }
}

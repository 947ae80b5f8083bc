//! TLS: certificates are verified, a CA can be added, and what goes wrong is told.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, routing::get, routing::post, serve::Listener};
use keyway::{Code, Connection, Host, Message, Secret};
use keyway_tests::acme::{account, acme, host_with};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig, SupportedProtocolVersion,
        pki_types::{CertificateDer, PrivateKeyDer},
        server::WebPkiClientVerifier,
        version,
    },
    server::TlsStream,
};

/// An API with its token endpoint, behind TLS, and the certificate that it shows.
struct Secured {
    url: String,
    certificate_pem: String,
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

async fn secured(names: &[&str], versions: &[&'static SupportedProtocolVersion]) -> Secured {
    secured_for(names, versions, None).await
}

/// One that lets only this client in, where there is one.
async fn secured_for(
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

fn connected(host: &Host) -> Connection {
    host.connect(account()).unwrap()
}

#[tokio::test]
async fn c17_a_certificate_that_nobody_vouches_for_is_refused() {
    let server = secured(&["localhost"], &[&version::TLS13]).await;
    let host = host_with(&acme(&server.url), |builder| builder);
    let failure = connected(&host).send(Message::get("/user")).await.unwrap_err();
    assert_eq!(failure.code, Code::TokenUnavailable);
    assert!(!failure.retryable, "another attempt meets the same certificate");
    assert!(failure.message.contains("TLS failed") && failure.message.contains("CA"), "{failure}");
}

#[tokio::test]
async fn a_certificate_of_an_added_ca_is_trusted_in_tls_1_2_and_1_3() {
    for version in [&version::TLS12, &version::TLS13] {
        let server = secured(&["localhost"], &[version]).await;
        let host = host_with(&acme(&server.url), |builder| builder.ca_pem(server.certificate_pem.clone()));
        let answer = connected(&host).send(Message::get("/user")).await.unwrap();
        assert_eq!(answer.text(), Some(r#"{"user_id":1}"#));
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let server = secured(&["elsewhere.example"], &[&version::TLS13]).await;
    let host = host_with(&acme(&server.url), |builder| builder.ca_pem(server.certificate_pem.clone()));
    let failure = connected(&host).send(Message::get("/user")).await.unwrap_err();
    assert!(failure.message.contains("TLS failed"), "{failure}");
}

#[tokio::test]
async fn an_api_whose_certificate_is_wrong_is_told_as_tls() {
    let (good, bad) =
        (secured(&["localhost"], &[&version::TLS13]).await, secured(&["localhost"], &[&version::TLS13]).await);
    let mut component = acme(&good.url);
    component["api"]["base_url"] = json!(format!("{}/api", bad.url));
    let host = host_with(&component, |builder| builder.ca_pem(good.certificate_pem.clone()));
    let failure = connected(&host).send(Message::get("/user")).await.unwrap_err();
    assert_eq!((failure.code, failure.attempts, failure.retryable), (Code::Tls, 1, false), "{failure}");
}

#[tokio::test]
async fn a_ca_file_that_holds_none_is_told() {
    let server = secured(&["localhost"], &[&version::TLS13]).await;
    let host = host_with(&acme(&server.url), |builder| builder.ca_pem("-----BEGIN CERTIFICATE-----\noops\n"));
    let failure = connected(&host).send(Message::get("/user")).await.unwrap_err();
    assert!(failure.message.contains("CA") && !failure.retryable, "{failure}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_the_clients() {
    let client = rcgen::generate_simple_self_signed(["keyway".to_owned()]).unwrap();
    let identity = format!("{}{}", client.cert.pem(), client.signing_key.serialize_pem());
    for version in [&version::TLS12, &version::TLS13] {
        let server = secured_for(&["localhost"], &[version], Some(client.cert.der())).await;
        let with = |identity: Option<&str>| {
            host_with(&acme(&server.url), |builder| {
                let builder = builder.ca_pem(server.certificate_pem.clone());
                identity.into_iter().fold(builder, |builder, pem| builder.client_identity(Secret::new(pem)))
            })
        };
        let host = with(Some(&identity));
        assert_eq!(connected(&host).send(Message::get("/user")).await.unwrap().status, 200);
        let host = with(None);
        connected(&host).send(Message::get("/user")).await.unwrap_err();
        let host = with(Some("-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"));
        let failure = connected(&host).send(Message::get("/user")).await.unwrap_err();
        assert!(failure.message.contains("client certificate") && !failure.message.contains("canary"), "{failure}");
    }
}

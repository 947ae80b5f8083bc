//! TLS: certificates are verified, a CA can be added, and what goes wrong is told.

mod support;

use keyway::{
    AttemptEnd, Code, Connection, Host, Message, Secret, SendFuture, Transport, WireCall, WireFault, WireFaultKind,
};
use keyway_tests::acme::{account, account_with, acme, host_with};
use serde_json::json;
use support::tls::{secured, secured_for};
use tokio_rustls::rustls::version;

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

/// Several accounts of one host, each with a certificate of its own.
#[tokio::test]
async fn each_account_shows_its_own_certificate() {
    let pem = |client: &rcgen::CertifiedKey<rcgen::KeyPair>| {
        format!("{}{}", client.cert.pem(), client.signing_key.serialize_pem())
    };
    let (known, other) = (
        rcgen::generate_simple_self_signed(["known".to_owned()]).unwrap(),
        rcgen::generate_simple_self_signed(["other".to_owned()]).unwrap(),
    );
    let server = secured_for(&["localhost"], &[&version::TLS13], Some(known.cert.der())).await;
    let host = host_with(&acme(&server.url), |builder| builder.ca_pem(server.certificate_pem.clone()));
    let connected = |name: &str, certificate: &str| {
        let certificate = ("ACME_CLIENT_CERTIFICATE", certificate);
        host.connect(account_with([certificate]).named(name)).unwrap()
    };
    let (good, wrong) = (connected("good", &pem(&known)), connected("wrong", &pem(&other)));
    let damaged = connected("damaged", "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n");
    for _ in 0..2 {
        assert_eq!(good.send(Message::get("/user")).await.unwrap().status, 200);
        wrong.send(Message::get("/user")).await.unwrap_err();
        let failure = damaged.send(Message::get("/user")).await.unwrap_err();
        assert!(failure.message.contains("client certificate") && !failure.message.contains("canary"), "{failure}");
    }
    let key = known.signing_key.serialize_pem();
    assert!(!host.redactor().values(&key).contains(key.lines().nth(1).unwrap()));
    // A transport of the program's own knows nothing of certificates.
    let own = host_with(&acme(&server.url), |builder| builder.transport(NoNetwork));
    let certificate = pem(&known);
    let refused = own.connect(account_with([("ACME_CLIENT_CERTIFICATE", certificate.as_str())])).unwrap_err();
    assert!(refused.to_string().contains("`client_certificate`"), "{refused}");
}

struct NoNetwork;

impl Transport for NoNetwork {
    fn send(&self, _: WireCall) -> SendFuture<'_> {
        Box::pin(async { AttemptEnd::NeverSent(WireFault::new(WireFaultKind::Connect, "no network")) })
    }
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

//! TLS: certificates are verified, a CA can be added, and what goes wrong is told.

mod support;

use keyway::{Code, Connection, Host, Message, Secret};
use keyway_tests::acme::{account, acme, host_with};
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

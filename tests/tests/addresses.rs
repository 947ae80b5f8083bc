//! The address guard, from outside: whatever leads to a private address, however it is spelled, is refused until the
//! operator names the host.

mod support;

use std::collections::BTreeSet;

use axum::response::Response;
use keyway_tests::{
    acme::acme,
    mock::{Mock, Seen, empty, reply},
};
use serde_json::{Value, json};
use support::{
    Home, Keyway, Ran,
    addresses::a_name_of_this_machine,
    scripted,
    sign_in::{ACME, Account, NAME},
    tls::secured,
};
use tokio_rustls::rustls::version;
use url::Url;

/// Hosts of which each is a private, link-local, metadata or otherwise special address, in all spellings.
const PRIVATE: &[&str] = &[
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "192.168.257",
    "169.254.169.254",
    "169.254.43518",
    "2852039166",
    "0xa9fea9fe",
    "0xA9.0xFE.0xA9.0xFE",
    "0251.0376.0251.0376",
    "169.254.169.254.",
    "100.100.100.200",
    "0.0.0.0",
    "0",
    "255.255.255.255",
    "224.0.0.1",
    "[::]",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::169.254.169.254]",
    "[2002:a9fe:a9fe::1]",
    "[fd00:ec2::254]",
    "[fe80::a9fe:a9fe]",
    "[ff02::1]",
];

/// The made-up API with further origins that messages may go to.
fn with_origins(home: &Home, url: &str, origins: &[String], args: &[&str]) -> Keyway {
    let mut component = acme(url);
    component["retry"]["count"] = 1.into();
    let origins = origins.iter().map(|origin| json!({"origin": origin, "token": true}));
    component["api"]["additional_origins"] = origins.collect();
    home.write("acme.json", component.to_string());
    let account = [("ACME_CLIENT_ID", ACME.0), ("ACME_CLIENT_SECRET", ACME.1)];
    let command = home.keyway(["run", "./acme.json", "--keep-order", "--token-store", "memory"]);
    command.args(["--connect-timeout-ms", "2000"]).args(args.iter().copied()).envs(account)
}

/// A GET of each.
fn gets(urls: impl IntoIterator<Item = String>) -> String {
    urls.into_iter().map(|url| format!("{}\n", json!({"method": "GET", "url": url}))).collect()
}

/// The outcome was refused because of its address, and says what allows the host.
#[track_caller]
fn is_refused(outcome: &Value, what: &str) {
    let error = &outcome["error"];
    assert_eq!(
        (&error["code"], &error["retryable"]),
        (&json!("address_not_allowed"), &json!(false)),
        "{what}: {outcome}"
    );
    tells_the_flag(error["message"].as_str().unwrap(), what);
    assert_eq!(outcome.get("status"), None, "{what}: {outcome}");
}

#[track_caller]
fn tells_the_flag(message: &str, what: &str) {
    let words = message.contains("not a public address") && message.contains("--allow-private-network ");
    assert!(words, "{what}: {message}");
}

async fn api() -> Mock {
    Mock::api(|_| async { reply(200, &json!({})) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_of_a_private_address_is_refused() {
    let (home, api) = (Home::new(), api().await);
    let origins: Vec<String> = PRIVATE.iter().map(|host| format!("https://{host}")).collect();
    // Two spellings of one host are one origin, which may stand in a component once.
    let mut seen = BTreeSet::new();
    let distinct: Vec<String> = origins.iter().filter(|text| seen.insert(Url::parse(text).unwrap())).cloned().collect();
    let ran = with_origins(&home, &api.url, &distinct, &[]).run(gets(origins.iter().map(|o| format!("{o}/x")))).await;
    assert_eq!(ran.code(), Some(1), "{ran}");
    let outcomes = ran.outcomes();
    assert_eq!(outcomes.len(), PRIVATE.len());
    for (outcome, host) in outcomes.iter().zip(PRIVATE) {
        is_refused(outcome, host);
    }
    // A base URL is no better than any other.
    for host in ["169.254.169.254", "0x0a010203", "[fd00:ec2::254]"] {
        let mut component = acme(&api.url);
        component["api"]["base_url"] = format!("https://{host}/api").into();
        let command = with_origins(&home, &api.url, &[], &[]);
        home.write("acme.json", component.to_string());
        is_refused(&command.run(gets(["/x".to_owned()])).await.outcome(), host);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_reached_by_its_own_names_however_they_are_spelled() {
    let (home, api) = (Home::new(), api().await);
    let port = Url::parse(&api.url).unwrap().port().unwrap();
    let hosts = ["127.0.0.1", "localhost", "LOCALHOST", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"];
    for host in hosts {
        let url = format!("http://{host}:{port}");
        with_origins(&home, &url, &[], &[]).run(gets(["/x".to_owned()])).await.succeeded();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_this_machine_is_refused_until_it_is_named() {
    let name = a_name_of_this_machine();
    let (home, api) = (Home::new(), api().await);
    let server = secured(&[&name], &[&version::TLS13]).await;
    home.write("ca.pem", &server.certificate_pem);
    let origin = server.url.replace("localhost", &name);
    let lines = || gets([format!("{origin}/api/user")]);
    let origins = [origin.clone()];
    let run = |args: &[&str]| with_origins(&home, &api.url, &origins, args);
    let ran = run(&["--ca-file", "ca.pem"]).run(lines()).await;
    is_refused(&ran.outcome(), &name);
    let told = ran.outcome()["error"]["message"].as_str().unwrap().to_owned();
    assert!(told.contains(&format!("--allow-private-network {name}")), "{told}");

    // Another host's permission is not this one's.
    let other = run(&["--ca-file", "ca.pem", "--allow-private-network", "other.example"]);
    let other = other.args(["--allow-private-network", "127.0.0.1", "--allow-private-network", "example"]);
    is_refused(&other.run(lines()).await.outcome(), &name);
    for allowed in [name.clone(), name.to_uppercase()] {
        let ran = run(&["--ca-file", "ca.pem", "--allow-private-network", &allowed]).run(lines()).await;
        assert_eq!(ran.outcome()["body"], json!({"user_id": 1}), "{ran}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flag_lets_exactly_that_address_through() {
    let (home, api) = (Home::new(), api().await);
    let port = Url::parse(&secured(&["localhost"], &[&version::TLS13]).await.url).unwrap().port().unwrap();
    // Addresses that are not public, and end at this machine all the same.
    let hosts = ["0.0.0.0", "[::ffff:127.0.0.1]"];
    let origins: Vec<String> = hosts.iter().map(|host| format!("https://{host}:{port}")).collect();
    let run = |args: &[&str]| with_origins(&home, &api.url, &origins, args);
    let lines = || gets(origins.iter().map(|origin| format!("{origin}/x")));
    let refused = run(&[]).run(lines()).await.outcomes();
    for (n, refused) in refused.iter().enumerate() {
        is_refused(refused, hosts[n]);
        // What the sentence says to write is what helps.
        let told = refused["error"]["message"].as_str().unwrap();
        let flag = told.split("--allow-private-network ").nth(1).unwrap().split_whitespace().next().unwrap();
        let outcomes = run(&["--allow-private-network", flag]).run(lines()).await.outcomes();
        for (m, outcome) in outcomes.iter().enumerate() {
            match n == m {
                // It is reached, and has no certificate for that name.
                true => assert_eq!(outcome["error"]["code"], "tls", "{outcome}"),
                false => is_refused(outcome, hosts[m]),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_goes_to_a_private_token_endpoint() {
    let (home, api) = (Home::new(), api().await);
    let name = a_name_of_this_machine();
    for host in ["169.254.169.254", "0", "[::ffff:10.0.0.1]", &name] {
        let command = with_origins(&home, &api.url, &[], &["-v"]);
        let mut component = acme(&api.url);
        component["oauth2"]["token_endpoint"] = format!("https://{host}/token").into();
        home.write("acme.json", component.to_string());
        let outcome = command.run(gets(["/x".to_owned()])).await.outcome();
        let error = &outcome["error"];
        assert_eq!((&error["code"], &error["retryable"]), (&json!("token_unavailable"), &json!(false)), "{outcome}");
        tells_the_flag(error["message"].as_str().unwrap(), host);
    }
    assert_eq!(api.seen("").len(), 0, "without a token nothing is sent");
}

/// A redirect to wherever the query says.
async fn leading(seen: Seen) -> Response {
    let mut answer = empty(302);
    let to = url::form_urlencoded::parse(seen.query.as_bytes()).find(|pair| pair.0 == "to");
    answer.headers_mut().insert("location", to.unwrap().1.parse().unwrap());
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_leads_to_no_private_address() {
    let (home, api) = (Home::new(), Mock::api(leading).await);
    let name = a_name_of_this_machine();
    let known =
        ["https://169.254.169.254".to_owned(), "https://[fd00:ec2::254]".to_owned(), format!("https://{name}:9")];
    let lead = |to: &str| json!({"method": "GET", "url": "/x", "query": {"to": to}}).to_string() + "\n";
    let to_known: String = known.iter().map(|origin| lead(&format!("{origin}/latest/meta-data"))).collect();
    let ran = with_origins(&home, &api.url, &known, &[]).run(to_known).await;
    for (outcome, origin) in ran.outcomes().iter().zip(&known) {
        is_refused(outcome, origin);
        assert_eq!(outcome["error"]["history"][0]["reason"], "redirect", "{outcome}");
    }
    // Where no message could have gone nobody is led at all: the answer is what it is.
    let places =
        ["https://169.254.169.254/", "http://169.254.169.254/", "//0xa9fea9fe/x", "http://[::ffff:a9fe:a9fe]/"];
    let ran = with_origins(&home, &api.url, &[], &[]).run(places.map(lead).concat()).await.succeeded();
    assert!(ran.outcomes().iter().all(|outcome| outcome["status"] == 302), "{ran}");
}

#[track_caller]
fn tells(ran: &Ran, what: &str) {
    assert_ne!(ran.code(), Some(0), "{what}: {ran}");
    tells_the_flag(&ran.stderr, what);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_by_device_asks_no_private_address() {
    let server = scripted::willing().await;
    let mut component = scripted::component(&server);
    component["oauth2"]["device_authorization_endpoint"] = "https://169.254.169.254/device".into();
    let account = Account::new(&component, "device_code", ACME);
    tells(&account.login(&[]).end().await, "the device endpoint");
    // The other one is asked when the person is done.
    component["oauth2"]["device_authorization_endpoint"] = format!("{}/device", server.url).into();
    component["oauth2"]["token_endpoint"] = "https://10.1.2.3/token".into();
    account.describe(&component);
    tells(&account.login(&[]).end().await, "the token endpoint");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_sent_to_no_private_token_endpoint() {
    let server = scripted::willing().await;
    let mut component = scripted::component(&server);
    component["oauth2"]["token_endpoint"] = "https://192.168.1.1/token".into();
    let account = Account::new(&component, "authorization_code", ACME);
    let sign_in = account.sign_in(&[]).await;
    sign_in.answer(&[("code", "a-code")]).await;
    tells(&sign_in.running.end().await, "the token endpoint");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_sent_to_no_private_revocation_endpoint() {
    let server = scripted::willing().await;
    let mut component = scripted::component(&server);
    component["oauth2"]["revocation_endpoint"] = "https://[fd00:ec2::254]/revoke".into();
    let account = Account::new(&component, "authorization_code", ACME).signed_in().await;
    tells(&account.keyway(&["logout", NAME]).run("").await, "the revocation endpoint");
    // What could not be revoked is kept.
    account.keyway(&["token", "show", NAME]).run("").await.succeeded();
}

//! Every grant against the simulator: what the token request carries, byte for byte, and what comes of it.

use std::fs;

use base64::{Engine, engine::general_purpose::STANDARD};
use keyway::{Code, Connection, Credential, Host, Message};
use keyway_simulator::{Call, Options, Simulator};
use keyway_tests::{Demo, failed, json, quick, simulated, simulator, token_calls};
use serde_json::{Value, json};

const ODD_SECRET: &str = "s+cr%41t/=&: ü";

/// Sends one message of an account and gives its answer with the one token request that it took.
async fn first_answer(simulator: &Simulator, demo: &Demo, message: Message) -> (Value, Call, Connection) {
    let host = simulated(simulator).build().unwrap();
    let connection = host.connect(demo.credential()).unwrap();
    let answer = connection.send(message).await.unwrap();
    let calls = token_calls(simulator);
    assert_eq!(calls.len(), 1, "one token request");
    (answer.json().unwrap(), calls[0].clone(), connection)
}

/// Holds a token request of Podio against its members.
fn assert_podio_request(call: &Call, members: Value) {
    let mut wanted = json!({"client_id": "simulator-client", "client_secret": "simulator-client-secret"});
    wanted.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    assert_eq!((call.method.as_str(), call.path.as_str(), &call.query), ("POST", "/oauth/token/v2", &None));
    assert_eq!(call.header("content-type"), Some("application/json"));
    assert_eq!(call.header("authorization"), None, "one way of client authentication, not two");
    assert_eq!(json(&call.body), wanted);
}

/// No URL that any server saw names a secret, in plain or percent-encoded.
fn assert_no_secret_in_urls(simulator: &Simulator, demo: &Demo, names: &[&str]) {
    for call in simulator.stats().calls {
        let url = format!("{}?{}", call.path, call.query.unwrap_or_default());
        for name in names {
            let secret = demo.get(name);
            let encoded = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
            assert!(!url.contains(secret) && !url.contains(&encoded), "{name} stands in {url}");
        }
    }
}

const PODIO_SECRETS: &[&str] =
    &["PODIO_CLIENT_SECRET", "PODIO_PASSWORD", "PODIO_APP_TOKEN", "PODIO_CODE", "PODIO_REFRESH_TOKEN"];

#[tokio::test]
async fn podio_password() {
    let simulator = simulator(Options::default()).await;
    let demo = Demo::podio(&simulator, "password");
    let (user, call, connection) = first_answer(&simulator, &demo, Message::get("/user")).await;
    assert_eq!(user["user_id"], 9_000_001);
    let members = json!({"grant_type": "password", "username": "ada@example.org", "password": "simulator-password"});
    assert_podio_request(&call, members);
    assert_no_secret_in_urls(&simulator, &demo, PODIO_SECRETS);

    // The token stands where Podio documents it, and nowhere else.
    let token = connection.tokens().current().await.unwrap().unwrap();
    let api = simulator.stats().calls.back().unwrap().clone();
    let wanted = format!("OAuth2 {}", token.access_token.expose_secret_text());
    assert_eq!(api.header("authorization"), Some(wanted.as_str()));
    assert_eq!(api.query, None);
}

#[tokio::test]
async fn podio_app() {
    let simulator = simulator(Options::default()).await;
    let demo = Demo::podio(&simulator, "app");
    let (app, call, _) = first_answer(&simulator, &demo, Message::get("/app/{app_id}")).await;
    assert_eq!(app["app_id"], 500_600);
    // The id is a number in the body, as Podio documents it.
    assert_podio_request(&call, json!({"grant_type": "app", "app_id": 500_600, "app_token": "simulator-app-token"}));
    assert_no_secret_in_urls(&simulator, &demo, PODIO_SECRETS);
}

#[tokio::test]
async fn podio_authorization_code() {
    let simulator = simulator(Options::default()).await;
    let demo = Demo::podio(&simulator, "authorization_code");
    let (user, call, _) = first_answer(&simulator, &demo, Message::get("/user")).await;
    assert_eq!(user["user_id"], 9_000_001);
    let uri = "https://integration.example.org/callback";
    let members = json!({"grant_type": "authorization_code", "code": "simulator-code", "redirect_uri": uri});
    assert_podio_request(&call, members);
    assert_no_secret_in_urls(&simulator, &demo, PODIO_SECRETS);
}

#[tokio::test]
async fn podio_refresh_token() {
    let simulator = simulator(Options::default()).await;
    let demo = Demo::podio(&simulator, "refresh_token");
    let (user, call, _) = first_answer(&simulator, &demo, Message::get("/user")).await;
    assert_eq!(user["user_id"], 9_000_001);
    assert_podio_request(&call, json!({"grant_type": "refresh_token", "refresh_token": "simulator-refresh-token"}));
    assert_no_secret_in_urls(&simulator, &demo, PODIO_SECRETS);
}

#[tokio::test]
async fn every_grant_passes_the_components_own_check() {
    for grant in ["password", "app", "authorization_code", "refresh_token"] {
        let simulator = simulator(Options::default()).await;
        let demo = Demo::podio(&simulator, grant);
        first_answer(&simulator, &demo, Message::action("verify")).await;
    }
}

/// Podio's own file with the simulator's address in the place of its hosts, under another name.
fn local_podio(simulator: &Simulator) -> tempfile::TempDir {
    let [podio, ..] = simulator.urls();
    let (_, text) = keyway_components::BUILT_IN.iter().find(|(name, _)| *name == "podio").unwrap();
    let mut component = json(text);
    component["name"] = "podio-local".into();
    let text = component.to_string();
    let hosts = ["https://api.podio.com", "https://files.podio.com", "https://podio.com"];
    let text = hosts.iter().fold(text, |text, host| text.replace(host, &podio));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("podio-local.json"), text).unwrap();
    folder
}

/// A credential file that chooses Podio's endpoint for forms.
fn form_credential(simulator: &Simulator, folder: &std::path::Path, client: (&str, &str)) -> Credential {
    let secret = |name: &str, value: &str| {
        fs::write(folder.join(name), format!("{value}\n")).unwrap();
        json!({"file": folder.join(name)})
    };
    let [podio, ..] = simulator.urls();
    let file = json!({
        "keyway": 1, "component": "podio-local", "name": "forms", "grant": "password",
        "client_id": client.0, "username": "ada@example.org",
        "secrets": {"client_secret": secret("client_secret", client.1), "password": secret("password", "simulator-password")},
        "oauth2": {"token_endpoint": format!("{podio}/oauth/token")}
    });
    let path = folder.join("credential.json");
    fs::write(&path, file.to_string()).unwrap();
    Credential::from_file(path).unwrap()
}

async fn form_request(client: (&str, &str)) -> Call {
    let simulator = simulator(Options::default()).await;
    let components = local_podio(&simulator);
    let secrets = tempfile::tempdir().unwrap();
    let host = Host::builder().components_dir(components.path()).retry(quick()).build().unwrap();
    let connection = host.connect(form_credential(&simulator, secrets.path(), client)).unwrap();
    assert_eq!(connection.credential_name(), "forms");
    connection.send(Message::get("/user")).await.unwrap();
    let calls = token_calls(&simulator);
    assert_eq!((calls.len(), calls[0].path.as_str(), &calls[0].query), (1, "/oauth/token", &None));
    assert_eq!(calls[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(calls[0].header("authorization"), None);
    calls[0].clone()
}

fn form_members(call: &Call) -> Vec<(String, String)> {
    let mut members: Vec<_> = url::form_urlencoded::parse(call.body.as_bytes()).into_owned().collect();
    members.sort();
    members
}

#[tokio::test]
async fn a_credential_chooses_the_form_endpoint() {
    let call = form_request(("simulator-client", "simulator-client-secret")).await;
    let wanted = [
        ("client_id", "simulator-client"),
        ("client_secret", "simulator-client-secret"),
        ("grant_type", "password"),
        ("password", "simulator-password"),
        ("username", "ada@example.org"),
    ];
    assert_eq!(form_members(&call), wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(call.body.contains("username=ada%40example.org"), "{}", call.body);
}

#[tokio::test]
async fn odd_characters_survive_json_and_forms() {
    let simulator = simulator(Options::default()).await;
    let demo = Demo::podio(&simulator, "password")
        .set("PODIO_CLIENT_ID", "odd client:é")
        .set("PODIO_CLIENT_SECRET", ODD_SECRET);
    let (_, call, _) = first_answer(&simulator, &demo, Message::get("/user")).await;
    assert_eq!(json(&call.body)["client_id"], "odd client:é");
    assert_eq!(json(&call.body)["client_secret"], ODD_SECRET);
    assert_no_secret_in_urls(&simulator, &demo, PODIO_SECRETS);

    let call = form_request(("odd client:é", ODD_SECRET)).await;
    assert!(form_members(&call).contains(&("client_secret".to_owned(), ODD_SECRET.to_owned())), "{}", call.body);
}

#[tokio::test]
async fn odd_characters_survive_basic() {
    let simulator = simulator(Options::default()).await;
    let demo = Demo::of(&simulator, "podero")
        .set("PODERO_CLIENT_ID", "podero odd:client")
        .set("PODERO_CLIENT_SECRET", ODD_SECRET);
    let (_, call, _) = first_answer(&simulator, &demo, Message::action("verify")).await;
    // RFC 6749 section 2.3.1: each is form-encoded before they are joined.
    let pair = STANDARD.decode(call.header("authorization").unwrap().strip_prefix("Basic ").unwrap()).unwrap();
    assert_eq!(String::from_utf8(pair).unwrap(), "podero+odd%3Aclient:s%2Bcr%2541t%2F%3D%26%3A+%C3%BC");
    assert_no_secret_in_urls(&simulator, &demo, &["PODERO_CLIENT_SECRET"]);
}

#[tokio::test]
async fn podero_client_credentials_in_both_environments() {
    let table = [
        ("production", "podero", "podero-simulator-client", "podero-simulator-secret"),
        ("sandbox", "podero_sandbox", "podero-sandbox-client", "podero-sandbox-secret"),
    ];
    for (environment, server, id, secret) in table {
        let simulator = simulator(Options::default()).await;
        let demo = Demo::of(&simulator, "podero")
            .set("PODERO_ENVIRONMENT", environment)
            .set("PODERO_CLIENT_ID", id)
            .set("PODERO_CLIENT_SECRET", secret);
        let (users, call, _) = first_answer(&simulator, &demo, Message::action("verify")).await;
        assert_eq!(users.as_array().unwrap().len(), 3);
        assert_eq!((call.method.as_str(), call.path.as_str(), &call.query), ("POST", "/oauth2/token/", &None));
        assert_eq!(call.body, r#"{"grant_type":"client_credentials"}"#);
        assert_eq!(call.header("content-type"), Some("application/json"));
        assert_eq!(call.header("cache-control"), Some("no-cache"));
        let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        assert_eq!(call.header("authorization"), Some(basic.as_str()));
        let stats = simulator.stats();
        assert!(stats.calls.iter().all(|call| call.server == server), "{environment} stays on its own hosts");
        assert!(stats.calls[1].header("authorization").unwrap().starts_with("Bearer "));
        assert_no_secret_in_urls(&simulator, &demo, &["PODERO_CLIENT_SECRET"]);
    }
}

#[tokio::test]
async fn sandbox_credentials_are_denied_in_production() {
    let simulator = simulator(Options::default()).await;
    let demo = Demo::of(&simulator, "podero")
        .set("PODERO_CLIENT_ID", "podero-sandbox-client")
        .set("PODERO_CLIENT_SECRET", "podero-sandbox-secret");
    let host = simulated(&simulator).build().unwrap();
    let connection = host.connect(demo.credential()).unwrap();
    let failure = failed(connection.send(Message::action("verify")).await);
    assert_eq!(failure.code, Code::TokenDenied);
    assert!(!failure.retryable);
    assert!(failure.message.contains("environment `production`"), "{}", failure.message);
    let oauth = failure.oauth.as_ref().unwrap();
    assert_eq!((oauth.status, oauth.error.as_deref()), (401, Some("invalid_client")));
    let stats = simulator.stats();
    assert_eq!((stats.token_requests, stats.api_calls), (1, 0), "a denial is not asked for again");
    assert_eq!(stats.calls[0].server, "podero");
}

#[tokio::test]
async fn an_account_with_two_environments_names_one() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let error = host.connect(Demo::of(&simulator, "podero").without("PODERO_ENVIRONMENT").credential()).unwrap_err();
    let text = error.to_string();
    assert!(["PODERO_ENVIRONMENT", "production", "sandbox"].iter().all(|word| text.contains(word)), "{text}");
}

#[tokio::test]
async fn further_members_of_the_token_answer_are_kept() {
    for (grant, wanted) in
        [("password", json!({"type": "user", "id": 9_000_001})), ("app", json!({"type": "app", "id": 500_600}))]
    {
        let simulator = simulator(Options::default()).await;
        let demo = Demo::podio(&simulator, grant);
        let (_, _, connection) = first_answer(&simulator, &demo, Message::action("verify")).await;
        let token = connection.tokens().current().await.unwrap().unwrap();
        assert_eq!(token.extra["ref"], wanted);
        assert!(token.refresh_token.is_some() && token.expires_at.is_some());
    }
}

//! A third API is one JSON file in a folder, and nothing else.

use keyway::{Code, Credential, Host, Message};
use keyway_tests::{
    acme::{self, account_with, acme},
    failed, json,
    mock::{Mock, empty, reply},
    run_one,
};
use serde_json::{Value, json};

const KEY: &str = "canary-of-the-api-key";

/// An API that tells nobody anything, with a place for files beside it.
struct Place {
    api: Mock,
    files: Mock,
    component: Value,
}

async fn place() -> Place {
    let files = Mock::start(|_| async { reply(200, &json!({"file": 1})) }).await;
    let target = format!("{}/elsewhere", files.url);
    let api = Mock::api(move |seen| {
        let target = target.clone();
        async move {
            if seen.path == "/api/v1/moved" {
                let mut answer = empty(302);
                answer.headers_mut().insert("location", target.parse().unwrap());
                return answer;
            }
            reply(200, &json!({"path": seen.path, "query": seen.query}))
        }
    })
    .await;
    let mut component = acme(&api.url);
    component["variables"] = json!({
        "api_key": { "title": "API key", "secret": true },
        "tenant": { "title": "Tenant", "pattern": "[a-z0-9-]+" },
        "version": { "default": "v1", "pattern": "v[0-9]+" }
    });
    component["api"] = json!({
        "base_url": format!("{}/api/{{version}}", api.url),
        "additional_origins": [{ "origin": files.url, "token": false }],
        "headers": { "X-Api-Key": "{api_key}", "X-Tenant": "{tenant}" },
        "query": { "format": "full" }
    });
    component["verify"] = "list_orders".into();
    component["actions"] = json!({
        "list_orders": {
            "method": "GET", "url": "/{tenant}/orders", "query": { "status": "{status}", "page": "{page}" },
            "params": {
                "type": "object", "additionalProperties": false,
                "properties": { "status": { "enum": ["open", "closed"] }, "page": { "type": "integer", "minimum": 1 } }
            }
        },
        "get_order": { "method": "GET", "url": "/orders/{order_id}" }
    });
    Place { api, files, component }
}

fn account() -> Credential {
    account_with([("ACME_API_KEY", KEY), ("ACME_TENANT", "north")])
}

#[tokio::test]
async fn a_folder_of_files_is_all_it_takes() {
    let Place { api, component, .. } = place().await;
    let folder = tempfile::tempdir().unwrap();
    acme::write(folder.path(), &component);
    let mut other = component.clone();
    other["name"] = "beta".into();
    std::fs::create_dir(folder.path().join("beta")).unwrap();
    std::fs::write(folder.path().join("beta/component.json"), other.to_string()).unwrap();
    let host = Host::builder().components_dir(folder.path()).build().unwrap();
    assert_eq!(host.component_names(), ["acme", "beta", "podero", "podio"]);

    let connection = host.connect(account()).unwrap();
    let answer = connection.send(Message::get("/orders/{id}").param("id", "a/b c").query("q", "1")).await.unwrap();
    assert_eq!(
        answer.json::<Value>().unwrap(),
        json!({"path": "/api/v1/orders/a%2Fb%20c", "query": "format=full&q=1"})
    );
    let token = api.seen("/token")[0].clone();
    assert_eq!(token.header("content-type"), "application/x-www-form-urlencoded");
    let mut form: Vec<_> = url::form_urlencoded::parse(&token.body).into_owned().collect();
    form.sort();
    let wanted = [("client_id", "acme-client"), ("client_secret", "acme-secret"), ("grant_type", "client_credentials")];
    assert_eq!(form, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let call = &api.seen("/api/v1/orders/a%2Fb%20c")[0];
    assert_eq!(call.header("authorization"), "Bearer token-1");
    assert_eq!((call.header("x-api-key"), call.header("x-tenant")), (KEY, "north"));
}

#[tokio::test]
async fn actions_take_params() {
    let Place { api: _api, component, .. } = place().await;
    let host = acme::host(&component);
    host.connect(account()).unwrap();
    let table = [
        (r#"{"action":"list_orders"}"#, "/api/v1/north/orders", "format=full"),
        (r#"{"action":"list_orders","params":{"page":2}}"#, "/api/v1/north/orders", "page=2&format=full"),
        (
            r#"{"action":"list_orders","params":{"status":"open","page":1},"query":{"x":"y"}}"#,
            "/api/v1/north/orders",
            "page=1&status=open&format=full&x=y",
        ),
        (r#"{"action":"get_order","params":{"order_id":7}}"#, "/api/v1/orders/7", "format=full"),
        (r#"{"action":"get_order","params":{"order_id":"a/b?c"}}"#, "/api/v1/orders/a%2Fb%3Fc", "format=full"),
    ];
    for (line, path, query) in table {
        let outcome = json(&run_one(&host, line).await);
        assert_eq!(outcome["body"], json!({"path": path, "query": query}), "{line}: {outcome}");
    }
}

#[tokio::test]
async fn actions_refuse_what_does_not_fit() {
    let Place { api, component, .. } = place().await;
    let host = acme::host(&component);
    host.connect(account()).unwrap();
    let table = [
        (r#"{"action":"list_order"}"#, "unknown_action", "did you mean `list_orders`?"),
        (r#"{"action":"list_orders","params":{"page":0}}"#, "invalid_params", "page"),
        (r#"{"action":"list_orders","params":{"page":"two"}}"#, "invalid_params", "page"),
        (r#"{"action":"list_orders","params":{"status":"lost"}}"#, "invalid_params", "status"),
        (r#"{"action":"list_orders","params":{"colour":"red"}}"#, "invalid_params", "colour"),
        (r#"{"action":"get_order"}"#, "invalid_params", "order_id"),
        (r#"{"action":"get_order","params":{"order_id":1,"x":2}}"#, "invalid_params", "`x`"),
        (r#"{"action":"get_order","params":{"order_id":{"a":1}}}"#, "invalid_params", "order_id"),
        (r#"{"method":"GET","url":"/{api_key}"}"#, "invalid_params", "api_key"),
    ];
    for (line, code, said) in table {
        let outcome = run_one(&host, line).await;
        let error = &json(&outcome)["error"];
        assert_eq!(error["code"], code, "{line}: {error}");
        assert!(error["message"].as_str().unwrap().contains(said), "{said} in {error}");
        assert!(!outcome.contains(KEY));
    }
    assert_eq!(api.count(""), 0, "nobody was asked for anything, not even for a token");
}

#[tokio::test]
async fn an_origin_without_the_token_gets_no_secret_at_all() {
    let Place { api, files, component } = place().await;
    let host = acme::host(&component);
    let connection = host.connect(account()).unwrap();
    let answer = connection.send(Message::get(format!("{}/files/1", files.url))).await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap()["file"], 1);
    // A redirect there is followed, and carries no more.
    let answer = connection.send(Message::get("/moved")).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.attempts), (200, 2));
    let seen = files.seen("");
    assert_eq!(seen.len(), 2);
    for request in seen {
        let texts: Vec<&str> = request.headers.values().map(|value| value.to_str().unwrap()).collect();
        assert!(texts.iter().all(|text| !text.contains(KEY) && !text.contains("token-")), "{texts:?}");
        assert!(request.headers.get("authorization").is_none() && request.headers.get("x-api-key").is_none());
        assert!(!request.query.contains(KEY) && !request.query.contains("token-"));
        assert_eq!(request.header("x-tenant"), "north", "what is no secret goes along");
    }
    assert_eq!(api.seen("/api/v1/moved")[0].header("x-api-key"), KEY);
}

#[tokio::test]
async fn messages_stay_below_the_base_path() {
    let Place { api, component, .. } = place().await;
    let host = acme::host(&component);
    let connection = host.connect(account()).unwrap();
    let refused = [
        format!("{}/api/v2/orders", api.url),
        format!("{}/api/v10/orders", api.url),
        format!("{}/token", api.url),
        "/../v2/orders".to_owned(),
        "/%2e%2e/v2/orders".to_owned(),
        "http://localhost:1/x".to_owned(),
    ];
    for url in refused {
        let failure = failed(connection.send(Message::get(&url)).await);
        assert_eq!((failure.code, failure.attempts), (Code::UrlNotAllowed, 0), "{url}");
    }
    assert_eq!(api.count(""), 0);
    let absolute = format!("{}/api/v1/orders", api.url);
    assert_eq!(connection.send(Message::get(absolute)).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_message_cannot_set_the_accounts_own_headers() {
    let Place { api, component, .. } = place().await;
    let host = acme::host(&component);
    let connection = host.connect(account()).unwrap();
    for name in ["Authorization", "x-api-key", "Host", "Proxy-Authorization", "Transfer-Encoding"] {
        let failure = failed(connection.send(Message::get("/orders").header(name, "mine")).await);
        assert_eq!(failure.code, Code::InvalidMessage, "{name}");
    }
    assert_eq!(api.count(""), 0);
    connection.send(Message::get("/orders").header("X-Tenant", "south")).await.unwrap();
    assert_eq!(api.seen("/api/v1/orders")[0].header("x-tenant"), "south");
}

/// What is said when an account with these inputs is connected.
fn refusal(host: &Host, more: &[(&str, &str)]) -> String {
    match host.connect(account_with(more.iter().copied())) {
        Err(error) => error.to_string(),
        Ok(connection) => panic!("{connection:?} was connected with {more:?} only"),
    }
}

#[tokio::test]
async fn an_account_without_a_variable_of_its_headers_is_refused_at_connect() {
    let Place { component, .. } = place().await;
    let host = acme::host(&component);
    let text = refusal(&host, &[("ACME_API_KEY", KEY)]);
    assert!(text.contains("tenant"), "{text}");
    let text = refusal(&host, &[("ACME_API_KEY", KEY), ("ACME_TENANT", "No Rth")]);
    assert!(text.contains("ACME_TENANT") && !text.contains(KEY), "{text}");
}

#[tokio::test]
async fn an_account_without_a_secret_of_its_headers_is_refused_at_connect() {
    let Place { component, .. } = place().await;
    let text = refusal(&acme::host(&component), &[("ACME_TENANT", "north")]);
    assert!(text.to_lowercase().contains("api_key"), "{text}");
}

#[tokio::test]
async fn a_file_with_faults_is_refused_with_its_place() {
    let Place { component, .. } = place().await;
    let mut misspelt = component.clone();
    misspelt["api"]["base_ulr"] = "https://x.test".into();
    let mut plain = component.clone();
    plain["oauth2"]["token_endpoint"] = "http://acme.example.com/token".into();
    let mut newer = component.clone();
    newer["keyway"] = 2.into();
    let mut shadow = component.clone();
    shadow["name"] = "podio".into();
    for (component, said) in [(misspelt, "base_ulr"), (plain, "https"), (newer, "newer Keyway")] {
        let folder = acme::folder(&component);
        // It is refused to who asks for it, and the others are there.
        let host = Host::builder().components_dir(folder.path()).build().unwrap();
        let error = host.component("acme").unwrap_err().to_string();
        assert!(error.contains(said), "{said} in {error}");
        assert!(host.connect(acme::account()).is_err() && host.component("podio").is_ok());
        let error = Host::builder().component_file(folder.path().join("acme.json")).build().unwrap_err().to_string();
        assert!(error.contains(said), "a file that is named has to be sound: {said} in {error}");
    }
    let folder = acme::folder(&shadow);
    let error = Host::builder().components_dir(folder.path()).build().unwrap_err().to_string();
    assert!(error.contains("--override podio"), "{error}");
    let mut shadow = component;
    shadow["name"] = "podio".into();
    let folder = acme::folder(&shadow);
    let host = Host::builder().components_dir(folder.path()).override_component("podio").build().unwrap();
    assert_eq!(host.component("podio").unwrap().component().title, "Acme");
}

#[tokio::test]
async fn headers_may_be_new_for_every_message_and_name_the_clients_secret() {
    let api = Mock::api(|_| async { reply(200, &json!({})) }).await;
    let mut component = acme(&api.url);
    component["api"]["headers"] =
        json!({ "X-Request": "r-{uuid}", "X-Time": "{timestamp}", "X-Key": "{client_id}:{client_secret}" });
    let (host, connection) = acme::connected(&component);
    connection.send(Message::get("/a")).await.unwrap();
    connection.send(Message::get("/b")).await.unwrap();
    let (first, second) = (&api.seen("/api/a")[0], &api.seen("/api/b")[0]);
    assert_eq!(first.header("x-request").len(), 38);
    assert_ne!(first.header("x-request"), second.header("x-request"));
    // Another attempt is another request.
    let flaky = Mock::api(|seen| async move { reply(if seen.nth == 0 { 503 } else { 200 }, &json!({})) }).await;
    component["api"]["base_url"] = format!("{}/api", flaky.url).into();
    component["retry"] = json!({ "delay_ms": 1 });
    let (_host, connection) = acme::connected(&component);
    connection.send(Message::get("/a")).await.unwrap();
    let seen = flaky.seen("/api/a");
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0].header("x-request"), seen[1].header("x-request"));
    assert!(first.header("x-time").parse::<u64>().unwrap() > 1_700_000_000);
    assert_eq!(first.header("x-key"), "acme-client:acme-secret");
    assert_eq!(host.redactor().values("acme-secret"), "***");
}

//! Where tokens stand, keys and passwords that are tokens themselves, and waits that bodies tell.

use keyway::{Code, Connection, Credential, Message};
use keyway_tests::{
    acme::{self, acme, connected},
    mock::{Mock, reply},
};
use serde_json::{Value, json};

async fn api() -> Mock {
    Mock::api(|_| async { reply(200, &json!({})) }).await
}

#[tokio::test]
async fn a_token_stands_in_more_than_one_place() {
    let (api, files) = (api().await, api().await);
    let mut component = acme(&api.url);
    component["api"]["additional_authorizations"] = json!([
        { "in": "header", "name": "X-Token", "scheme": "" }, { "in": "query", "name": "access_token" }
    ]);
    component["api"]["additional_origins"] = json!([{ "origin": files.url, "token": false }]);
    let (_host, connection) = connected(&component);
    connection.send(Message::get("/x")).await.unwrap();
    let seen = &api.seen("/api/x")[0];
    assert_eq!((seen.header("authorization"), seen.header("x-token")), ("Bearer token-1", "token-1"));
    assert_eq!(seen.query, "access_token=token-1");
    let explained = connection.explain(&Message::get("/x")).unwrap();
    assert!(explained.url.ends_with("access_token=***"), "{}", explained.url);
    assert!(explained.headers.contains(&("x-token".to_owned(), "***".to_owned())));
    let refused = connection.send(Message::get("/x").header("X-Token", "mine")).await.unwrap_err();
    assert_eq!(refused.code, Code::InvalidMessage);
    connection.send(Message::get(format!("{}/f", files.url))).await.unwrap();
    let seen = &files.seen("/f")[0];
    assert_eq!((seen.header("x-token"), seen.query.as_str()), ("", ""), "another origin gets the token nowhere");
}

/// An API that takes OAuth2 tokens, keys and passwords.
fn half_oauth(api: &Mock) -> Value {
    let mut component = acme(&api.url);
    component["variables"] = json!({ "key": { "secret": true }, "email": {} });
    component["oauth2"]["grants"]["api_key"] =
        json!({ "token": "{key}", "authorization": { "in": "header", "name": "X-Api-Key", "scheme": "" } });
    component["oauth2"]["grants"]["basic"] = json!({ "username": "{email}/token", "password": "{password}" });
    component
}

fn connect(component: &Value, given: &[(&str, &str)]) -> Connection {
    acme::host(component).connect(Credential::from_vars("acme", given.iter().copied())).unwrap()
}

#[tokio::test]
async fn a_key_is_a_token_that_nobody_is_asked_for() {
    let api = api().await;
    let connection = connect(&half_oauth(&api), &[("ACME_KEY", "key-canary")]);
    connection.send(Message::get("/x")).await.unwrap();
    let seen = &api.seen("/api/x")[0];
    assert_eq!((seen.header("x-api-key"), seen.header("authorization")), ("key-canary", ""));
    assert_eq!(api.count("/token"), 0);
}

#[tokio::test]
async fn user_and_password_go_with_every_request() {
    let api = api().await;
    let connection = connect(&half_oauth(&api), &[("ACME_EMAIL", "a@acme.test"), ("ACME_PASSWORD", "s")]);
    connection.send(Message::get("/x")).await.unwrap();
    // base64("a@acme.test/token:s")
    assert_eq!(api.seen("/api/x")[0].header("authorization"), "Basic YUBhY21lLnRlc3QvdG9rZW46cw==");
    let colon = connect(&half_oauth(&api), &[("ACME_EMAIL", "a:b"), ("ACME_PASSWORD", "s")]);
    let failure = colon.send(Message::get("/x")).await.unwrap_err();
    assert!(failure.message.contains("colon"), "{}", failure.message);
}

#[tokio::test]
async fn a_refused_key_is_tried_once_more_and_then_told() {
    let api = Mock::start(|_| async { reply(401, &json!({})) }).await;
    let mut component = half_oauth(&api);
    component["oauth2"] = json!({
        "token_endpoint_auth_method": "none", "grants": { "api_key": { "token": "{key}" } }
    });
    let connection = connect(&component, &[("ACME_KEY", "key-canary")]);
    let failure = connection.send(Message::get("/x")).await.unwrap_err();
    assert_eq!(failure.code, Code::TokenDenied);
    assert_eq!(api.count("/api/x"), 2);
    assert_eq!(api.seen("/api/x")[0].header("authorization"), "Bearer key-canary");
    assert_eq!(api.count(""), 2, "there is no token endpoint");
}

#[tokio::test]
async fn the_oauth_grants_still_need_their_client() {
    let api = api().await;
    let component = half_oauth(&api);
    let (_host, connection) = connected(&component);
    connection.send(Message::get("/x")).await.unwrap();
    assert_eq!(api.seen("/api/x")[0].header("authorization"), "Bearer token-1");
    let lacking = acme::host(&component).connect(Credential::from_vars("acme", [("ACME_CLIENT_ID", "i")])).unwrap_err();
    assert!(lacking.to_string().contains("ACME_CLIENT_SECRET"), "{lacking}");
}

#[tokio::test]
async fn a_body_tells_a_wait_in_milliseconds() {
    let api = Mock::api(|seen| async move {
        if seen.nth == 0 { reply(429, &json!({"wait": "retry in 30 ms"})) } else { reply(200, &json!({})) }
    })
    .await;
    let mut component = acme(&api.url);
    component["throttle"] = json!({ "wait": {
        "headers": [], "body": { "pointer": "/wait", "pattern": "in (\\d+) ms", "unit": "milliseconds" }
    } });
    let (_host, connection) = connected(&component);
    connection.send(Message::get("/x")).await.unwrap();
    let seen = api.seen("/api/x");
    let waited = seen[1].at - seen[0].at;
    assert!((30..5_000).contains(&waited.as_millis()), "{waited:?}");
}

//! Requests for tokens that are asked and answered otherwise than RFC 6749 says.

use keyway::{Code, Connection, Message, TokenErrorKind};
use keyway_tests::{
    acme::{self, account_with, acme, connected},
    mock::{Mock, Seen, reply},
};
use serde_json::{Value, json};
use url::form_urlencoded;

fn query(seen: &Seen) -> Vec<(String, String)> {
    form_urlencoded::parse(seen.query.as_bytes()).into_owned().collect()
}

fn get<'f>(pairs: &'f [(String, String)], name: &str) -> &'f str {
    pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// A server with a short-lived token at `/token`, a long-lived one at `/long`, and its renewal at `/refresh`.
async fn long_lived(second_status: u16) -> Mock {
    Mock::start(move |seen| async move {
        match seen.path.as_str() {
            "/token" => reply(200, &json!({"access_token": "short", "expires_in": 3600, "user_id": 7})),
            "/long" if seen.nth == 0 && second_status != 200 => reply(second_status, &json!({"error": "temporary"})),
            "/long" => reply(200, &json!({"access_token": "long", "expires_in": 5_184_000})),
            "/refresh" => {
                reply(200, &json!({"access_token": format!("long-{}", seen.nth + 2), "expires_in": 5_184_000}))
            }
            _ => reply(200, &json!({})),
        }
    })
    .await
}

fn instagram(api: &Mock) -> Value {
    let mut component = acme(&api.url);
    component["oauth2"]["grants"]["refresh_token"] = json!({
        "with": "access_token", "grant_type": "ig_refresh_token", "token_params": { "client_secret": null, "client_id": null }
    });
    component["oauth2"]["refresh_endpoint"] = format!("{}/refresh", api.url).into();
    component["oauth2"]["second_exchange"] = json!({
        "endpoint": format!("{}/long", api.url), "grant_type": "ig_exchange_token", "method": "GET", "encoding": "query",
        "token_params": { "access_token": "{access_token}", "client_id": null }
    });
    component
}

#[tokio::test]
async fn a_short_lived_token_becomes_a_long_lived_one_that_renews_itself() {
    let api = long_lived(200).await;
    let (host, connection) = connected(&instagram(&api));
    connection.send(Message::get("/me")).await.unwrap();
    assert_eq!(api.seen("/api/me")[0].header("authorization"), "Bearer long");
    let second = &api.seen("/long")[0];
    assert_eq!((second.method.as_str(), second.text()), ("GET", ""));
    let asked = query(second);
    assert_eq!((get(&asked, "grant_type"), get(&asked, "access_token")), ("ig_exchange_token", "short"));
    assert_eq!((get(&asked, "client_id"), get(&asked, "client_secret")), ("", "acme-secret"));
    for secret in ["short", "long"] {
        assert_eq!(host.redactor().values(&format!("<{secret}>")), format!("<{secret}>").replace(secret, "***"));
    }
    connection.tokens().renew().await.unwrap();
    let renewed = &api.seen("/refresh")[0];
    assert_eq!(renewed.text(), "grant_type=ig_refresh_token&access_token=long");
    connection.send(Message::get("/me")).await.unwrap();
    assert_eq!(api.seen("/api/me")[1].header("authorization"), "Bearer long-2");
    assert_eq!((api.count("/token"), api.count("/long")), (1, 1), "a renewal is not exchanged again");
}

#[tokio::test]
async fn a_second_exchange_that_cannot_be_served_is_asked_again() {
    let api = long_lived(503).await;
    let (_host, connection) = connected(&instagram(&api));
    connection.send(Message::get("/me")).await.unwrap();
    assert_eq!((api.count("/token"), api.count("/long")), (1, 2));
    assert_eq!(api.seen("/api/me")[0].header("authorization"), "Bearer long");
}

/// A code works once: what it gave is kept although the second exchange is refused.
#[tokio::test]
async fn a_code_is_not_lost_for_a_second_exchange() {
    let api = Mock::start(|seen| async move {
        match seen.path.as_str() {
            "/long" => reply(400, &json!({"error": "invalid_request"})),
            "/token" => reply(200, &json!({"access_token": "short", "expires_in": 3600})),
            _ => reply(200, &json!({})),
        }
    })
    .await;
    let mut component = instagram(&api);
    component["oauth2"]["authorization_endpoint"] = format!("{}/authorize", api.url).into();
    component["oauth2"]["grants"]["authorization_code"] = json!({ "code_challenge_method": "none" });
    let credential = account_with([("ACME_GRANT", "authorization_code"), ("ACME_CODE", "c1")]);
    let connection = acme::host(&component).connect(credential).unwrap();
    connection.send(Message::get("/me")).await.unwrap();
    assert_eq!(api.seen("/api/me")[0].header("authorization"), "Bearer short");
}

/// As TikTok has it: names of its own, JSON, tokens in `data`, and 200 whatever happens.
async fn tiktok(code: i64) -> (Mock, Connection) {
    let api = Mock::start(move |seen| async move {
        match seen.path.as_str() {
            "/token" => reply(
                200,
                &json!({"code": code, "message": "why", "data": {"access_token": "t", "expires_ms": 3_600_000}}),
            ),
            _ => reply(200, &json!({"code": 0})),
        }
    })
    .await;
    let mut component = acme(&api.url);
    component["oauth2"]["grants"]["client_credentials"]["token_params"] = json!({
        "client_id": null, "app_id": "{client_id}", "client_secret": null, "secret": "{client_secret}", "at": "{timestamp}"
    });
    component["oauth2"]["token_request"] = json!({ "encoding": "json", "headers": { "X-Request": "{uuid}" } });
    component["oauth2"]["token_response"] = json!({
        "access_token": "/data/access_token", "expires_in": "/data/expires_ms", "expiry_unit": "milliseconds",
        "success": { "pointer": "/code", "equals": 0 }, "error": "/code", "error_description": "/message"
    });
    component["api"]["authorization"] = json!({ "in": "header", "name": "Access-Token", "scheme": "" });
    let (_host, connection) = connected(&component);
    (api, connection)
}

#[tokio::test]
async fn renamed_parameters_and_nested_tokens() {
    let (api, connection) = tiktok(0).await;
    connection.send(Message::get("/x")).await.unwrap();
    let body: Value = serde_json::from_slice(&api.seen("/token")[0].body).unwrap();
    assert_eq!((&body["app_id"], &body["secret"]), (&json!("acme-client"), &json!("acme-secret")));
    assert!(body.get("client_id").is_none() && body["at"].as_str().unwrap().parse::<u64>().unwrap() > 1_700_000_000);
    assert_eq!(api.seen("/token")[0].header("x-request").len(), 36);
    assert_eq!(api.seen("/api/x")[0].header("access-token"), "t");
    let lives = connection.tokens().current().await.unwrap().unwrap().lifetime().unwrap();
    assert_eq!(lives.as_secs(), 3600);
}

#[tokio::test]
async fn two_hundred_with_a_failure_in_it_is_no_token() {
    let (api, connection) = tiktok(40002).await;
    let failure = connection.send(Message::get("/x")).await.unwrap_err();
    assert_eq!(failure.code, Code::TokenDenied);
    assert!(failure.message.contains("40002: why"), "{}", failure.message);
    assert_eq!(api.count("/api/x"), 0);
    let error = connection.tokens().mint().await.unwrap_err();
    assert_eq!(error.kind, TokenErrorKind::Denied);
}

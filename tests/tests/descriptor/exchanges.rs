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

#[tokio::test]
async fn each_grant_shows_the_client_in_its_own_way() {
    let api = Mock::start(|seen| async move {
        match seen.path.as_str() {
            "/token" => {
                reply(200, &json!({"access_token": format!("t{}", seen.nth), "refresh_token": "r", "expires_in": 3600}))
            }
            _ => reply(200, &json!({})),
        }
    })
    .await;
    let mut component = acme(&api.url);
    component["oauth2"]["grants"] = json!({
        "client_credentials": { "token_endpoint_auth_method": "client_secret_basic" },
        "refresh_token": { "token_endpoint_auth_method": "none" }
    });
    component["oauth2"]["custom_grants"] =
        json!({ "app": { "grant_type": "app", "token_endpoint_auth_method": "none" } });
    let host = acme::host(&component);
    let connection = host.connect(account_with([("ACME_GRANT", "client_credentials")])).unwrap();
    connection.tokens().renew().await.unwrap();
    connection.tokens().renew().await.unwrap();
    let seen = api.seen("/token");
    assert!(seen[0].header("authorization").starts_with("Basic "), "{:?}", seen[0]);
    assert_eq!((seen[1].header("authorization"), seen[1].text().contains("client_secret")), ("", false));
    assert!(seen[1].text().contains("client_id=acme-client"), "{}", seen[1].text());
    // A grant that needs no secret asks for none.
    let id = [("ACME_CLIENT_ID", "acme-client"), ("ACME_GRANT", "app")];
    let connection = acme::host(&component).connect(keyway::Credential::from_vars("acme", id)).unwrap();
    connection.tokens().renew().await.unwrap();
    let id = [("ACME_CLIENT_ID", "acme-client"), ("ACME_GRANT", "client_credentials")];
    let refused = acme::host(&component).connect(keyway::Credential::from_vars("acme", id)).unwrap_err();
    assert!(refused.to_string().contains("ACME_CLIENT_SECRET"), "{refused}");
}

#[tokio::test]
async fn a_token_of_a_type_that_is_declared_is_used() {
    let api = Mock::start(|_| async move { reply(200, &json!({"access_token": "t", "token_type": "bot"})) }).await;
    let mut component = acme(&api.url);
    let (_host, connection) = connected(&component);
    let error = connection.tokens().renew().await.unwrap_err();
    assert!(error.message.contains("of type `bot`"), "{error}");
    component["oauth2"]["token_response"] = json!({ "token_types": ["Bot"] });
    let (_host, connection) = connected(&component);
    connection.tokens().renew().await.unwrap();
}

#[tokio::test]
async fn a_component_whose_token_renews_itself_begins_with_no_refresh_token() {
    let api = long_lived(200).await;
    let account = account_with([("ACME_GRANT", "refresh_token"), ("ACME_REFRESH_TOKEN", "r")]);
    let refused = acme::host(&instagram(&api)).connect(account).unwrap_err();
    assert!(refused.to_string().contains("there is no `refresh_token`"), "{refused}");
}

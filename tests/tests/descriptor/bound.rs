//! Tokens that are bound to a key (RFC 9449), at servers that insist on their nonces.

use axum::response::Response;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keyway::{Code, FileStore, Message};
use keyway_tests::{
    acme::{self, acme, connected},
    mock::{Mock, Seen, reply},
};
use serde_json::{Value, json};
use sha2::Digest as _;

fn proof(seen: &Seen) -> (Value, Value) {
    let mut parts = seen.header("dpop").split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut json = || serde_json::from_slice(&parts.next().unwrap()).unwrap_or_default();
    (json(), json())
}

fn with_nonce(mut answer: Response, nonce: &str) -> Response {
    answer.headers_mut().insert("dpop-nonce", nonce.parse().unwrap());
    answer
}

/// A server that takes only proofs with the nonce of the place.
async fn strict(token_type: &'static str) -> Mock {
    Mock::start(move |seen| async move {
        let is_token = seen.path == "/token";
        let nonce = if is_token { "nonce-of-tokens" } else { "nonce-of-api" };
        if proof(&seen).1["nonce"] != nonce {
            let mut answer = reply(if is_token { 400 } else { 401 }, &json!({"error": "use_dpop_nonce"}));
            answer.headers_mut().insert("www-authenticate", r#"DPoP error="use_dpop_nonce""#.parse().unwrap());
            return with_nonce(answer, nonce);
        }
        if is_token {
            let token = json!({"access_token": format!("t{}", seen.nth), "token_type": token_type, "refresh_token": "r", "expires_in": 3600});
            return reply(200, &token);
        }
        reply(200, &json!({}))
    })
    .await
}

fn component(tokens: &Mock, api: &Mock) -> Value {
    let mut component = acme(&tokens.url);
    component["oauth2"]["dpop"] = true.into();
    component["oauth2"]["grants"]["refresh_token"] = json!({});
    component["api"] =
        json!({ "base_url": format!("{}/api", api.url), "authorization": { "in": "header", "scheme": "DPoP" } });
    component
}

#[tokio::test]
async fn c49_c50_every_attempt_has_a_proof_and_nonces_cost_one_call_each() {
    let (tokens, api) = (strict("DPoP").await, strict("DPoP").await);
    let (_host, connection) = connected(&component(&tokens, &api));
    connection.send(Message::get("/x?q=1")).await.unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    assert_eq!((tokens.count("/token"), api.count("/api/x")), (2, 3), "only the first of each meets a refusal");
    let seen = api.seen("/api/x");
    let claims: Vec<Value> = seen.iter().map(|seen| proof(seen).1).collect();
    assert!(claims[0]["jti"] != claims[1]["jti"] && claims[1]["jti"] != claims[2]["jti"]);
    assert_eq!((&claims[1]["htm"], &claims[1]["htu"]), (&json!("GET"), &json!(format!("{}/api/x", api.url))));
    assert!(claims[1]["ath"].is_string());
    assert_eq!(seen[1].header("authorization"), "DPoP t1");
    let jwk = |seen: &Seen| proof(seen).0["jwk"].clone();
    assert_eq!(jwk(&seen[1]), jwk(&tokens.seen("/token")[1]), "the key that the token is bound to");
    let mine = connection.send(Message::get("/x").header("DPoP", "mine")).await.unwrap_err();
    assert_eq!(mine.code, Code::InvalidMessage);
}

#[tokio::test]
async fn the_key_lives_as_long_as_its_tokens_do() {
    let (tokens, api) = (strict("DPoP").await, strict("DPoP").await);
    let component = component(&tokens, &api);
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let store = FileStore::open(folder.path()).unwrap();
        let host = acme::host_with(&component, |builder| builder.token_store(store));
        let connection = host.connect(acme::account()).unwrap();
        connection.send(Message::get("/x")).await.unwrap();
        connection.tokens().renew().await.unwrap();
    }
    let seen = [tokens.seen("/token"), api.seen("/api/x")].concat();
    let keys: std::collections::BTreeSet<String> = seen.iter().map(|seen| proof(seen).0["jwk"].to_string()).collect();
    assert_eq!(keys.len(), 1, "a refresh token is bound to the key of its first token");
}

#[tokio::test]
async fn c48_a_token_that_is_not_bound_is_refused() {
    let (tokens, api) = (strict("Bearer").await, strict("DPoP").await);
    let (_host, connection) = connected(&component(&tokens, &api));
    let failure = connection.send(Message::get("/x")).await.unwrap_err();
    assert_eq!(failure.code, Code::TokenResponseInvalid);
    assert_eq!(api.count(""), 0);
}

#[tokio::test]
async fn c52_the_code_is_bound_to_the_key_of_its_token() {
    let (tokens, api) = (strict("DPoP").await, strict("DPoP").await);
    let mut component = component(&tokens, &api);
    component["oauth2"]["authorization_endpoint"] = format!("{}/authorize", tokens.url).into();
    component["oauth2"]["grants"] = json!({ "authorization_code": {}, "refresh_token": {} });
    let credential = acme::account_with([("ACME_GRANT", "authorization_code")]);
    let connection = acme::host(&component).connect(credential).unwrap();
    let request = connection.tokens().authorization_request("https://app.example/cb").unwrap();
    let query: std::collections::BTreeMap<_, _> = request.url().query_pairs().into_owned().collect();
    let code = request.read_pasted("a-code").unwrap();
    connection.tokens().redeem_code(request, code).await.unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    for seen in [&tokens.seen("/token")[1], &api.seen("/api/x")[1]] {
        let jwk = proof(seen).0["jwk"].clone();
        // RFC 7638 section 3: the required members in the order of their names.
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        let print = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(members));
        assert_eq!(query["dpop_jkt"], print);
    }
}

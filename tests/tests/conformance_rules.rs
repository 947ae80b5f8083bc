//! Rules of the OAuth RFCs about requests and components, one test a rule, named by it.

mod support;

use std::collections::HashMap;

use keyway::{Code, Message, check_component};
use keyway_tests::{
    acme::{self, account_with, acme},
    failed,
    mock::{Mock, Seen, reply, token},
};
use serde_json::{Value, json};
use support::scripted::{component, refusal, scripted, willing};

/// What the check says about a component of this server after a change.
async fn checked(change: impl FnOnce(&mut Value)) -> Result<String, String> {
    let server = willing().await;
    let mut component = component(&server);
    change(&mut component);
    match check_component("acme.json", &component.to_string()) {
        Ok(checked) => Ok(checked.warnings.to_string()),
        Err(faults) => Err(faults.to_string()),
    }
}

#[tokio::test]
async fn c03_c19_no_secret_stands_in_a_url_and_the_token_in_one_header() {
    let server = Mock::api(|_| async { reply(200, &json!({})) }).await;
    for encoding in ["form", "json"] {
        let mut component = acme(&server.url);
        component["oauth2"]["token_request"] = json!({"encoding": encoding});
        let (_host, acme) = acme::connected(&component);
        acme.send(Message::get("/x")).await.unwrap();
    }
    for seen in server.seen("") {
        assert_eq!(seen.query, "", "{}", seen.path);
    }
    for seen in server.seen("/api/x") {
        assert!(seen.header("authorization").starts_with("Bearer token-") && seen.body.is_empty());
    }
}

#[tokio::test]
async fn c04_an_endpoint_with_a_fragment_is_refused() {
    for member in ["authorization_endpoint", "token_endpoint"] {
        let fault =
            checked(|component| component["oauth2"][member] = "https://a.example/x#y".into()).await.unwrap_err();
        assert!(fault.contains("fragment"), "{member}: {fault}");
    }
    let server = willing().await;
    let host = acme::host(&component(&server));
    for uri in ["https://a.example/cb#x", "/cb"] {
        let credential = account_with([("ACME_GRANT", "authorization_code"), ("ACME_REDIRECT_URI", uri)]);
        let acme = host.connect(credential.named(uri.replace(['/', ':', '#'], "-"))).unwrap();
        keyway::sign_in::Redirect::of(acme.account()).unwrap_err();
    }
}

#[tokio::test]
async fn c08_the_scope_that_was_granted_is_kept() {
    let server = Mock::start(|seen: Seen| async move {
        let mut answer = token(1);
        answer["scope"] = "read".into();
        reply(200, if seen.path == "/token" { &answer } else { &Value::Null })
    })
    .await;
    let mut component = acme(&server.url);
    component["oauth2"]["scope"] = json!({"default": ["read", "write"]});
    let (_host, acme) = acme::connected(&component);
    acme.send(Message::get("/x")).await.unwrap();
    assert_eq!(acme.tokens().current().await.unwrap().unwrap().scope.as_deref(), Some("read"));
}

#[tokio::test]
async fn c20_c59_what_is_unsafe_about_a_component_is_named() {
    let warnings = checked(|component| {
        component["api"]["authorization"] = json!({"in": "query", "name": "access_token"});
        component["oauth2"]["grants"]["password"] = json!({});
    })
    .await
    .unwrap();
    for code in ["token_in_query", "password_grant"] {
        assert!(warnings.contains(code), "{code}: {warnings}");
    }
}

#[tokio::test]
async fn c22_nothing_travels_in_the_clear() {
    for (pointer, url) in [
        ("/oauth2/token_endpoint", "http://api.example.com/token"),
        ("/oauth2/authorization_endpoint", "http://api.example.com/authorize"),
        ("/oauth2/device_authorization_endpoint", "http://api.example.com/device"),
        ("/api/base_url", "http://api.example.com"),
    ] {
        let fault = checked(|component| *component.pointer_mut(pointer).unwrap() = url.into()).await.unwrap_err();
        assert!(fault.contains("http_to_public_host"), "{pointer}: {fault}");
    }
}

#[tokio::test]
async fn c54_c64_pkce_and_state_for_confidential_clients_too() {
    let server = willing().await;
    let mut without_pkce = component(&server);
    without_pkce["oauth2"]["grants"]["authorization_code"]["code_challenge_method"] = "none".into();
    for (component, has_pkce) in [(component(&server), true), (without_pkce, false)] {
        let host = acme::host(&component);
        let acme = host.connect(account_with([("ACME_GRANT", "authorization_code")])).unwrap();
        let request = acme.tokens().authorization_request("http://127.0.0.1:1/callback/acme").unwrap();
        let asked: HashMap<_, _> = request.url().query_pairs().into_owned().collect();
        assert_eq!(asked.contains_key("code_challenge"), has_pkce);
        assert!(asked.contains_key("state") && !asked.contains_key("code_verifier"), "{asked:?}");
    }
}

#[tokio::test]
async fn c55_the_implicit_grant_cannot_be_expressed() {
    let implicit = checked(|component| component["oauth2"]["grants"]["implicit"] = json!({})).await.unwrap_err();
    assert!(implicit.contains("implicit"), "{implicit}");
    for response_type in ["token", "id_token token", "{client_id}"] {
        let params = json!({"response_type": response_type});
        let set = |component: &mut Value| {
            component["oauth2"]["grants"]["authorization_code"]["authorization_params"] = params;
        };
        let fault = checked(set).await.unwrap_err();
        assert!(fault.contains("response_type"), "{response_type}: {fault}");
    }
}

#[tokio::test]
async fn c58_a_credential_may_ask_for_less() {
    let server = willing().await;
    let mut component = component(&server);
    component["oauth2"]["scope"] = json!({"default": ["everything"]});
    let host = acme::host(&component);
    let narrow = account_with([("ACME_GRANT", "authorization_code"), ("ACME_SCOPE", "orders:read")]);
    let request =
        host.connect(narrow).unwrap().tokens().authorization_request("http://127.0.0.1:1/callback/acme").unwrap();
    assert!(request.url().query_pairs().any(|pair| pair == ("scope".into(), "orders:read".into())));
}

#[tokio::test]
async fn c65_client_credentials_need_client_authentication() {
    let fault = checked(|component| {
        component["oauth2"]["grants"]["client_credentials"] = json!({});
        component["oauth2"]["token_endpoint_auth_method"] = "none".into();
    });
    assert!(fault.await.unwrap_err().contains("unauthenticated_client"));
}

#[tokio::test]
async fn h09_a_refused_client_is_not_tried_another_way() {
    let server = scripted(|seen| (seen.path == "/token").then(|| refusal("invalid_client"))).await;
    for method in ["client_secret_basic", "client_secret_post"] {
        let mut component = acme(&server.url);
        component["oauth2"]["token_endpoint_auth_method"] = method.into();
        let (_host, acme) = acme::connected(&component);
        assert_eq!(failed(acme.send(Message::get("/x")).await).code, Code::TokenDenied);
    }
    assert_eq!(server.count("/token"), 2, "once each");
}

//! Endpoints that the authorization server tells itself (RFC 8414).

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use keyway::{Code, Message};
use keyway_tests::{
    acme::{self, account_with, acme, connected},
    mock::{Mock, empty, reply},
};
use serde_json::{Value, json};

const FIRST: &str = "/.well-known/oauth-authorization-server/tenant";
const SECOND: &str = "/tenant/.well-known/openid-configuration";

/// A server that tells its endpoints at `at`, under the issuer that `named` makes of its URL. `status` is for the first
/// question.
async fn server(at: &'static str, named: fn(&str) -> String, status: u16) -> Mock {
    let url: Arc<std::sync::OnceLock<String>> = Arc::default();
    let (told, first) = (Arc::clone(&url), Arc::new(AtomicU16::new(status)));
    let mock = Mock::start(move |seen| {
        let (url, status) = (told.get().cloned().unwrap_or_default(), first.swap(200, Ordering::SeqCst));
        async move {
            match seen.path.as_str() {
                path if path == at && status != 200 => empty(status),
                path if path == at => reply(
                    200,
                    &json!({
                        "issuer": named(&url), "token_endpoint": format!("{url}/t"),
                        "authorization_endpoint": format!("{url}/a"), "revocation_endpoint": format!("{url}/r"),
                        "authorization_response_iss_parameter_supported": true
                    }),
                ),
                "/t" => reply(200, &json!({"access_token": "t", "expires_in": 3600, "refresh_token": "r"})),
                "/r" | "/api/x" => reply(200, &json!({})),
                _ => empty(404),
            }
        }
    })
    .await;
    url.set(mock.url.clone()).unwrap();
    mock
}

fn component(api: &Mock) -> Value {
    let mut component = acme(&api.url);
    component["oauth2"]["token_endpoint"] = Value::Null;
    component["oauth2"]["issuer"] = format!("{}/tenant", api.url).into();
    component
}

fn itself(url: &str) -> String {
    format!("{url}/tenant")
}

#[tokio::test]
async fn the_issuer_tells_the_endpoints_once() {
    for at in [FIRST, SECOND] {
        let api = server(at, itself, 200).await;
        let (_host, connection) = connected(&component(&api));
        connection.send(Message::get("/x")).await.unwrap();
        connection.tokens().mint().await.unwrap();
        assert_eq!((api.count(at), api.count("/t"), api.count("/api/x")), (1, 2, 1), "{at}");
        assert_eq!(api.seen(at)[0].header("authorization"), "", "nobody shows who they are for it");
        // What it told is an OAuth endpoint like any other: no message may go there.
        let mut open = component(&api);
        open["api"]["base_url"] = api.url.clone().into();
        let (_host, connection) = connected(&open);
        let refused = connection.send(Message::get("/t")).await.unwrap_err();
        assert_eq!(refused.code, Code::UrlNotAllowed);
        connection.tokens().revoke().await.unwrap();
        assert_eq!(api.count("/r"), 2);
    }
}

#[tokio::test]
async fn c36_metadata_of_another_issuer_is_not_used() {
    let api = server(FIRST, |url| format!("{url}/tenant/"), 200).await;
    let (_host, connection) = connected(&component(&api));
    let failure = connection.send(Message::get("/x")).await.unwrap_err();
    assert_eq!(failure.code, Code::TokenResponseInvalid);
    assert!(failure.message.contains("another issuer"), "{}", failure.message);
    assert_eq!((api.count("/t"), api.count("/api/x")), (0, 0));
}

#[tokio::test]
async fn an_outage_of_the_issuer_is_one_and_passes() {
    let api = server(FIRST, itself, 503).await;
    let (_host, connection) = connected(&component(&api));
    let asked = connection.tokens().mint().await;
    assert!(asked.is_ok(), "the renewal asks again: {asked:?}");
    connection.send(Message::get("/x")).await.unwrap();
}

#[tokio::test]
async fn a_failure_is_told_to_all_who_waited_for_it() {
    let api = server(FIRST, |_| "https://other.example".to_owned(), 200).await;
    let (_host, connection) = connected(&component(&api));
    let messages: Vec<Message> = (0..8).map(|_| Message::get("/x")).collect();
    let ended = futures_util::future::join_all(messages.into_iter().map(|message| connection.send(message))).await;
    assert!(ended.iter().all(|ended| ended.as_ref().is_err_and(|failure| failure.code == Code::TokenResponseInvalid)));
    assert_eq!(api.count(FIRST), 1, "each would else wait as long as the one before");
    connection.send(Message::get("/x")).await.unwrap_err();
    assert_eq!(api.count(FIRST), 2, "who comes later asks again");
}

#[tokio::test]
async fn a_sign_in_goes_where_the_issuer_says() {
    let api = server(FIRST, itself, 200).await;
    let mut component = component(&api);
    component["oauth2"]["grants"] = json!({ "authorization_code": {} });
    let connection = acme::host(&component).connect(account_with([("ACME_GRANT", "authorization_code")])).unwrap();
    let tokens = connection.tokens();
    assert!(tokens.authorization_request("https://app.example/cb").is_err(), "not yet known");
    tokens.discover().await.unwrap();
    let request = tokens.authorization_request("https://app.example/cb").unwrap();
    assert!(request.url().as_str().starts_with(&format!("{}/a?", api.url)), "{}", request.url());
    let (_, state) = request.url().query_pairs().find(|(name, _)| name == "state").unwrap();
    // C46: the server says that it always names itself.
    assert!(request.read_pasted(&format!("https://app.example/cb?code=c&state={state}")).is_err());
    let iss = format!("https://app.example/cb?code=c&state={state}&iss={}/tenant", api.url);
    let code = request.read_pasted(&iss).unwrap();
    tokens.redeem_code(request, code).await.unwrap();
    assert_eq!(api.count("/t"), 1);
}

#[tokio::test]
async fn a_site_that_answers_everything_with_a_page_is_asked_at_the_other_place() {
    let url: Arc<std::sync::OnceLock<String>> = Arc::default();
    let told = Arc::clone(&url);
    let mock = Mock::start(move |seen| {
        let url = told.get().cloned().unwrap_or_default();
        async move {
            match seen.path.as_str() {
                SECOND => {
                    reply(200, &json!({ "issuer": format!("{url}/tenant"), "token_endpoint": format!("{url}/t") }))
                }
                "/t" => reply(200, &json!({ "access_token": "t", "expires_in": 3600 })),
                "/api/x" => reply(200, &json!({})),
                _ => keyway_tests::mock::labelled(200, "text/html", "<html></html>"),
            }
        }
    })
    .await;
    url.set(mock.url.clone()).unwrap();
    let (_host, connection) = connected(&component(&mock));
    connection.send(Message::get("/x")).await.unwrap();
    assert_eq!((mock.count(FIRST), mock.count(SECOND)), (1, 1));
}

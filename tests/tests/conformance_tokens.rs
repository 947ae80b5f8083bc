//! Rules of the OAuth RFCs about tokens, one test a rule, named by it.

mod support;

use std::{sync::Arc, time::Duration};

use keyway::{
    Code, Connection, Credential, FileStore, Host, Message, Revocation, TokenStore,
    sign_in::{Redirect, SignInError},
    store::StoreKey,
};
use keyway_tests::{
    acme::{self, account, account_with, acme, rotating_acme},
    failed,
    mock::{Mock, Seen, empty, reply, token},
};
use serde_json::{Value, json};
use support::scripted::{component, form, refusal, scripted, willing};
use url::Url;

/// An API that refuses each token after its first use.
async fn api_that_forgets(answer: impl Fn(&Seen) -> Value + Clone + Send + Sync + 'static) -> Mock {
    Mock::start(move |seen: Seen| {
        let answered = match seen.path.as_str() {
            "/token" => reply(200, &answer(&seen)),
            _ if seen.nth.is_multiple_of(2) => reply(200, &json!({})),
            _ => reply(401, &json!({})),
        };
        async move { answered }
    })
    .await
}

fn signed_in_by_seed(server: &Mock) -> (Host, Connection) {
    let host = acme::host(&rotating_acme(&server.url));
    let connection = host.connect(account_with([("ACME_REFRESH_TOKEN", "seed")])).unwrap();
    (host, connection)
}

#[tokio::test]
async fn c13_a_new_refresh_token_replaces_the_old_one_and_without_one_the_old_one_stays() {
    let server = api_that_forgets(|seen| {
        let mut answer = token(seen.nth + 1);
        // The second answer has none.
        if seen.nth != 1 {
            answer["refresh_token"] = format!("refresh-{}", seen.nth + 1).into();
        }
        answer
    })
    .await;
    let (_host, acme) = signed_in_by_seed(&server);
    for _ in 0..4 {
        acme.send(Message::get("/x")).await.unwrap();
    }
    let sent: Vec<String> = server.seen("/token").iter().map(|seen| form(seen)["refresh_token"].clone()).collect();
    assert_eq!(sent, ["seed", "refresh-1", "refresh-1", "refresh-3"]);
}

#[tokio::test]
async fn c14_a_renewal_asks_for_no_scope_and_so_for_no_more_than_was_granted() {
    let server = api_that_forgets(|seen| {
        let mut answer = token(seen.nth + 1);
        answer["refresh_token"] = "refresh".into();
        answer["scope"] = "read".into();
        answer
    })
    .await;
    let mut component = rotating_acme(&server.url);
    component["oauth2"]["scope"] = json!({"default": ["read", "write"]});
    let host = acme::host(&component);
    let acme = host.connect(account_with([("ACME_REFRESH_TOKEN", "seed")])).unwrap();
    acme.send(Message::get("/x")).await.unwrap();
    acme.send(Message::get("/x")).await.unwrap();
    let renewals = server.seen("/token");
    assert_eq!(renewals.len(), 2);
    assert!(renewals.iter().all(|seen| !form(seen).contains_key("scope")));
    assert_eq!(
        acme.tokens().current().await.unwrap().unwrap().scope.as_deref(),
        Some("read"),
        "what was granted is kept"
    );
}

#[tokio::test]
async fn c15_a_token_of_a_type_that_nobody_understands_is_not_used() {
    for (token_type, used) in [("BEARER", true), ("bearer", true), ("mac", false), ("DPoP", false)] {
        let server = Mock::start(move |seen: Seen| async move {
            let mut answer = token(1);
            answer["token_type"] = token_type.into();
            reply(200, if seen.path == "/token" { &answer } else { &Value::Null })
        })
        .await;
        let (_host, acme) = acme::connected(&acme(&server.url));
        match acme.send(Message::get("/x")).await {
            Ok(_) => assert!(used, "{token_type}"),
            Err(failure) => {
                assert!(!used && failure.code == Code::TokenResponseInvalid, "{token_type}: {failure}");
                assert_eq!(server.count("/api/x"), 0);
            }
        }
    }
}

#[tokio::test]
async fn c26_a_refused_challenge_is_not_tried_without_one() {
    let server = scripted(|seen| (seen.path == "/token").then(|| refusal("invalid_grant"))).await;
    let host = acme::host(&component(&server));
    let acme = host.connect(account_with([("ACME_GRANT", "authorization_code")])).unwrap();
    let request = acme.tokens().authorization_request("http://127.0.0.1:1/callback/acme").unwrap();
    let asked: std::collections::HashMap<_, _> = request.url().query_pairs().into_owned().collect();
    assert_eq!(asked["code_challenge_method"], "S256");
    let code = request.read_pasted("a-code").unwrap();
    acme.tokens().redeem_code(request, code).await.unwrap_err();
    let exchanges = server.seen("/token");
    assert_eq!(exchanges.len(), 1, "a failure stays one");
    assert!((43..=128).contains(&form(&exchanges[0])["code_verifier"].len()));
    // `plain` cannot even be written down.
    let mut plain = component(&server);
    plain["oauth2"]["grants"]["authorization_code"]["code_challenge_method"] = "plain".into();
    keyway::check_component("plain.json", &plain.to_string()).unwrap_err();
}

/// An account of a server with a token in the store.
async fn signed_in(server: &Mock) -> (Host, Connection) {
    let host = acme::host(&component(server));
    let acme = host.connect(account_with([("ACME_GRANT", "authorization_code")])).unwrap();
    let request = acme.tokens().authorization_request("http://127.0.0.1:1/callback/acme").unwrap();
    let code = request.read_pasted("a-code").unwrap();
    acme.tokens().redeem_code(request, code).await.unwrap();
    (host, acme)
}

#[tokio::test]
async fn c27_a_revocation_is_a_form_of_an_authenticated_client() {
    let server = willing().await;
    let (_host, acme) = signed_in(&server).await;
    assert_eq!(acme.tokens().revoke().await.unwrap(), Revocation::Revoked);
    let asked = server.seen("/revoke");
    let forms: Vec<_> = asked.iter().map(form).collect();
    let told: Vec<_> = forms.iter().map(|form| (&*form["token"], &*form["token_type_hint"])).collect();
    assert_eq!(told, [("refresh-1", "refresh_token"), ("access-1", "access_token")]);
    for (seen, form) in asked.iter().zip(&forms) {
        assert_eq!((&*seen.method, seen.header("content-type")), ("POST", "application/x-www-form-urlencoded"));
        assert_eq!((&*form["client_id"], &*form["client_secret"]), ("acme-client", "acme-secret"));
    }
    let mut in_clear = component(&server);
    in_clear["oauth2"]["revocation_endpoint"] = "http://api.example.com/revoke".into();
    let faults = keyway::check_component("clear.json", &in_clear.to_string()).unwrap_err();
    assert!(faults.to_string().contains("http_to_public_host"), "{faults}");
}

/// Servers that end tokens in a way of their own.
#[tokio::test]
async fn a_revocation_may_be_another_request() {
    let server = willing().await;
    let revoke = async |request: Value| {
        let mut component = component(&server);
        component["oauth2"]["revocation_request"] = request;
        keyway::check_component("acme.json", &component.to_string()).unwrap();
        let host = acme::host(&component);
        let acme = host.connect(account_with([("ACME_GRANT", "authorization_code")])).unwrap();
        let request = acme.tokens().authorization_request("http://127.0.0.1:1/callback/acme").unwrap();
        let code = request.read_pasted("a-code").unwrap();
        acme.tokens().redeem_code(request, code).await.unwrap();
        let before = server.count("/revoke");
        assert_eq!(acme.tokens().revoke().await.unwrap(), Revocation::Revoked);
        server.seen("/revoke").split_off(before)
    };
    // By the token itself, as a header.
    let asked = revoke(json!({
        "token": "access_token", "headers": { "Authorization": "Bearer {token}" },
        "params": { "token": null, "token_type_hint": null, "client_id": null }
    }))
    .await;
    assert_eq!((asked.len(), asked[0].text()), (1, ""));
    assert!(asked[0].header("authorization").starts_with("Bearer access-"), "{:?}", asked[0]);
    // As JSON, under other names.
    let asked = revoke(json!({
        "token": "refresh_token", "encoding": "json",
        "params": { "token": null, "token_type_hint": null, "client_id": null, "client_key": "{client_id}", "key": "{token}" }
    }))
    .await;
    let body: Value = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!((asked.len(), &body["client_key"]), (1, &json!("acme-client")));
    assert!(body["key"].as_str().unwrap().starts_with("refresh-") && body.get("token").is_none(), "{body}");
    let mut without = component(&server);
    without["oauth2"].as_object_mut().unwrap().remove("revocation_endpoint");
    without["oauth2"]["revocation_request"] = json!({});
    let faults = keyway::check_component("acme.json", &without.to_string()).unwrap_err();
    assert!(faults.faults.iter().any(|fault| fault.code == "no_effect"), "{faults}");
}

#[tokio::test]
async fn c28_503_means_that_the_token_still_exists() {
    let server = scripted(|seen| {
        let busy = || {
            let mut busy = empty(503);
            busy.headers_mut().insert("retry-after", "7".parse().unwrap());
            busy
        };
        (seen.path == "/revoke").then(busy)
    })
    .await;
    let (_host, acme) = signed_in(&server).await;
    let Revocation::StillValid { retry_after, .. } = acme.tokens().revoke().await.unwrap() else {
        panic!("it is not revoked")
    };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
    assert_eq!(server.count("/revoke"), 1, "nothing is hammered");
    acme.send(Message::get("/x")).await.unwrap();
}

#[tokio::test]
async fn c33_c34_state_and_pkce_are_always_there_and_the_redirect_names_its_server() {
    let server = willing().await;
    let host = acme::host(&component(&server));
    let acme = host.connect(account_with([("ACME_GRANT", "authorization_code")])).unwrap();
    let Redirect::Loopback(redirect) = Redirect::of(acme.account()).unwrap() else { panic!("it is on this machine") };
    assert_eq!((&*redirect.host, &*redirect.path), ("127.0.0.1", "/callback/acme"));
    let states: std::collections::BTreeSet<String> = (0..20)
        .map(|_| {
            let request = acme.tokens().authorization_request("http://127.0.0.1:1/callback/acme").unwrap();
            let pairs: std::collections::HashMap<_, _> = request.url().query_pairs().into_owned().collect();
            assert!(pairs["code_challenge"].len() == 43 && pairs["response_type"] == "code");
            pairs["state"].clone()
        })
        .collect();
    assert_eq!(states.len(), 20, "never the same twice");
    assert!(states.iter().all(|state| state.len() >= 43), "at least 256 bits");
    // Podio takes no address on this machine, and says what to give instead.
    let podio = Credential::from_vars(
        "podio",
        [("PODIO_CLIENT_ID", "x"), ("PODIO_CLIENT_SECRET", "y"), ("PODIO_GRANT", "authorization_code")],
    );
    let podio = host.connect(podio).unwrap();
    let Err(SignInError::NotPossible(why)) = Redirect::of(podio.account()) else { panic!("it has no redirect URI") };
    assert!(why.contains("PODIO_REDIRECT_URI"), "{why}");
}

#[tokio::test]
async fn h05_after_a_refusal_the_store_is_read_again() {
    // A peer on another machine, without our lock, rotates while our refresh token is on its way.
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = || StoreKey::from_bytes([7; 32]);
    let store = FileStore::with_key(ours.path(), key()).unwrap();
    let peer = FileStore::with_key(theirs.path(), key()).unwrap();
    let rotated: Arc<std::sync::OnceLock<(std::path::PathBuf, std::path::PathBuf)>> = Arc::default();
    let files = Arc::clone(&rotated);
    let server = Mock::start(move |seen: Seen| {
        let answered = match (seen.path.as_str(), seen.nth) {
            ("/token", 0) => reply(200, &json!({"access_token": "ours", "expires_in": 3600, "refresh_token": "r1"})),
            ("/token", _) => {
                let (from, to) = files.get().unwrap();
                std::fs::copy(from, to).unwrap();
                refusal("invalid_grant")
            }
            _ if seen.header("authorization") == "Bearer theirs" => reply(200, &json!({})),
            (_, 0) => reply(200, &json!({})),
            _ => reply(401, &json!({})),
        };
        async move { answered }
    })
    .await;
    let host = acme::host_with(&rotating_acme(&server.url), |builder| builder.token_store(store.clone()));
    let acme = host.connect(account_with([("ACME_REFRESH_TOKEN", "seed")])).unwrap();
    acme.send(Message::get("/x")).await.unwrap();
    let place = acme.tokens().key();
    let mut newer = store.load(place).await.unwrap().token.unwrap();
    (newer.access_token, newer.refresh_token) = (keyway::Secret::new("theirs"), Some(keyway::Secret::new("r2")));
    let mut guard = peer.exclusive(place, Duration::from_secs(1)).await.unwrap();
    for version in 0..2 {
        guard.replace_if(keyway::store::Version(version), &newer).await.unwrap();
    }
    rotated.set((peer.path(place), store.path(place))).unwrap();
    acme.send(Message::get("/x")).await.unwrap();
    assert_eq!(server.count("/token"), 2, "the peer's token is used, nothing more is asked for");
}

#[tokio::test]
async fn h06_token_requests_have_their_own_time_and_size_and_follow_no_redirect() {
    let elsewhere = willing().await;
    let target = Url::parse(&elsewhere.url).unwrap().join("/token").unwrap();
    let moved = Mock::start(move |_| {
        let mut moved = empty(307);
        moved.headers_mut().insert("location", target.as_str().parse().unwrap());
        async move { moved }
    })
    .await;
    let (_host, acme) = acme::connected(&acme(&moved.url));
    assert_eq!(failed(acme.send(Message::get("/x")).await).code, Code::TokenResponseInvalid);
    assert_eq!(elsewhere.count(""), 0, "no secret goes where a redirect leads");

    let long = Mock::start(|_| async { reply(200, &json!({"access_token": "x".repeat(2 << 20)})) }).await;
    let (_host, acme) = acme::connected(&self::acme(&long.url));
    assert_eq!(failed(acme.send(Message::get("/x")).await).code, Code::TokenResponseInvalid);

    let silent = Mock::start(|_| std::future::pending()).await;
    let quick = |builder: keyway::HostBuilder| {
        builder.token_timeout(Duration::from_millis(50)).attempt_timeout(Duration::from_secs(3600))
    };
    let host = acme::host_with(&self::acme(&silent.url), quick);
    let acme = host.connect(account()).unwrap();
    assert_eq!(failed(acme.send(Message::get("/x")).await).code, Code::TokenUnavailable);
}

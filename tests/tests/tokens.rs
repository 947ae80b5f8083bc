//! The life of a token: renewed once for all who wait, never lost, and an outage is never taken for a denial.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, future::join_all, stream};
use keyway::{Code, Connection, FileStore, Host, Incoming, Message};
use keyway_simulator::{Fault, FaultKind, FaultTarget, Options, Simulator};
use keyway_tests::{
    Demo,
    acme::{self, account, account_with, acme, rotating_acme},
    failed, fault, json,
    mock::{Mock, Seen, reply, token},
    retries, simulated, simulator, token_calls, tokens_die,
};
use serde_json::json;
use tokio::sync::Notify;

fn refresh_tokens_die(simulator: &Simulator) {
    simulator.fault(fault(FaultKind::RefreshTokensDie, FaultTarget::Token, 1));
}

/// The grant types that were asked for, in order, with the status of each answer.
fn asked(simulator: &Simulator) -> Vec<(String, u16)> {
    let grant = |body: &str| json(body)["grant_type"].as_str().unwrap().to_owned();
    token_calls(simulator).iter().map(|call| (grant(&call.body), call.status)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_messages_meet_one_expiry_with_one_token_request() {
    let options = Options { podio_limit: 100_000, token_delay_ms: 20, ..Options::default() };
    let simulator = simulator(options).await;
    let host = simulated(&simulator).concurrency(64).build().unwrap();
    host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    let messages = stream::iter((0..10_000).map(|_| Incoming::from(Message::get("/user"))));
    let mut outcomes = host.run(messages);
    let mut done = 0;
    while let Some(outcome) = outcomes.next().await {
        assert_eq!(outcome.result.unwrap().status, 200);
        done += 1;
        if done == 3_000 {
            tokens_die(&simulator);
        }
    }
    assert_eq!(done, 10_000);
    assert_eq!(asked(&simulator), [("password".to_owned(), 200), ("refresh_token".to_owned(), 200)]);
    assert!(simulator.stats().api_unauthorized >= 1, "the expiry was met");
}

/// An API whose token endpoint answers when it is let.
struct Held {
    api: Mock,
    arrived: Arc<Notify>,
    go: Arc<Notify>,
}

async fn held() -> Held {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let signals = (Arc::clone(&arrived), Arc::clone(&go));
    let api = Mock::start(move |seen: Seen| {
        let (arrived, go) = signals.clone();
        async move {
            if seen.path == "/token" {
                arrived.notify_one();
                go.notified().await;
                return reply(200, &token(seen.nth + 1));
            }
            reply(200, &json!({}))
        }
    })
    .await;
    Held { api, arrived, go }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_given_up_does_not_interrupt_its_renewal() {
    let Held { api, arrived, go } = held().await;
    let (_host, connection) = acme::connected(&acme(&api.url));
    let sender = connection.clone();
    let first = tokio::spawn(async move { sender.send(Message::get("/first")).await });
    arrived.notified().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let second = tokio::spawn(async move { connection.send(Message::get("/second")).await });
    go.notify_one();
    assert_eq!(second.await.unwrap().unwrap().status, 200);
    assert_eq!((api.count("/token"), api.count("/api/first"), api.count("/api/second")), (1, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_host_waits_for_the_renewal_under_way() {
    let Held { api, arrived, go } = held().await;
    let (host, connection) = acme::connected(&acme(&api.url));
    let sender = connection.clone();
    let first = tokio::spawn(async move { sender.send(Message::get("/first")).await });
    arrived.notified().await;
    first.abort();
    let closing = tokio::spawn(async move { host.close().await });
    assert!(connection.tokens().current().await.unwrap().is_none());
    go.notify_one();
    closing.await.unwrap();
    let kept = connection.tokens().current().await.unwrap().unwrap();
    assert_eq!(kept.access_token.expose_secret_text(), "token-1");
}

#[tokio::test]
async fn a_dead_refresh_token_is_minted_anew_where_the_inputs_are_kept() {
    for grant in ["password", "app"] {
        let simulator = simulator(Options::default()).await;
        let host = simulated(&simulator).build().unwrap();
        let podio = host.connect(Demo::podio(&simulator, grant).credential()).unwrap();
        podio.send(Message::action("verify")).await.unwrap();
        tokens_die(&simulator);
        refresh_tokens_die(&simulator);
        assert_eq!(podio.send(Message::action("verify")).await.unwrap().attempts, 2);
        let wanted = [(grant, 200), ("refresh_token", 400), (grant, 200)];
        assert_eq!(asked(&simulator), wanted.map(|(grant, status)| (grant.to_owned(), status)));
    }
}

#[tokio::test]
async fn a_dead_refresh_token_of_a_person_asks_for_the_person() {
    for (grant, word) in [("authorization_code", "keyway login podio"), ("refresh_token", "keyway token import podio")]
    {
        let simulator = simulator(Options::default()).await;
        let host = simulated(&simulator).build().unwrap();
        let podio = host.connect(Demo::podio(&simulator, grant).credential()).unwrap();
        podio.send(Message::get("/user")).await.unwrap();
        tokens_die(&simulator);
        refresh_tokens_die(&simulator);
        let failure = failed(podio.send(Message::get("/user")).await);
        assert_eq!((failure.code, failure.retryable), (Code::SignInRequired, false), "{grant}");
        assert!(failure.message.contains("sign in") && failure.message.contains(word), "{}", failure.message);
        assert_eq!(failure.oauth.as_ref().unwrap().error.as_deref(), Some("invalid_grant"));
        let requests = simulator.stats().token_requests;
        assert_eq!(requests, 2, "the one that began it, and one refusal");
        assert_eq!(failed(podio.send(Message::get("/user")).await).code, Code::SignInRequired);
        assert_eq!(simulator.stats().token_requests, requests, "a refusal is remembered for a while");
    }
}

#[tokio::test]
async fn a_spent_code_asks_for_the_person() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let demo = Demo::podio(&simulator, "authorization_code");
    let first = host.connect(demo.credential()).unwrap();
    first.send(Message::get("/user")).await.unwrap();
    let second = host.connect(demo.credential().named("late")).unwrap();
    let failure = failed(second.send(Message::get("/user")).await);
    assert_eq!(failure.code, Code::SignInRequired);
    assert_eq!(simulator.stats().token_requests, 2);
}

#[tokio::test]
async fn a_wrong_secret_is_a_denial() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let demo = Demo::podio(&simulator, "password").set("PODIO_CLIENT_SECRET", "canary-of-the-wrong-secret");
    let podio = host.connect(demo.credential()).unwrap();
    let failure = failed(podio.send(Message::get("/user")).await);
    assert_eq!((failure.code, failure.retryable), (Code::TokenDenied, false));
    let oauth = failure.oauth.as_ref().unwrap();
    assert_eq!(oauth.error_detail.as_deref(), Some("oauth.client.invalid_secret"));
    assert!(!format!("{failure:?}").contains("canary-of-the-wrong-secret"));
}

/// Podio whose token endpoint has a fault for the next requests.
async fn with_token_fault(fault: Fault, count: u32) -> (Simulator, Host, Connection) {
    let simulator = simulator(Options::default()).await;
    let builder = simulated(&simulator).retry(retries(1)).token_timeout(Duration::from_millis(300));
    let host = builder.build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "authorization_code").credential()).unwrap();
    // The code is used up: from here on only the refresh token can help.
    podio.send(Message::get("/user")).await.unwrap();
    tokens_die(&simulator);
    simulator.reset_stats();
    simulator.fault(Fault { count, ..fault });
    (simulator, host, podio)
}

fn outages() -> [Fault; 4] {
    let of = |kind| fault(kind, FaultTarget::Token, 1);
    [
        of(FaultKind::Html502),
        of(FaultKind::Empty500),
        Fault { delay_ms: 2000, ..of(FaultKind::Slow) },
        of(FaultKind::Unavailable),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_outage_of_the_token_endpoint_is_not_seen() {
    for outage in outages() {
        let (simulator, _host, podio) = with_token_fault(outage.clone(), 1).await;
        let answer = podio.send(Message::get("/user")).await;
        assert_eq!(answer.unwrap().status, 200, "{outage:?}");
        // The slow one is recorded when it is given up, which may be later.
        assert!(simulator.stats().tokens_issued >= 1, "{outage:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_outage_of_the_token_endpoint_is_no_denial() {
    for outage in outages() {
        let (_simulator, _host, podio) = with_token_fault(outage.clone(), 50).await;
        let failure = failed(podio.send(Message::get("/user")).await);
        assert_eq!((failure.code, failure.retryable), (Code::TokenUnavailable, true), "{outage:?}: {failure}");
        assert!(podio.tokens().current().await.unwrap().unwrap().refresh_token.is_some(), "nothing is thrown away");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_answer_under_a_wrong_label_is_read_all_the_same() {
    let wrong_label = fault(FaultKind::WrongContentType, FaultTarget::Token, 1);
    let (simulator, _host, podio) = with_token_fault(wrong_label, 1).await;
    assert_eq!(podio.send(Message::get("/user")).await.unwrap().status, 200);
    assert_eq!(simulator.stats().token_requests, 1);
}

#[tokio::test]
async fn h03_a_rejected_token_is_renewed_once_a_message() {
    let api = Mock::api(|_| async { reply(401, &json!({})) }).await;
    let (_host, connection) = acme::connected(&acme(&api.url));
    for n in 1..=3 {
        let failure = failed(connection.send(Message::get("/x")).await);
        assert_eq!((failure.code, failure.attempts), (Code::TokenDenied, 2));
        assert_eq!((api.count("/token"), api.count("/api/x")), (1 + n, 2 * n));
    }
}

#[tokio::test]
async fn c21_a_403_is_no_case_for_a_renewal() {
    let api = Mock::api(|_| async { reply(403, &json!({"error": "insufficient_scope"})) }).await;
    let (_host, connection) = acme::connected(&acme(&api.url));
    let failure = failed(connection.send(Message::get("/x")).await);
    assert_eq!((failure.code, failure.attempts), (Code::HttpStatus, 1));
    assert_eq!(api.count("/token"), 1);
}

#[tokio::test]
async fn a_stored_token_serves_the_next_process() {
    let api = Mock::api(|_| async { reply(200, &json!({})) }).await;
    let store = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let kept = FileStore::open(store.path()).unwrap();
        let host = acme::host_with(&acme(&api.url), |builder| builder.token_store(kept));
        let connection = host.connect(account()).unwrap();
        assert_eq!(connection.send(Message::get("/x")).await.unwrap().status, 200);
        host.close().await;
    }
    assert_eq!((api.count("/token"), api.count("/api/x")), (1, 2));

    // Another client under the same name is another account: its token is its own.
    let kept = FileStore::open(store.path()).unwrap();
    let host = acme::host_with(&acme(&api.url), |builder| builder.token_store(kept));
    let other = host.connect(account_with([("ACME_CLIENT_ID", "another-client")])).unwrap();
    other.send(Message::get("/x")).await.unwrap();
    assert_eq!(api.count("/token"), 2);
}

#[tokio::test]
async fn no_token_lies_in_the_store_in_clear() {
    let api = Mock::api(|_| async { reply(200, &json!({})) }).await;
    let store = tempfile::tempdir().unwrap();
    let kept = FileStore::open(store.path()).unwrap();
    let host = acme::host_with(&acme(&api.url), |builder| builder.token_store(kept));
    host.connect(account()).unwrap().send(Message::get("/x")).await.unwrap();
    let (mut folders, mut files) = (vec![store.path().to_owned()], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(7).any(|part| part == b"token-1"), "{}", path.display());
            files += 1;
        }
    }
    assert!(files >= 2, "a key and a token");
}

/// A server that rotates refresh tokens, refuses reuse, and can end the access token that is valid.
#[derive(Default)]
struct Rotation {
    spent: Mutex<BTreeSet<String>>,
    issued: AtomicUsize,
    reused: AtomicUsize,
    valid_from: AtomicUsize,
}

async fn rotating() -> (Mock, Arc<Rotation>) {
    let rotation = Arc::new(Rotation::default());
    let state = Arc::clone(&rotation);
    let api = Mock::start(move |seen: Seen| {
        let state = Arc::clone(&state);
        async move {
            if seen.path == "/token" {
                let form = url::form_urlencoded::parse(&seen.body).into_owned();
                let sent = form.into_iter().find(|(name, _)| name == "refresh_token").unwrap().1;
                if !state.spent.lock().unwrap().insert(sent) {
                    state.reused.fetch_add(1, Ordering::SeqCst);
                    return reply(400, &json!({"error": "invalid_grant"}));
                }
                let n = state.issued.fetch_add(1, Ordering::SeqCst) + 1;
                let mut answer = token(n);
                answer["refresh_token"] = format!("refresh-{n}").into();
                return reply(200, &answer);
            }
            let n: usize = seen.header("authorization").rsplit('-').next().unwrap().parse().unwrap();
            reply(if n > state.valid_from.load(Ordering::SeqCst) { 200 } else { 401 }, &json!({}))
        }
    })
    .await;
    (api, rotation)
}

#[tokio::test(flavor = "multi_thread")]
async fn h04_two_hosts_never_lose_a_rotating_refresh_token() {
    let (api, rotation) = rotating().await;
    let store = tempfile::tempdir().unwrap();
    let mut hosts = Vec::new();
    for _ in 0..2 {
        let kept = FileStore::open(store.path()).unwrap();
        let host = acme::host_with(&rotating_acme(&api.url), |builder| builder.token_store(kept));
        let connection = host.connect(account_with([("ACME_REFRESH_TOKEN", "refresh-0")])).unwrap();
        hosts.push((host, connection));
    }
    for round in 0..6 {
        let messages = (0..8).map(|n| hosts[n % 2].1.send(Message::get("/x")));
        for answer in join_all(messages).await {
            assert_eq!(answer.unwrap().status, 200, "round {round}");
        }
        assert_eq!(rotation.issued.load(Ordering::SeqCst), round + 1, "one renewal for both hosts");
        rotation.valid_from.store(round + 1, Ordering::SeqCst);
    }
    assert_eq!(rotation.reused.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_refresh_token_outlives_the_process() {
    let (api, rotation) = rotating().await;
    let store = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let kept = FileStore::open(store.path()).unwrap();
        let host = acme::host_with(&rotating_acme(&api.url), |builder| builder.token_store(kept));
        // The credential still names the first one, which is spent since the first round.
        let connection = host.connect(account_with([("ACME_REFRESH_TOKEN", "refresh-0")])).unwrap();
        assert_eq!(connection.send(Message::get("/x")).await.unwrap().status, 200);
        host.close().await;
        rotation.valid_from.store(round + 1, Ordering::SeqCst);
    }
    assert_eq!((rotation.issued.load(Ordering::SeqCst), rotation.reused.load(Ordering::SeqCst)), (3, 0));
}

#[tokio::test]
async fn a_refresh_token_that_does_not_rotate_is_kept() {
    let api = Mock::start(|seen: Seen| async move {
        match (seen.path.as_str(), seen.nth) {
            // RFC 6749 section 6: an answer without a refresh token leaves the old one in place.
            ("/token", n) => reply(200, &token(n + 1)),
            (_, 0 | 2) => reply(401, &json!({})),
            _ => reply(200, &json!({})),
        }
    })
    .await;
    let host = acme::host(&rotating_acme(&api.url));
    let connection = host.connect(account_with([("ACME_REFRESH_TOKEN", "refresh-0")])).unwrap();
    for _ in 0..2 {
        assert_eq!(connection.send(Message::get("/x")).await.unwrap().status, 200);
    }
    let requests = api.seen("/token");
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.text().contains("refresh_token=refresh-0")));
}

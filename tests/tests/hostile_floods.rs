//! Floods and bombs against the real binary: they hold nobody else up, and take no more memory than is documented.

mod support;

use std::time::Duration;

use keyway_tests::{
    acme,
    hostile::{ACCESS_TOKEN, Answer, CLIENT_SECRET, Hostile, api},
};
use serde_json::{Value, json};
use support::{Home, Running};

const CONCURRENCY: u64 = 64;
const LINE_BYTES: u64 = 64 << 10;
const BODY_BYTES: u64 = 1 << 20;
/// The budget that all bodies above 1 MiB share, which no flag changes.
const BUDGET_BYTES: u64 = 256 << 20;

/// A run of the command against this server that waits for lines, with its token at hand.
async fn running(home: &Home, server: &Hostile) -> Running {
    let component = acme::acme(&server.url);
    home.write("components/acme.json", component.to_string());
    let (concurrency, line_bytes, body_bytes) =
        (CONCURRENCY.to_string(), LINE_BYTES.to_string(), BODY_BYTES.to_string());
    let limits = ["--concurrency", &concurrency, "--max-line-bytes", &line_bytes, "--max-response-bytes", &body_bytes];
    let run = home.keyway(["run", "acme", "--components", &home.file("components"), "--token-store", "memory"]);
    let account = [("ACME_CLIENT_ID", "acme"), ("ACME_CLIENT_SECRET", CLIENT_SECRET)];
    let mut keyway = run.args(limits).args(["--summary", "none"]).envs(account).start();
    keyway.write(&message("warm", json!({}))).await;
    assert_eq!(keyway.read().await["status"], 200);
    keyway
}

fn message(path: &str, more: Value) -> String {
    let mut message = json!({"id": path, "method": "GET", "url": format!("/{path}"), "retry": {"count": 0}});
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message.to_string()
}

async fn flooding(floods: &[(&'static str, Answer)]) -> Hostile {
    let server = Hostile::start().await;
    for (name, answer) in floods {
        server.answer(format!("/api/{name}"), vec![answer.clone()]);
    }
    server
}

/// Waits until the server has so many requests for this path, which is the sign that each is being answered.
async fn asked(server: &Hostile, path: &str, times: usize) {
    let asked = async {
        while server.seen_at(path).len() < times {
            server.changed().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("the floods are asked for");
}

/// How a flood may end: it never is an answer.
const ENDS: [&str; 4] = ["timeout", "response_invalid", "response_too_large", "network"];
/// A good message takes milliseconds. This is far more, for machines that have much else to do.
const BOUND: Duration = Duration::from_secs(5);

/// Four floods of one kind are under way when a good message is written. Gives what is wrong, if that one has to wait.
async fn beside(name: &'static str, answer: Answer) -> Option<String> {
    let (home, server) = (Home::new(), flooding(&[(name, answer)]).await);
    let mut keyway = running(&home, &server).await;
    for _ in 0..4 {
        keyway.write(&message(name, json!({"timeout_ms": 20_000}))).await;
    }
    asked(&server, &format!("/api/{name}"), 4).await;
    keyway.write(&message("good", json!({}))).await;
    let good = async {
        loop {
            let outcome = keyway.read().await;
            if outcome["id"] == "good" {
                return (outcome["status"] != 200).then(|| format!("{name}: {outcome}"));
            }
            // A flood may be cut before that.
            let code = outcome["error"]["code"].as_str().unwrap_or("none");
            if !ENDS.contains(&code) {
                return Some(format!("{name} is an answer: {outcome}"));
            }
        }
    };
    let waited = || Some(format!("{name}: nothing after {BOUND:?}"));
    tokio::time::timeout(BOUND, good).await.unwrap_or_else(|_| waited())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_on_one_connection_holds_no_other_up() {
    let mut held_up = Vec::new();
    for (name, answer) in api::floods::endless() {
        held_up.extend(beside(name, answer).await);
    }
    assert!(held_up.is_empty(), "good messages wait for floods: {held_up:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_ends_with_its_messages_time() {
    let mut late = Vec::new();
    for (name, answer) in api::floods::endless() {
        let (home, server) = (Home::new(), flooding(&[(name, answer)]).await);
        let mut keyway = running(&home, &server).await;
        keyway.write(&message(name, json!({"timeout_ms": 1000}))).await;
        let code = match tokio::time::timeout(BOUND, keyway.read()).await {
            Ok(outcome) => outcome["error"]["code"].as_str().unwrap_or("none").to_owned(),
            Err(_) => format!("nothing after {BOUND:?}"),
        };
        if !ENDS.contains(&code.as_str()) {
            late.push(format!("{name}: {code}"));
        }
    }
    assert!(late.is_empty(), "floods go on: {late:#?}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn bombs_and_endless_bodies_take_no_more_memory_than_is_documented() {
    let large = api::floods::large();
    let (home, server) = (Home::new(), flooding(&large).await);
    let mut keyway = running(&home, &server).await;
    let mut count = 0;
    // More of them than can be under way at once.
    for _ in 0..CONCURRENCY / 2 {
        for (name, _) in &large {
            keyway.write(&message(name, json!({"timeout_ms": 30_000}))).await;
            count += 1;
        }
    }
    for _ in 0..count {
        let outcome = keyway.read().await;
        let code = outcome["error"]["code"].as_str().unwrap_or("none");
        let wanted = match outcome["id"].as_str() {
            Some("under-the-limit") => &["none", "response_invalid"][..],
            Some("bomb-in-chunks") => &["response_too_large", "response_invalid"],
            _ => &["response_too_large"],
        };
        assert!(wanted.contains(&code), "{}: {}", outcome["id"], outcome["error"]);
        assert!(!outcome.to_string().contains(ACCESS_TOKEN));
    }
    let peak = keyway.peak_memory_kib();
    let slots = 4 * CONCURRENCY;
    let documented = (slots * (LINE_BYTES + (1 << 20)) + BUDGET_BYTES + BODY_BYTES) >> 10;
    println!("{peak} KiB of {documented} KiB");
    assert!(peak < documented, "{peak} KiB, and {documented} KiB are documented");
}

//! Every code that a failed message can have is reached, and every state of the gate is seen from outside.

mod support;

use std::{collections::BTreeSet, fs, time::Duration};

use axum::response::Response;
use futures_util::{StreamExt, stream};
use keyway::{Code, Host, HostBuilder, Message, Outcome};
use keyway_tests::{
    acme::{account, acme, host_with},
    lines,
    mock::{Mock, Seen, labelled, nobody, reply},
    retries, run, written,
};
use serde_json::{Value, json};
use support::{Home, tls::secured};
use tokio::sync::watch;
use tokio_rustls::rustls::version;

/// Codes that no input, server or operator can bring about, and why.
const EXCUSED: &[(Code, &str)] = &[(Code::Internal, "it stands for a fault of Keyway's own, and none is known")];

/// Where the servers of the table are.
struct Places {
    api: Mock,
    nobody: String,
    untrusted: String,
}

/// A line that fails, and what has to be so.
struct Case {
    wanted: Code,
    retryable: bool,
    line: &'static str,
    component: fn(&mut Value, &Places),
    settings: fn(HostBuilder) -> HostBuilder,
}

const GET: &str = r#"{"method":"GET","url":"/fine","id":"an id"}"#;

impl Case {
    fn new(wanted: Code, retryable: bool, line: &'static str) -> Self {
        Self { wanted, retryable, line, component: |_, _| (), settings: |builder| builder }
    }

    fn of(self, component: fn(&mut Value, &Places)) -> Self {
        Self { component, ..self }
    }

    fn with(self, settings: fn(HostBuilder) -> HostBuilder) -> Self {
        Self { settings, ..self }
    }
}

fn token_endpoint(component: &mut Value, url: String) {
    component["oauth2"]["token_endpoint"] = url.into();
}

fn table() -> Vec<Case> {
    vec![
        Case::new(Code::InvalidMessage, false, r#"{"method":"GET","id":"an id"}"#),
        Case::new(Code::UnknownComponent, false, r#"{"method":"GET","url":"/fine","component":"other","id":"an id"}"#),
        Case::new(Code::UnknownCredential, false, r#"{"method":"GET","url":"/fine","credential":"x","id":"an id"}"#),
        Case::new(Code::UnknownAction, false, r#"{"action":"fly","id":"an id"}"#),
        Case::new(Code::InvalidParams, false, r#"{"method":"GET","url":"/{where}","id":"an id"}"#),
        Case::new(Code::UrlNotAllowed, false, r#"{"method":"GET","url":"https://other.example/","id":"an id"}"#),
        Case::new(Code::AddressNotAllowed, false, GET)
            .of(|component, _| component["api"]["base_url"] = "https://10.1.2.3/api".into()),
        Case::new(Code::SignInRequired, false, GET)
            .of(|component, places| {
                component["oauth2"]["grants"] = json!({"authorization_code": {"code_challenge_method": "S256"}});
                component["oauth2"]["authorization_endpoint"] = format!("{}/authorize", places.api.url).into();
            })
            .with(|builder| builder.grant("authorization_code")),
        Case::new(Code::TokenDenied, false, GET)
            .of(|component, places| token_endpoint(component, format!("{}/denies", places.api.url))),
        Case::new(Code::TokenUnavailable, true, GET)
            .of(|component, places| token_endpoint(component, format!("{}/token", places.nobody))),
        Case::new(Code::TokenResponseInvalid, false, GET)
            .of(|component, places| token_endpoint(component, format!("{}/talks", places.api.url))),
        Case::new(Code::HttpStatus, false, r#"{"method":"GET","url":"/missing","id":"an id"}"#),
        Case::new(Code::RateLimited, true, r#"{"method":"POST","url":"/limited","id":"an id"}"#),
        Case::new(Code::Timeout, true, r#"{"method":"GET","url":"/silent","timeout_ms":100,"id":"an id"}"#),
        Case::new(Code::Timeout, false, r#"{"method":"POST","url":"/silent","timeout_ms":100,"id":"an id"}"#),
        Case::new(Code::Network, true, r#"{"method":"POST","url":"/fine","id":"an id"}"#)
            .of(|component, places| component["api"]["base_url"] = format!("{}/api", places.nobody).into()),
        Case::new(Code::Tls, false, GET)
            .of(|component, places| component["api"]["base_url"] = format!("{}/api", places.untrusted).into()),
        Case::new(Code::ResponseTooLarge, false, r#"{"method":"GET","url":"/large","id":"an id"}"#)
            .with(|builder| builder.max_body_bytes(1000)),
        Case::new(Code::ResponseInvalid, false, r#"{"method":"GET","url":"/broken","id":"an id"}"#),
    ]
}

async fn answer(seen: Seen) -> Response {
    match seen.path.as_str() {
        "/denies" => reply(400, &json!({"error": "invalid_client"})),
        "/talks" => labelled(200, "text/html", "<html>hello</html>"),
        "/api/missing" => reply(404, &json!({})),
        "/api/limited" => told_to_wait("3600"),
        "/api/silent" => std::future::pending().await,
        "/api/large" => labelled(200, "text/plain", "x".repeat(2000)),
        "/api/broken" => labelled(200, "application/json", "{"),
        _ => reply(200, &json!({})),
    }
}

fn told_to_wait(seconds: &str) -> Response {
    let mut limited = reply(429, &json!({}));
    limited.headers_mut().insert("retry-after", seconds.parse().unwrap());
    limited
}

/// The gate is closed after ten troubles in a row, and the eleventh message does not wait for it.
async fn gate_closed(places: &Places) -> Outcome {
    let mut component = acme(&places.api.url);
    component["api"]["base_url"] = places.nobody.as_str().into();
    component["retry"]["max_wait_ms"] = 100.into();
    let host = host_with(&component, |builder| builder.retry(retries(0)).concurrency(1));
    host.connect(account()).unwrap();
    run(&host, [GET; 11]).await.pop().unwrap()
}

/// The host is interrupted while a message is under way.
async fn interrupted(places: &Places) -> Outcome {
    let host = host_with(&acme(&places.api.url), |builder| builder);
    host.connect(account()).unwrap();
    let before = places.api.count("/api/silent");
    let mut outcomes = host.run(stream::iter(lines([r#"{"method":"GET","url":"/silent","id":"an id"}"#])));
    let first = outcomes.next();
    tokio::pin!(first);
    while places.api.count("/api/silent") == before {
        tokio::select! {
            _ = &mut first => panic!("nothing answers it"),
            () = tokio::task::yield_now() => {}
        }
    }
    host.interrupt();
    first.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_is_reached_or_has_an_excuse() {
    let untrusted = secured(&["localhost"], &[&version::TLS13]).await;
    let places = Places { api: Mock::api(answer).await, nobody: nobody().await, untrusted: untrusted.url };
    let schema = jsonschema::validator_for(&serde_json::from_str(keyway::outcome_schema()).unwrap()).unwrap();
    let mut reached = BTreeSet::new();
    let mut check = |outcome: &Outcome, wanted: Code, retryable: bool| {
        let text = written(outcome);
        let result = support::json(&text);
        assert_eq!(result["error"]["code"], wanted.as_str(), "{text}");
        assert_eq!(result["error"]["retryable"], retryable, "{text}");
        assert_eq!(result["id"], "an id", "{text}");
        assert!(result["error"]["message"].as_str().is_some_and(|message| message.len() > 10), "{text}");
        assert!(schema.is_valid(&result), "{text}");
        reached.insert(wanted);
    };
    for case in table() {
        let mut component = acme(&places.api.url);
        (case.component)(&mut component, &places);
        let host = host_with(&component, |builder| (case.settings)(builder.retry(retries(0))));
        host.connect(account()).unwrap();
        check(&run(&host, [case.line]).await[0], case.wanted, case.retryable);
    }
    check(&gate_closed(&places).await, Code::GateClosed, true);
    check(&interrupted(&places).await, Code::Interrupted, false);

    let excused: BTreeSet<Code> = EXCUSED.iter().map(|(code, _)| *code).collect();
    let missed: Vec<_> = Code::ALL.iter().filter(|code| !reached.contains(code) && !excused.contains(code)).collect();
    assert!(missed.is_empty(), "nothing reaches {missed:?}");
    assert!(reached.is_disjoint(&excused), "what can be reached needs no excuse");
    let readme = fs::read_to_string(support::workspace().join("README.md")).unwrap();
    for code in Code::ALL {
        assert!(readme.contains(&format!("`{code}`")), "the README does not say what `{code}` means");
    }
}

/// A run of the made-up API, one message after another, with its logs.
async fn logged(component: &Value, messages: usize, more: &[&str]) -> (Vec<Value>, Vec<Value>) {
    let home = Home::new();
    home.write("acme.json", component.to_string());
    let command = home.keyway(["run", "./acme.json", "-v", "--log-format", "json", "--summary", "none"]);
    let account = [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret")];
    let command = command.args(["--concurrency", "1", "--retry-delay-ms", "10"]).args(more.iter().copied());
    let input = "{\"method\":\"GET\",\"url\":\"/x\"}\n".repeat(messages);
    let ran = command.envs(account).run(input).await;
    (ran.outcomes(), ran.stderr.lines().map(support::json).collect())
}

/// Why the gate was closed, each time.
fn closings(logs: &[Value]) -> Vec<&str> {
    let closed = logs.iter().filter(|log| log["event"] == "gate_closed");
    closed.map(|log| log["reason"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_gate_is_seen_and_opens_after_a_probe() {
    let api =
        Mock::api(|seen| async move { if seen.nth == 0 { told_to_wait("1") } else { reply(200, &json!({})) } }).await;
    let (outcomes, logs) = logged(&acme(&api.url), 3, &[]).await;
    let attempts: Vec<&Value> = outcomes.iter().map(|outcome| &outcome["attempts"]).collect();
    assert_eq!(attempts, [2, 1, 1], "the one that met the refusal probes, and the gate is open for the others");
    assert!(outcomes.iter().all(|outcome| outcome["status"] == 200));
    assert_eq!(closings(&logs), ["throttled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_gate_that_stays_shut_is_told_to_those_behind_it() {
    let api = Mock::api(|_| async { told_to_wait("3600") }).await;
    let (outcomes, logs) = logged(&acme(&api.url), 2, &[]).await;
    for (outcome, (attempts, words)) in outcomes.iter().zip([(1, "answered 429"), (0, "asked for a pause")]) {
        assert_eq!((&outcome["error"]["code"], &outcome["attempts"]), (&json!("rate_limited"), &json!(attempts)));
        assert!(outcome["error"]["message"].as_str().unwrap().contains(words), "{outcome}");
        assert!(outcome["error"]["retry_after_ms"].as_u64().is_some_and(|wait| wait > 3_590_000), "{outcome}");
    }
    assert_eq!(closings(&logs), ["throttled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_whose_requests_are_used_up_is_seen() {
    let api = Mock::api(|_| async {
        let mut last = reply(200, &json!({}));
        last.headers_mut().insert("x-remaining", "0".parse().unwrap());
        last.headers_mut().insert("x-reset", "3600".parse().unwrap());
        last
    })
    .await;
    let mut component = acme(&api.url);
    component["throttle"] = json!({"remaining": "X-Remaining", "reset": {"header": "X-Reset", "unit": "seconds"}});
    let (outcomes, logs) = logged(&component, 2, &[]).await;
    assert_eq!((&outcomes[0]["status"], &outcomes[1]["error"]["code"]), (&json!(200), &json!("rate_limited")));
    assert!(outcomes[1]["error"]["message"].as_str().unwrap().contains("no requests left"), "{}", outcomes[1]);
    assert_eq!((&outcomes[1]["attempts"], api.count("/api/x")), (&json!(0), 1));
    assert_eq!(closings(&logs), ["used_up"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_gate_is_seen_and_a_good_probe_opens_it() {
    let api = Mock::api(|seen| async move { reply(if seen.nth < 11 { 500 } else { 200 }, &json!({})) }).await;
    // The eleventh waits for a second and is a probe that fails, the twelfth for two and is one that does not.
    let (outcomes, logs) = logged(&acme(&api.url), 14, &["--retry-count", "0"]).await;
    let statuses: Vec<&Value> = outcomes.iter().map(|outcome| &outcome["status"]).collect();
    assert_eq!(statuses, [&[500; 11][..], &[200; 3]].concat());
    assert_eq!(closings(&logs), ["broken", "broken"]);
    let elapsed: Vec<u64> = outcomes.iter().map(|outcome| outcome["elapsed_ms"].as_u64().unwrap()).collect();
    assert!(elapsed[10] >= 990 && elapsed[11] >= 1990 && elapsed[12] < 990, "{elapsed:?}");

    // Who may not wait for that is told.
    let down = Mock::api(|_| async { reply(500, &json!({})) }).await;
    let (outcomes, logs) = logged(&acme(&down.url), 12, &["--retry-count", "0", "--max-wait-ms", "50"]).await;
    assert_eq!((&outcomes[11]["error"]["code"], &outcomes[11]["attempts"]), (&json!("gate_closed"), &json!(0)));
    assert!(outcomes[11]["error"]["retry_after_ms"].as_u64().is_some_and(|wait| wait <= 1000), "{}", outcomes[11]);
    assert_eq!((closings(&logs), down.count("/api/x")), (vec!["broken"], 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_message_probes_the_others_wait() {
    let (probed, open) = (watch::Sender::new(0), watch::Sender::new(false));
    let (tell, opened) = (probed.clone(), open.clone());
    let api = Mock::api(move |seen| {
        let (tell, mut opened) = (tell.clone(), opened.subscribe());
        async move {
            if seen.nth == 0 {
                return told_to_wait("0");
            }
            tell.send_modify(|count| *count += 1);
            let _ = opened.wait_for(|open| *open).await;
            reply(200, &json!({}))
        }
    })
    .await;
    let host: Host = host_with(&acme(&api.url), |builder| builder.concurrency(8));
    let connection = host.connect(account()).unwrap();
    // The first one meets the refusal alone, and the probe's answer is held back.
    let first = connection.clone();
    let first = tokio::spawn(async move { first.send(Message::get("/x")).await });
    let mut probes = probed.subscribe();
    probes.wait_for(|count| *count == 1).await.unwrap();
    let others: Vec<_> = (0..6)
        .map(|_| {
            let connection = connection.clone();
            tokio::spawn(async move { connection.send(Message::get("/x")).await })
        })
        .collect();
    let more = tokio::time::timeout(Duration::from_millis(200), probes.wait_for(|count| *count > 1)).await;
    assert!(more.is_err(), "only the probe goes out");
    open.send_replace(true);
    assert_eq!(first.await.unwrap().unwrap().attempts, 2);
    for other in others {
        assert_eq!(other.await.unwrap().unwrap().attempts, 1);
    }
}

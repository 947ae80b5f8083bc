//! The gate: who is asked to slow down waits together with all others, and nobody sleeps for an hour by accident.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, future::join_all, stream};
use keyway::{Code, GateReason, Incoming, Message, OnLimit, Outcome, component::RetryOverride};
use keyway_simulator::{Fault, FaultKind, FaultTarget, Options};
use keyway_tests::{
    Demo,
    acme::{self, account, acme},
    api_calls, failed, fault,
    mock::{Mock, nobody, reply},
    quick, retries, simulated, simulator,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn messages_wait_at_the_gate_until_the_window_ends() {
    const IN_FLIGHT: u64 = 2;
    let options = Options { podio_limit: 16, podio_window_s: 2, api_delay_ms: 10, ..Options::default() };
    let simulator = simulator(options).await;
    let host = simulated(&simulator).concurrency(IN_FLIGHT as usize).build().unwrap();
    host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    let messages = stream::iter((0..28).map(|_| Incoming::from(Message::get("/user"))));
    let outcomes: Vec<Outcome> = host.run(messages).collect().await;
    for outcome in outcomes {
        assert_eq!(outcome.result.unwrap().status, 200);
    }
    let stats = simulator.stats();
    assert!(stats.api_throttled >= 1, "the limit was met");
    // Only what is under way when the limit is met can be refused; all others wait without asking.
    assert!(stats.api_throttled <= IN_FLIGHT, "{} were refused, {IN_FLIGHT} in flight", stats.api_throttled);
    assert!(stats.most_in_flight <= IN_FLIGHT);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refusal_holds_all_back() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).concurrency(1).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    podio.send(Message::get("/user")).await.unwrap();
    simulator.fault(Fault { wait_s: 1, ..fault(FaultKind::Throttle, FaultTarget::Api, 1) });
    simulator.reset_stats();
    let begun = Instant::now();
    // The refused one and one that comes later both wait for the same second.
    let (first, second) = tokio::join!(podio.send(Message::get("/user")), async {
        while simulator.stats().api_throttled == 0 {
            tokio::task::yield_now().await;
        }
        podio.send(Message::get("/org/")).await
    });
    assert_eq!((first.unwrap().attempts, second.unwrap().attempts), (2, 1));
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let stats = simulator.stats();
    assert_eq!((stats.api_calls, stats.api_throttled), (3, 1));
}

#[tokio::test]
async fn a_message_that_waits_for_its_turn_heeds_the_gate() {
    let api = Mock::api(|seen| async move {
        if seen.nth > 0 {
            return reply(200, &json!({}));
        }
        let mut refusal = reply(429, &json!({}));
        refusal.headers_mut().insert("retry-after", "1".parse().unwrap());
        refusal
    })
    .await;
    let host = acme::host_with(&acme(&api.url), |builder| builder.concurrency(1));
    let connection = host.connect(account()).unwrap();
    // One is under way, and three have been let in behind it when the refusal comes.
    for answer in join_all((0..4).map(|_| connection.send(Message::get("/x")))).await {
        assert_eq!(answer.unwrap().status, 200);
    }
    let seen = api.seen("/api/x");
    let after: Vec<Duration> = seen[1..].iter().map(|request| request.at - seen[0].at).collect();
    assert!(after.iter().all(|after| *after >= Duration::from_millis(990)), "sent while the gate is shut: {after:?}");
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn who_may_wait_waits_however_long_it_takes() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).concurrency(1).on_limit(OnLimit::Wait).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    simulator.fault(Fault { wait_s: 1, ..fault(FaultKind::Throttle, FaultTarget::Api, 1) });
    let short = RetryOverride { max_wait_ms: Some(100), max_elapsed_ms: Some(200), ..quick() };
    let begun = Instant::now();
    // The one that met the refusal waits like those behind it.
    for answer in join_all((0..3).map(|_| podio.send(Message::get("/user").retry(short)))).await {
        assert_eq!(answer.unwrap().status, 200);
    }
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_told_and_not_slept() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    simulator.fault(Fault { wait_s: 300, ..fault(FaultKind::Throttle, FaultTarget::Api, 1) });
    let begun = Instant::now();
    let failure = failed(podio.send(Message::get("/user")).await);
    assert_eq!((failure.code, failure.attempts, failure.retryable), (Code::RateLimited, 1, true));
    assert_eq!(failure.retry_after, Some(Duration::from_secs(300)));
    assert_eq!(failure.answer.as_ref().unwrap().status, 420);

    // The next one is told without asking.
    let failure = failed(podio.send(Message::post("/task/").json(&json!({"text": "x"})).unwrap()).await);
    assert_eq!((failure.code, failure.attempts, failure.retryable), (Code::RateLimited, 0, true));
    let left = failure.retry_after.unwrap();
    assert!(left > Duration::from_secs(280) && left <= Duration::from_secs(300), "{left:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(simulator.stats().api_calls, 1);
}

#[tokio::test]
async fn one_accounts_gate_is_not_anothers() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let a = Demo::podio_app(&simulator, "500600", "simulator-app-token").credential().named("a");
    let b = Demo::podio_app(&simulator, "500601", "simulator-app-token-2").credential().named("b");
    let (a, b) = (host.connect(a).unwrap(), host.connect(b).unwrap());
    simulator.fault(Fault { wait_s: 300, ..fault(FaultKind::Throttle, FaultTarget::Api, 1) });
    assert_eq!(failed(a.send(Message::get("/app/500600")).await).code, Code::RateLimited);
    assert_eq!(b.send(Message::get("/app/500601")).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_post_is_repeated_after_503_with_a_wait() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    simulator.fault(Fault { wait_s: 1, ..fault(FaultKind::Unavailable, FaultTarget::Api, 1) });
    let begun = Instant::now();
    let message = Message::post("/item/app/500600/").json(&json!({"fields": {"title": "New"}})).unwrap();
    let answer = podio.send(message).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.attempts), (200, 2));
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let statuses: Vec<u16> = api_calls(&simulator).iter().map(|call| call.status).collect();
    assert_eq!(statuses, [503, 200]);
}

#[tokio::test]
async fn a_server_that_is_down_is_a_retryable_failure() {
    let tokens = Mock::api(|_| async { unreachable!("only tokens are got here") }).await;
    let mut component = acme(&tokens.url);
    component["api"]["base_url"] = nobody().await.into();
    let host = acme::host_with(&component, |builder| builder.retry(retries(1)));
    let connection = host.connect(account()).unwrap();
    // Never sent: also a POST may be repeated without harm.
    for message in [Message::get("/x"), Message::post("/x").text("y")] {
        let failure = failed(connection.send(message).await);
        assert_eq!((failure.code, failure.retryable, failure.attempts), (Code::Network, true, 2), "{failure}");
        assert!(failure.history[0].fault.is_some() && failure.answer.is_none());
    }
}

#[tokio::test]
async fn a_server_that_stays_down_is_left_alone_for_a_while() {
    let tokens = Mock::api(|_| async { unreachable!("only tokens are got here") }).await;
    let mut component = acme(&tokens.url);
    component["api"]["base_url"] = nobody().await.into();
    component["retry"]["max_wait_ms"] = 100.into();
    let host = acme::host_with(&component, |builder| builder.retry(retries(0)));
    let connection = host.connect(account()).unwrap();
    let mut codes = Vec::new();
    for _ in 0..12 {
        codes.push(failed(connection.send(Message::get("/x")).await).code);
    }
    assert_eq!(codes[..10], [Code::Network; 10]);
    assert_eq!(codes[10..], [Code::GateClosed; 2], "the gate is {}", GateReason::Broken);
}

#[tokio::test]
async fn refused_messages_of_their_own_fault_close_no_gate() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    for _ in 0..15 {
        assert_eq!(failed(podio.send(Message::get("/item/1")).await).code, Code::HttpStatus);
    }
    assert_eq!(podio.send(Message::get("/user")).await.unwrap().status, 200);
}

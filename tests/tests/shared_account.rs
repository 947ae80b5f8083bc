//! Sixteen processes share one account whose refresh token rotates, and whose server ends the account at any reuse:
//! one renewal for each expiry, no message lost, the account alive at the end.

mod support;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use keyway_simulator::{Call, Fault, FaultKind, FaultTarget, Options, Simulator};
use serde_json::Value;
use support::{account::Account, django::Django, summary};

const PROCESSES: usize = 16;
const MESSAGES: usize = 200;
/// Seconds that access tokens live.
const LIFE_S: u64 = 2;
/// A token is renewed when a tenth of its life is left, and none is got before its request has come: so two requests
/// are never nearer than nine tenths of a life, whoever sends them. 10 ms are for the clocks: the two are not the same
/// one, and times are kept in whole milliseconds.
const LEAST_BETWEEN_MS: u64 = LIFE_S * 900 - 10;
/// Of the messages' time there are several expiries, or else nothing was tried.
const SEVERAL: usize = 4;

/// What all the processes did.
struct Together {
    elapsed: Duration,
    token_requests: u64,
}

/// Runs the processes at once, each with its messages one after another. No message fails.
async fn together(account: &Account, message: &str) -> Together {
    // What builds it is not their time.
    support::binary();
    let begun = Instant::now();
    let input = format!("{message}\n").repeat(MESSAGES);
    let runs = (0..PROCESSES).map(|_| account.run().args(["--concurrency", "1"]).run(input.clone()));
    let mut token_requests = 0;
    for ran in join_all(runs).await {
        let outcomes = ran.outcomes();
        let failed: Vec<&Value> = outcomes.iter().filter(|outcome| outcome["status"] != 200).collect();
        assert!(failed.is_empty(), "{} messages failed, the first: {}\n{}", failed.len(), failed[0], ran.stderr);
        let ran = ran.succeeded();
        assert_eq!(outcomes.len(), MESSAGES);
        token_requests += summary(&ran.stderr)["token_requests"].as_u64().expect("a count");
    }
    Together { elapsed: begun.elapsed(), token_requests }
}

/// One renewal for each expiry: these are the times at which the server saw or granted them.
fn assert_one_renewal_an_expiry(what: &str, renewed_at_ms: &[u64], together: &Together) {
    let most = 1 + together.elapsed.as_millis() as u64 / LEAST_BETWEEN_MS;
    let between: Vec<u64> = renewed_at_ms.windows(2).map(|pair| pair[1] - pair[0]).collect();
    println!(
        "{what}: {PROCESSES} processes, {} messages in {:.1} s; {} renewals, at most {most} expiries fit; ms between renewals: {between:?}",
        PROCESSES * MESSAGES,
        together.elapsed.as_secs_f64(),
        renewed_at_ms.len()
    );
    assert!(between.iter().all(|ms| *ms >= LEAST_BETWEEN_MS), "two renewals for one expiry: {between:?}");
    assert!(renewed_at_ms.len() as u64 <= most, "{} renewals", renewed_at_ms.len());
    assert!(renewed_at_ms.len() > SEVERAL, "{} renewals are too few to prove anything", renewed_at_ms.len());
    assert_eq!(together.token_requests, renewed_at_ms.len() as u64, "what the processes count is what the server saw");
}

async fn podio(encoding: &str) {
    let options = Options {
        podio_token_ttl_s: LIFE_S,
        podio_limit: 1_000_000,
        rotate_refresh_tokens: true,
        refresh_reuse_revokes: true,
        // The messages of a process come one after another, so that this spreads them over several expiries.
        api_delay_ms: 50,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await.expect("loopback has free ports");
    let account = Account::podio(&simulator, encoding);
    let message = r#"{"method":"GET","url":"/user"}"#;
    let ran = together(&account, message).await;

    let stats = simulator.stats();
    let calls: Vec<&Call> = stats.calls.iter().filter(|call| call.target == "token").collect();
    let path = if encoding == "form" { "/oauth/token" } else { "/oauth/token/v2" };
    assert!(calls.iter().all(|call| call.status == 200 && call.path == path), "{calls:?}");
    assert_eq!((stats.refresh_rotations, stats.refresh_reuses), (calls.len() as u64, 0));
    let at: Vec<u64> = calls.iter().map(|call| call.at_ms).collect();
    assert_one_renewal_an_expiry(&format!("podio, {encoding}"), &at, &ran);

    // What is stored is what the server takes, and it renews once more.
    let stored = account.observer().refresh_token().await;
    assert_eq!(simulator.live_refresh_tokens(), stored.into_iter().collect());
    simulator.fault(Fault { fault: FaultKind::TokensDie, on: FaultTarget::Api, count: 1, wait_s: 0, delay_ms: 0 });
    let ran = account.run().run(message).await.succeeded();
    assert_eq!(ran.outcome()["status"], 200);
    assert_eq!(simulator.stats().refresh_rotations, stats.refresh_rotations + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn podio_in_json() {
    podio("json").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn podio_in_forms() {
    podio("form").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_django_server() {
    let life = LIFE_S.to_string();
    let server = Django::start(&[("ROTATE_REFRESH", "1"), ("REUSE_PROTECTION", "1"), ("TOKEN_TTL", &life)]);
    let account = Account::podero(&server);
    let message = r#"{"method":"GET","url":"/org/{org_id}/users"}"#;
    let ran = together(&account, message).await;

    let answers = server.token_answers();
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    // The first is the one that the account began with.
    let given = server.refresh_tokens();
    let at: Vec<u64> = given.iter().skip(1).map(|token| token.made_ms).collect();
    assert_eq!(answers.len(), at.len());
    assert_one_renewal_an_expiry("django", &at, &ran);

    // Had one come twice, the whole family were revoked.
    let live: Vec<bool> = given.iter().map(|token| token.live).collect();
    assert!(live.iter().rev().skip(1).all(|live| !live) && live.last() == Some(&true), "{live:?}");
    server.expire_access_tokens();
    let ran = account.run().run(message).await.succeeded();
    assert_eq!(ran.outcome()["status"], 200);
    assert_eq!(server.refresh_tokens().len(), given.len() + 1);
}

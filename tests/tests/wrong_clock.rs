//! A machine's clock that is ten minutes off, in both directions, beside clocks that are right: every message succeeds,
//! and no refresh token is sent twice.
#![cfg(target_os = "linux")]

mod support;

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use keyway::{Clock, FileStore, Host, Message};
use keyway_simulator::{Fault, FaultKind, FaultTarget, Options, Simulator};
use support::{Keyway, account::Account, workspace};
use tempfile::TempDir;

const MESSAGE: &str = r#"{"method":"GET","url":"/user"}"#;
const OFF_BY_S: [i64; 2] = [600, -600];

/// A shared library that shifts the time of day of one process.
struct WrongClock(TempDir);

impl WrongClock {
    fn build() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = workspace().join("tests/servers/clock/shift.c");
        let mut build = Command::new("cc");
        build.args(["-shared", "-fPIC", "-o"]).arg(folder.path().join("shift.so")).arg(source).arg("-ldl");
        assert!(build.status().expect("there is a C compiler").success());
        Self(folder)
    }

    fn of(&self, keyway: Keyway, off_by_s: i64) -> Keyway {
        let library = self.0.path().join("shift.so");
        keyway.env("LD_PRELOAD", library).env("CLOCK_SHIFT", off_by_s.to_string())
    }
}

async fn simulator(clock_skew_s: i64) -> Simulator {
    let options = Options {
        podio_token_ttl_s: 60,
        rotate_refresh_tokens: true,
        refresh_reuse_revokes: true,
        clock_skew_s,
        ..Options::default()
    };
    Simulator::start(options).await.expect("loopback has free ports")
}

/// The next message has to renew, whatever its clock says.
fn token_ends(simulator: &Simulator) {
    simulator.fault(Fault { fault: FaultKind::TokensDie, on: FaultTarget::Api, count: 1, wait_s: 0, delay_ms: 0 });
}

async fn succeeds(keyway: Keyway) {
    let ran = keyway.run(MESSAGE).await.succeeded();
    assert_eq!(ran.outcome()["status"], 200, "{ran}");
}

async fn is_alive(simulator: &Simulator, account: &Account) {
    assert_eq!(simulator.stats().refresh_reuses, 0, "no refresh token is sent twice");
    let stored = account.observer().refresh_token().await;
    assert_eq!(simulator.live_refresh_tokens(), stored.into_iter().collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preloaded_clock_is_off() {
    let wrong = WrongClock::build();
    let (simulator, now) = (simulator(0).await, SystemTime::now());
    for off_by_s in OFF_BY_S {
        let account = Account::podio(&simulator, "json");
        account.give(&simulator.new_refresh_token());
        let ran = wrong.of(account.run(), off_by_s).run(MESSAGE).await.succeeded();
        let said = support::summary(&ran.stderr)["next_expiry"].as_str().expect("an end").to_owned();
        // Tokens live a minute: by its own clock this one ends about nine minutes ago, or in eleven.
        let right = keyway::rfc3339(now + Duration::from_secs(60));
        let (early, late) = (Duration::from_secs(300), Duration::from_secs(900));
        let fits = match off_by_s > 0 {
            true => said > keyway::rfc3339(now + early) && said < keyway::rfc3339(now + late),
            false => said < keyway::rfc3339(now - early) && said > keyway::rfc3339(now - late),
        };
        assert!(fits, "{said} is not ten minutes from {right}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_with_wrong_and_right_clocks_take_turns() {
    let wrong = WrongClock::build();
    for off_by_s in OFF_BY_S {
        let simulator = simulator(0).await;
        let account = Account::podio(&simulator, "json");
        for _ in 0..3 {
            // Each renews what the other left, and finds what the other renewed.
            for off_by_s in [off_by_s, 0, 0, off_by_s] {
                succeeds(wrong.of(account.run(), off_by_s)).await;
                token_ends(&simulator);
                succeeds(wrong.of(account.run(), -off_by_s)).await;
            }
        }
        is_alive(&simulator, &account).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_with_a_wrong_clock_beside_runs_with_a_right_one() {
    let wrong = WrongClock::build();
    for off_by_s in OFF_BY_S {
        let simulator = simulator(0).await;
        let account = Account::podio(&simulator, "json");
        let mut long = wrong.of(account.run(), off_by_s).start();
        for _ in 0..3 {
            long.write(MESSAGE).await;
            let outcome = long.read().await;
            assert_eq!(outcome["status"], 200, "{off_by_s}: {outcome}");
            token_ends(&simulator);
            succeeds(account.run()).await;
            token_ends(&simulator);
        }
        long.close_stdin();
        long.end().await.succeeded();
        is_alive(&simulator, &account).await;
    }
}

/// A clock that is ten minutes off until it is set right.
#[derive(Clone)]
struct SetRight {
    off_by_s: i64,
    right: Arc<AtomicBool>,
}

impl Clock for SetRight {
    fn now(&self) -> SystemTime {
        let (now, off) = (SystemTime::now(), Duration::from_secs(self.off_by_s.unsigned_abs()));
        match (self.right.load(Ordering::SeqCst), self.off_by_s > 0) {
            (true, _) => now,
            (false, true) => now + off,
            (false, false) => now - off,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_right_while_a_process_runs() {
    for off_by_s in OFF_BY_S {
        let simulator = simulator(0).await;
        let account = Account::podio(&simulator, "json");
        let clock = SetRight { off_by_s, right: Arc::default() };
        let host = Host::builder()
            .components_dir(account.home().path().join("components"))
            .token_store(FileStore::open(account.tokens()).expect("the folder can be used"))
            .clock(clock.clone())
            .build()
            .expect("it is valid");
        let connection = host.connect(account.credential()).expect("the account is complete");
        assert_eq!(connection.send(Message::get("/user")).await.expect("it succeeds").status, 200);
        clock.right.store(true, Ordering::SeqCst);
        token_ends(&simulator);
        // Another process renews in the meantime, by the clock that is right.
        succeeds(account.run()).await;
        token_ends(&simulator);
        let answer = connection.send(Message::get("/user")).await;
        assert_eq!(answer.unwrap_or_else(|failure| panic!("{off_by_s}: {failure}")).status, 200);
        host.close().await;
        is_alive(&simulator, &account).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_wrong_clock() {
    for off_by_s in OFF_BY_S {
        let simulator = simulator(off_by_s).await;
        let account = Account::podio(&simulator, "json");
        for _ in 0..3 {
            succeeds(account.run()).await;
            succeeds(account.run()).await;
            token_ends(&simulator);
        }
        assert_eq!(simulator.stats().refresh_rotations, 3, "its Date header makes no token older");
        is_alive(&simulator, &account).await;
    }
}

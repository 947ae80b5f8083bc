//! `kill -9` at random moments of a run whose refresh token rotates. The account lives on, unless the server had rotated
//! and nobody heard of it: then the next start says so in words.

mod support;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use futures_util::future::join_all;
use keyway::{
    FileStore, Message, Token, TokenStore,
    store::{Exclusive, Pending, StoreFuture, Stored, TokenKey, Version},
};
use keyway_simulator::{Fault, FaultKind, FaultTarget, Options, Simulator};
use keyway_tests::{
    acme::{self, account_with, rotating_acme},
    measured::setting,
    mock::{Mock, reply, token},
};
use serde_json::json;
use support::{
    account::{Account, Observer, files},
    json,
};

/// Each test has the machine to itself, as far as this file goes: what is measured shall not be the others' load.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Kills a series, unless `KEYWAY_TEST_KILLS` says how many.
const KILLS: u64 = 120;
/// Each has a simulator of its own, and its kills one after another.
const ACCOUNTS: usize = 6;
/// No kill comes later than this after a message whose token the server has just ended.
const LATEST_MS: f64 = 150.0;
const MESSAGE: &str = r#"{"method":"GET","url":"/user"}"#;

/// Random numbers that a seed gives again (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// When to kill: any time up to the latest, early more often than late, since a renewal is soon done.
    fn moment(&mut self) -> Duration {
        let fraction = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        Duration::from_secs_f64(LATEST_MS * fraction * fraction / 1000.0)
    }
}

/// How the kills ended.
#[derive(Debug, Default)]
struct Counts {
    /// Before the server had rotated anything.
    before: usize,
    /// After the new token was stored.
    stored: usize,
    /// In between: the server had rotated, and nobody had heard of it.
    unheard: usize,
    /// Temporary files that were left behind.
    left_over: usize,
}

/// One account whose processes are killed.
struct Victim {
    simulator: Simulator,
    account: Account,
    observer: Observer,
    /// The refresh token that is stored.
    stored: String,
    counts: Counts,
}

impl Victim {
    async fn new(token_answer_delay_ms: u64) -> Self {
        let options = Options {
            podio_token_ttl_s: 1,
            podio_limit: 1_000_000,
            rotate_refresh_tokens: true,
            refresh_reuse_revokes: true,
            token_answer_delay_ms,
            ..Options::default()
        };
        let simulator = Simulator::start(options).await.expect("loopback has free ports");
        let account = Account::podio(&simulator, "json");
        account.run().run(MESSAGE).await.succeeded();
        let observer = account.observer();
        let stored = observer.refresh_token().await.expect("a token is stored");
        Self { simulator, account, observer, stored, counts: Counts::default() }
    }

    /// Starts a run, lets its token end, kills it a moment after its next message, and looks what became of the account.
    async fn kill(&mut self, after: Duration) {
        let mut run = self.account.run().start();
        run.write(MESSAGE).await;
        assert_eq!(run.read().await["status"], 200);
        let before = self.simulator.stats().refresh_rotations;
        let stored_before = self.observer.refresh_token().await;
        let end = Fault { fault: FaultKind::TokensDie, on: FaultTarget::Api, count: 1, wait_s: 0, delay_ms: 0 };
        self.simulator.fault(end);
        run.write(MESSAGE).await;
        tokio::time::sleep(after).await;
        run.kill().await;
        self.stored = self.observer.refresh_token().await.expect("a token is stored");
        let dead = !self.simulator.live_refresh_tokens().contains(&self.stored);

        // The next start. What the killed one had sent may reach the server until the next one asks it.
        let reuses = self.simulator.stats().refresh_reuses;
        let unheard = self.next_start().await;
        // The server itself tells whether it had rotated: then what is stored comes to it a second time.
        assert_eq!(unheard, self.simulator.stats().refresh_reuses == reuses + 1);
        assert!(unheard || !dead, "the server had rotated, and the next start did not find out");
        if unheard {
            self.counts.unheard += 1;
            self.account.give(&self.simulator.new_refresh_token());
            assert!(!self.next_start().await, "a new sign-in works");
        } else if Some(&self.stored) != stored_before.as_ref() {
            self.counts.stored += 1;
        } else {
            assert!(self.simulator.stats().refresh_rotations <= before + 1, "one renewal, and it is the next start's");
            self.counts.before += 1;
        }
    }

    /// How many temporary files the killed processes left in the token folder.
    fn left_over(&self) -> usize {
        let names = files(&self.account.tokens());
        names.iter().filter_map(|path| path.file_name()).filter(|name| name.to_string_lossy().starts_with('.')).count()
    }

    /// Whether a fresh run finds that a renewal was interrupted. In all other cases its one message succeeds.
    async fn next_start(&self) -> bool {
        let ran = self.account.run().run(MESSAGE).await;
        let calls = self.simulator.stats().calls;
        let outcome = ran.outcome();
        if outcome["status"] == 200 {
            let stored = self.observer.refresh_token().await.expect("a token is stored");
            assert_eq!(self.simulator.live_refresh_tokens().intersection(&[stored].into()).count(), 1, "it is alive");
            return false;
        }
        assert_eq!(outcome["error"]["code"], "sign_in_required", "{ran}");
        let message = outcome["error"]["message"].as_str().unwrap_or_default();
        for words in ["was interrupted before its answer was stored", "get a new refresh token"] {
            assert!(message.contains(words), "`{words}` is not in {message:?}");
        }
        let refused = calls.iter().rev().find(|call| call.target == "token").expect("it asked");
        assert_eq!(refused.status, 400);
        assert_eq!(json(&refused.body)["refresh_token"], *self.stored, "it sent what is stored, and nothing else");
        true
    }
}

/// Kills all, and gives the counts of all accounts together.
async fn series(what: &str, token_answer_delay_ms: u64) -> Counts {
    let _alone = ALONE.lock().await;
    support::binary();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970");
    let seed = setting("KEYWAY_TEST_SEED", now.as_nanos() as u64);
    println!("{what}: KEYWAY_TEST_SEED={seed}");
    let kills = setting("KEYWAY_TEST_KILLS", KILLS) as usize / ACCOUNTS;
    let begun = Instant::now();
    let accounts = (0..ACCOUNTS).map(|n| {
        let mut dice = Dice(seed.wrapping_add(n as u64));
        tokio::spawn(async move {
            let mut victim = Victim::new(token_answer_delay_ms).await;
            for _ in 0..kills {
                victim.kill(dice.moment()).await;
            }
            victim.counts.left_over = victim.left_over();
            victim.counts
        })
    });
    let mut all = Counts::default();
    for counts in join_all(accounts).await {
        let counts = counts.expect("no account fails");
        all.before += counts.before;
        all.stored += counts.stored;
        all.unheard += counts.unheard;
        all.left_over += counts.left_over;
    }
    println!("{what}: {} kills in {:.1} s: {all:?}", kills * ACCOUNTS, begun.elapsed().as_secs_f64());
    assert_eq!(all.before + all.stored + all.unheard, kills * ACCOUNTS);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_answers_come_at_once() {
    let counts = series("at once", 0).await;
    assert!(counts.before > 0 && counts.stored > 0, "kills on both sides: {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_answers_are_20_ms_on_their_way() {
    let counts = series("20 ms", 20).await;
    assert!(counts.before > 0 && counts.stored > 0 && counts.unheard > 0, "kills everywhere: {counts:?}");
}

/// A file store that notes when a token was stored.
struct Watched(FileStore, Arc<Mutex<Vec<Instant>>>);

struct WatchedGuard(Box<dyn Exclusive>, Arc<Mutex<Vec<Instant>>>);

impl TokenStore for Watched {
    fn keyed_hash(&self, parts: &[&str]) -> String {
        self.0.keyed_hash(parts)
    }

    fn load<'a>(&'a self, key: &'a TokenKey) -> StoreFuture<'a, Stored> {
        self.0.load(key)
    }

    fn exclusive<'a>(&'a self, key: &'a TokenKey, ttl: Duration) -> StoreFuture<'a, Box<dyn Exclusive>> {
        Box::pin(async move {
            let guard = self.0.exclusive(key, ttl).await?;
            Ok(Box::new(WatchedGuard(guard, Arc::clone(&self.1))) as Box<dyn Exclusive>)
        })
    }

    fn is_durable(&self) -> bool {
        self.0.is_durable()
    }

    fn place(&self) -> String {
        self.0.place()
    }
}

impl Exclusive for WatchedGuard {
    fn load(&mut self) -> StoreFuture<'_, Stored> {
        self.0.load()
    }

    fn mark_pending(&mut self, pending: Option<Pending>) -> StoreFuture<'_, ()> {
        self.0.mark_pending(pending)
    }

    fn remove_if(&mut self, expected: Version) -> StoreFuture<'_, ()> {
        self.0.remove_if(expected)
    }

    fn replace_if<'a>(&'a mut self, expected: Version, token: &'a Token) -> StoreFuture<'a, Version> {
        Box::pin(async move {
            let version = self.0.replace_if(expected, token).await?;
            self.1.lock().unwrap().push(Instant::now());
            Ok(version)
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_an_answer_is_unheard() {
    const RENEWALS: usize = 300;
    let _alone = ALONE.lock().await;
    let answered: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let used: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let note = Arc::clone(&answered);
    let api = Mock::start(move |seen| {
        let (note, used) = (Arc::clone(&note), Arc::clone(&used));
        async move {
            if seen.path != "/token" {
                // A token serves once: each message renews.
                let first = used.lock().unwrap().insert(seen.header("authorization").to_owned());
                return reply(if first { 200 } else { 401 }, &json!({}));
            }
            let mut answer = token(seen.nth + 1);
            answer["refresh_token"] = format!("refresh-{}", seen.nth + 1).into();
            note.lock().unwrap().push(Instant::now());
            reply(200, &answer)
        }
    })
    .await;
    let (folder, stored) = (tempfile::tempdir().unwrap(), Arc::default());
    let store = Watched(FileStore::open(folder.path()).unwrap(), Arc::clone(&stored));
    let host = acme::host_with(&rotating_acme(&api.url), |builder| builder.token_store(store));
    let connection = host.connect(account_with([("ACME_REFRESH_TOKEN", "refresh-0")])).unwrap();
    for _ in 0..RENEWALS {
        assert_eq!(connection.send(Message::get("/x")).await.unwrap().status, 200);
    }
    let (answered, stored) = (answered.lock().unwrap(), stored.lock().unwrap());
    assert_eq!((answered.len(), stored.len()), (RENEWALS, RENEWALS), "every answer was stored, and once");
    let mut windows: Vec<Duration> = answered.iter().zip(stored.iter()).map(|(from, to)| *to - *from).collect();
    windows.sort_unstable();
    let ms = |window: Duration| window.as_secs_f64() * 1000.0;
    println!(
        "from the answer to the token on disk, {RENEWALS} renewals: median {:.2} ms, 99th percentile {:.2} ms, longest {:.2} ms",
        ms(windows[RENEWALS / 2]),
        ms(windows[RENEWALS * 99 / 100]),
        ms(windows[RENEWALS - 1])
    );
}

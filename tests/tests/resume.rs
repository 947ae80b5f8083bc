//! `--checkpoint`: a run of a file goes on where it was, however it ended. Every line has its result, once.

mod support;

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use keyway_tests::{
    acme::acme,
    mock::{Mock, cut, empty, reply},
};
use serde_json::{Value, json};
use support::{Home, Keyway};
use tokio::sync::watch;

/// A run of the file `in` that can be resumed.
struct Resumable {
    home: Home,
    api: Mock,
}

impl Resumable {
    /// A file of so many lines, each twentieth of them garbage, for an API that answers as told.
    fn new(api: Mock, lines: u64) -> Self {
        let home = Home::new();
        home.write("acme.json", acme(&api.url).to_string());
        let line = |n: u64| match n % 20 {
            0 => format!("garbage {n}\n"),
            _ => format!("{}\n", json!({"method": "GET", "url": "/x", "id": n})),
        };
        home.write("in", (1..=lines).map(line).collect::<String>());
        Self { home, api }
    }

    fn run(&self) -> Keyway {
        let command = self.home.keyway(["run", "./acme.json", "--input", "in", "--output", "out"]);
        let account = [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret")];
        command.args(["--checkpoint", "state", "--summary", "json"]).envs(account)
    }

    /// The results by their lines.
    fn results(&self) -> BTreeMap<u64, Value> {
        let text = fs::read_to_string(self.home.file("out")).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        let mut results = BTreeMap::new();
        for line in text.lines() {
            let result = support::json(line);
            let number = result["line"].as_u64().unwrap();
            if !number.is_multiple_of(20) {
                assert_eq!(result["id"], number, "the result is of its line");
            }
            assert!(results.insert(number, result).is_none(), "line {number} has two results");
        }
        results
    }
}

/// Told how many requests there were.
fn counted() -> (watch::Sender<usize>, impl Fn() -> usize + Clone) {
    let (count, number) = (watch::Sender::new(0), Arc::new(AtomicUsize::new(0)));
    let tell = count.clone();
    let one_more = move || {
        let now = number.fetch_add(1, Ordering::SeqCst) + 1;
        tell.send_replace(now);
        now
    };
    (count, one_more)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_every_kill_it_goes_on_and_no_line_is_lost_or_answered_twice() {
    const LINES: u64 = 3000;
    const MANY: [&str; 2] = ["--retry-count", "9"];
    let (count, one_more) = counted();
    let api = Mock::api(move |_| {
        let nth = one_more();
        // Some answers break, some are outages, and each line is tried again, often enough that none meets such only.
        let answer = match nth % 50 {
            7 => cut(),
            31 => empty(503),
            _ => reply(200, &json!({})),
        };
        async move { answer }
    })
    .await;
    let run = Resumable::new(api, LINES);
    for kill in 1..=8 {
        let mut keyway = run.run().args(MANY).start();
        // Killed with requests under way and results on their way, each time elsewhere.
        let far_enough = *count.borrow() + 150 + kill * 17;
        count.subscribe().wait_for(|count| *count >= far_enough).await.unwrap();
        keyway.kill().await;
    }
    let ran = run.run().args(MANY).run("").await;
    assert_eq!(ran.code(), Some(1), "garbage fails: {ran}");
    let results = run.results();
    assert_eq!(results.len() as u64, LINES);
    assert!(results.iter().all(|(line, result)| (result["status"] == 200) != line.is_multiple_of(20)));
    let read = support::summary(&ran.stderr)["messages"].as_u64().unwrap();
    assert!(read < LINES, "what had its result was not sent again: {read}");

    // There is nothing left to do.
    let requests = run.api.count("/api/x");
    let ran = run.run().run("").await;
    assert_eq!((ran.code(), support::summary(&ran.stderr)["messages"].as_u64()), (Some(0), Some(0)), "{ran}");
    assert_eq!((run.api.count("/api/x"), run.results().len() as u64), (requests, LINES));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_stops_the_run_and_the_next_one_goes_on() {
    let (_, one_more) = counted();
    // Twenty requests, then a pause of an hour until somebody comes again; each run is let twenty more.
    let let_through = Arc::new(AtomicUsize::new(20));
    let limit = Arc::clone(&let_through);
    let api = Mock::api(move |_| {
        let mut limited = reply(429, &json!({}));
        limited.headers_mut().insert("retry-after", "3600".parse().unwrap());
        let answer = if limit.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            one_more();
            reply(200, &json!({}))
        } else {
            limited
        };
        async move { answer }
    })
    .await;
    let run = Resumable::new(api, 50);
    let mut runs = 0;
    loop {
        let ran = run.run().args(["--on-limit", "stop", "--concurrency", "4"]).run("").await;
        runs += 1;
        let summary = support::summary(&ran.stderr);
        if summary["left"] == 0 {
            break;
        }
        assert_eq!(ran.code(), Some(1), "{ran}");
        assert!(run.results().values().all(|result| result["error"]["code"] != "rate_limited"));
        let_through.store(20, Ordering::SeqCst);
    }
    assert_eq!((run.results().len(), runs), (50, 3), "48 good lines, twenty a run");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_checkpoint_the_message_that_met_the_limit_is_told() {
    let api = Mock::api(|_| async {
        let mut limited = reply(429, &json!({}));
        limited.headers_mut().insert("retry-after", "3600".parse().unwrap());
        limited
    })
    .await;
    let run = Resumable::new(api, 19);
    let command = run.home.keyway(["run", "./acme.json", "--input", "in", "--on-limit", "stop", "--concurrency", "1"]);
    let account = [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret")];
    let ran = command.args(["--summary", "none"]).envs(account).run("").await;
    assert_eq!(ran.code(), Some(1));
    let outcomes = ran.outcomes();
    assert!(!outcomes.is_empty() && outcomes.len() < 19, "it stops reading: {ran}");
    assert!(outcomes.iter().all(|outcome| outcome["error"]["retry_after_ms"].as_u64().is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_leaves_what_is_not_done_to_the_next_run() {
    let (count, one_more) = counted();
    let open = watch::Sender::new(false);
    let opened = open.clone();
    let api = Mock::api(move |_| {
        let (nth, mut opened) = (one_more(), opened.subscribe());
        async move {
            if nth > 10 {
                let _ = opened.wait_for(|open| *open).await;
            }
            reply(200, &json!({}))
        }
    })
    .await;
    let run = Resumable::new(api, 40);
    let mut keyway = run.run().args(["--drain-timeout-ms", "50"]).start();
    count.subscribe().wait_for(|count| *count > 10).await.unwrap();
    keyway.signal("TERM").await;
    keyway.told("stopping").await;
    let ran = keyway.end().await;
    assert_eq!(ran.code(), Some(143), "{ran}");
    assert!(run.results().values().all(|result| result["error"]["code"] != "interrupted"));
    open.send_replace(true);
    run.run().run("").await;
    assert_eq!(run.results().len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_belong_together_is_refused() {
    let (count, one_more) = counted();
    let open = watch::Sender::new(false);
    let opened = open.clone();
    let api = Mock::api(move |_| {
        let mut opened = opened.subscribe();
        one_more();
        async move {
            let _ = opened.wait_for(|open| *open).await;
            reply(200, &json!({}))
        }
    })
    .await;
    let run = Resumable::new(api, 10);
    let first = run.run().start();
    count.subscribe().wait_for(|count| *count > 0).await.unwrap();
    run.run().run("").await.refused(2, &["another run uses the checkpoint"]);
    open.send_replace(true);
    assert_eq!(first.end().await.code(), Some(0));

    fs::write(run.home.file("out"), "").unwrap();
    run.run().run("").await.refused(2, &["shorter than the checkpoint"]);
    fs::write(run.home.file("in"), "{}\n").unwrap();
    run.run().run("").await.refused(2, &["of another input"]);
    fs::write(run.home.file("state"), "my notes").unwrap();
    run.run().run("").await.refused(2, &["no checkpoint"]);
    assert_eq!(fs::read_to_string(run.home.file("state")).unwrap(), "my notes", "it is somebody's");
    let piped = run.home.keyway(["run", "./acme.json", "--checkpoint", "state"]);
    piped.run("").await.refused(2, &["--input"]);
}

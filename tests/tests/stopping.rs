//! How a run ends: full disks, readers that go away or do not read, signals in every state, and inputs of every kind.

mod support;

use std::{
    fs::{self, File},
    os::unix::process::ExitStatusExt,
    process::Stdio,
};

use axum::response::Response;
use keyway_tests::{
    acme::acme,
    mock::{Mock, Seen, reply, token},
};
use serde_json::{Value, json};
use support::{
    Home, Keyway, Ran, Running,
    disk::{bound_by_permissions, on_a_full_disk, set_mode},
    line_numbers, summary,
};
use tokio::{io::AsyncWriteExt, process::Command, sync::watch};

const LINE: &str = r#"{"method":"GET","url":"/x"}"#;

fn run(home: &Home, api: &Mock) -> Keyway {
    home.write("acme.json", acme(&api.url).to_string());
    let account = [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret")];
    home.keyway(["run", "./acme.json", "--token-store", "memory", "--summary", "json"]).envs(account)
}

async fn willing() -> Mock {
    Mock::api(|_| async { reply(200, &json!({})) }).await
}

fn lines(count: usize) -> String {
    format!("{LINE}\n").repeat(count)
}

fn full() -> File {
    File::options().write(true).open("/dev/full").expect("this system has /dev/full")
}

/// A run whose files can grow to so many blocks, and no further.
fn on_a_disk_of(blocks: usize, keyway: Keyway) -> Keyway {
    keyway.through(["sh", "-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"])
}

/// The results of a file: whole lines.
fn results(home: &Home, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(home.file(name)).unwrap();
    text.lines().map(support::json).collect()
}

// --- full disks

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_on_a_full_disk_is_told_before_anything_is_sent() {
    let (home, api) = (Home::new(), willing().await);
    home.write("in", lines(3));
    // A disk that is full when the journal begins.
    let args = ["--input", "in", "--output", "out", "--checkpoint", "state"];
    let ran = on_a_full_disk(run(&home, &api).args(args)).run("").await;
    ran.refused(4, &["`state`", "cannot be written"]);
    assert_eq!(api.count("/api/x"), 0);
    // With room again it begins.
    run(&home, &api).args(args).run("").await.succeeded();
    assert_eq!(line_numbers(&results(&home, "out")), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_without_an_end_is_refused() {
    let (home, api) = (Home::new(), willing().await);
    home.write("in", lines(3));
    for device in ["/dev/zero", "/dev/full"] {
        // It must not be read to its end, which never comes, nor into memory, which has one.
        let run = run(&home, &api).args(["--input", "in", "--output", "out", "--checkpoint", device]);
        let ran = run.through(["sh", "-c", "ulimit -v 4000000; exec \"$@\"", "sh"]).run("").await;
        assert!(matches!(ran.code(), Some(2 | 4)) && ran.stderr.contains(device), "{ran}");
    }
    assert_eq!(api.count("/api/x"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_while_a_run_writes_ends_it_and_costs_no_result() {
    const LINES: usize = 400;
    let (home, api) = (Home::new(), willing().await);
    home.write("in", lines(LINES));
    let files = ["--input", "in", "--output", "out", "--checkpoint", "state"];
    let ran = on_a_disk_of(20, run(&home, &api).args(files)).run("").await;
    assert_eq!(ran.code(), Some(4), "{ran}");
    assert!(ran.stderr.contains("cannot be written") && ran.stderr.contains("`out`"), "{ran}");
    assert!(fs::metadata(home.file("out")).unwrap().len() > 0, "it filled while results were written");
    // With room again the same command goes on, and the result that was cut off is whole.
    run(&home, &api).args(files).run("").await.succeeded();
    assert_eq!(line_numbers(&results(&home, "out")), (1..=LINES as u64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_on_a_full_disk_end_the_run() {
    let (home, api) = (Home::new(), willing().await);
    let ran = run(&home, &api).args(["--dead-letter", "/dev/full"]).run("no json\n").await;
    assert_eq!(ran.code(), Some(4), "{ran}");
    assert!(ran.stderr.contains("/dev/full") && ran.stderr.contains("cannot be written"), "{ran}");
    // As long as nothing fails nothing has to be put aside.
    run(&home, &api).args(["--dead-letter", "/dev/full"]).run(lines(3)).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_that_cannot_be_written_costs_nothing_else() {
    let (home, api) = (Home::new(), willing().await);
    for more in [&[][..], &["-vvv"]] {
        let ran = run(&home, &api).args(more.iter().copied()).stderr(full()).run(lines(3)).await.succeeded();
        assert_eq!(line_numbers(&ran.outcomes()), [1, 2, 3]);
        let closed = run(&home, &api).args(more.iter().copied()).through(["sh", "-c", "exec \"$@\" 2>&-", "sh"]);
        assert_eq!(closed.run(lines(3)).await.succeeded().outcomes().len(), 3);
    }
    // Nor is the exit code another one.
    assert_eq!(run(&home, &api).stderr(full()).run("no json\n").await.code(), Some(1));
    assert_eq!(run(&home, &api).stderr(full()).stdout(full()).run(lines(3)).await.code(), Some(4));
}

// --- readers

/// An API that answers its first message at once, and all others with `status` when its run has lost its reader.
async fn loses_its_reader(home: &Home, status: u16, more: &[&str]) -> (Mock, Ran) {
    let (arrived, release) = (watch::Sender::new(0), watch::Sender::new(false));
    let (tell, released) = (arrived.clone(), release.clone());
    let api = Mock::api(move |seen| {
        let (tell, mut released) = (tell.clone(), released.subscribe());
        async move {
            if seen.nth == 0 {
                return reply(200, &json!({}));
            }
            tell.send_modify(|count| *count += 1);
            let _ = released.wait_for(|released| *released).await;
            reply(status, &json!({}))
        }
    })
    .await;
    home.write("in", lines(1000));
    let mut keyway = run(home, &api).args(["--input", "in", "--concurrency", "4"]).args(more).start();
    keyway.read().await;
    arrived.subscribe().wait_for(|count| *count == 4).await.unwrap();
    keyway.close_stdout();
    release.send_replace(true);
    let ran = keyway.end().await.succeeded();
    (api, ran)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_lets_what_is_under_way_end_and_nothing_more_begin() {
    let (api, ran) = loses_its_reader(&Home::new(), 200, &[]).await;
    let sent = api.count("/api/x");
    assert!(sent < 1000, "{sent} of 1000 were sent: {ran}");
    assert!(!ran.stderr.contains("error"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_after_the_reader_went_away_is_put_aside_all_the_same() {
    let home = Home::new();
    let (api, _) = loses_its_reader(&home, 404, &["--dead-letter", "failed"]).await;
    let put_aside = fs::read_to_string(home.file("failed")).unwrap().lines().count();
    assert_eq!(put_aside, api.count("/api/x") - 1, "all that were sent failed, but for the first");
}

/// A run whose results nobody reads, up to where it can write no more.
async fn blocked(home: &Home, api: &Mock, more: &[&str]) -> Running {
    home.write(
        "in",
        format!(r#"{{"method":"GET","url":"/x","passthrough":"{}"}}{}"#, "y".repeat(8 << 10), "\n").repeat(200),
    );
    let before = api.count("/api/x");
    let keyway = run(home, api).args(["--input", "in", "--concurrency", "2"]).args(more.iter().copied()).start();
    // It stops asking when its results find no place any more: 64 KiB of them fill a pipe.
    let (mut last, mut quiet) = (0, 0);
    while quiet < 10 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let now = api.count("/api/x") - before;
        quiet = if now == last && now > 8 { quiet + 1 } else { 0 };
        last = now;
    }
    assert!(last < 200, "it goes on though nobody reads");
    keyway
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_while_nobody_reads_ends_the_run_as_soon_as_somebody_does() {
    let (home, api) = (Home::new(), willing().await);
    let mut keyway = blocked(&home, &api, &[]).await;
    keyway.signal("TERM").await;
    keyway.told("stopping").await;
    let ran = keyway.end().await;
    assert_eq!(ran.code(), Some(143), "{ran}");
    let numbers = line_numbers(&ran.outcomes());
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "what was taken has its result");
    assert_eq!(api.count("/api/x"), numbers.len(), "and what was sent was taken");
    assert!(numbers.len() < 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_while_nobody_reads_ends_it_at_once() {
    let (home, api) = (Home::new(), willing().await);
    for (second, code) in [("TERM", 143), ("INT", 130)] {
        let mut keyway = blocked(&home, &api, &[]).await;
        keyway.signal("TERM").await;
        keyway.told("stopping").await;
        keyway.signal(second).await;
        assert_eq!(keyway.ended().await.code(), Some(code));
    }
}

// --- signals

/// An API that lets messages wait in one way.
async fn keeping(what: &'static str) -> (Mock, watch::Receiver<usize>) {
    let (told, requests) = watch::channel(0);
    let api = Mock::start(move |seen: Seen| {
        let told = told.clone();
        async move {
            let is_token = seen.path == "/token";
            if is_token != (what == "token") {
                return reply(200, &token(1));
            }
            told.send_modify(|count| *count += 1);
            match what {
                "token" | "in flight" => std::future::pending().await,
                "backing off" => reply(500, &json!({})),
                _ => throttled(if what == "gate" { "4" } else { "3600" }),
            }
        }
    })
    .await;
    (api, requests)
}

fn throttled(seconds: &str) -> Response {
    let mut limited = reply(429, &json!({}));
    limited.headers_mut().insert("retry-after", seconds.parse().unwrap());
    limited
}

/// Each line that was taken has one outcome, and all of them are `interrupted`.
#[track_caller]
fn all_are_interrupted(ran: &Ran, at_least: usize, what: &str) {
    let outcomes = ran.outcomes();
    let numbers = line_numbers(&outcomes);
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "{what}: {ran}");
    assert!(numbers.len() >= at_least, "{what}: {ran}");
    for outcome in &outcomes {
        assert_eq!(outcome["error"]["code"], "interrupted", "{what}: {ran}");
        assert_eq!(
            (&outcome["id"], &outcome["error"]["retryable"]),
            (&outcome["line"], &json!(false)),
            "{what}: {ran}"
        );
    }
    assert_eq!(summary(&ran.stderr)["messages"], numbers.len(), "{what}: {ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_gives_each_line_one_outcome_whatever_it_waits_for() {
    let states: [(&str, usize, &[&str]); 6] = [
        ("in flight", 8, &[]),
        ("in flight", 2, &["--concurrency", "2"]),
        ("gate", 1, &["--max-wait-ms", "10000"]),
        ("limit", 1, &["--on-limit", "wait"]),
        ("backing off", 8, &["--retry-delay-ms", "5000", "--max-wait-ms", "10000"]),
        ("token", 1, &["--token-timeout-ms", "1000"]),
    ];
    for (n, (what, requests, args)) in states.into_iter().enumerate() {
        let (home, (api, mut seen)) = (Home::new(), keeping(what).await);
        let (signal, code) = if n % 2 == 0 { ("TERM", 143) } else { ("INT", 130) };
        let mut keyway = run(&home, &api).args(["--drain-timeout-ms", "50"]).args(args.iter().copied()).start();
        for id in 1..=8 {
            keyway.write(&format!(r#"{{"method":"GET","url":"/x","id":{id}}}"#)).await;
        }
        seen.wait_for(|count| *count >= requests).await.unwrap();
        keyway.signal(signal).await;
        // Its input is still open.
        let ran = keyway.end().await;
        assert_eq!(ran.code(), Some(code), "{what}: {ran}");
        all_are_interrupted(&ran, requests, what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_lets_messages_that_wait_a_little_come_to_their_end() {
    let api =
        Mock::api(|seen| async move { if seen.nth == 0 { throttled("1") } else { reply(200, &json!({})) } }).await;
    let home = Home::new();
    let mut keyway = run(&home, &api).args(["-vv", "--log-format", "json", "--keep-order"]).start();
    for _ in 0..4 {
        keyway.write(LINE).await;
    }
    keyway.told("gate_closed").await;
    keyway.signal("TERM").await;
    keyway.told("stopping").await;
    let ran = keyway.end().await;
    assert_eq!(ran.code(), Some(143), "{ran}");
    let outcomes = ran.outcomes();
    assert!(!outcomes.is_empty() && outcomes.iter().all(|outcome| outcome["status"] == 200), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_stops_whatever_is_waited_for() {
    for what in ["in flight", "gate", "limit", "backing off", "token"] {
        let (home, (api, mut seen)) = (Home::new(), keeping(what).await);
        let args = ["--retry-delay-ms", "9000", "--max-wait-ms", "10000", "--on-limit", "wait"];
        let mut keyway = run(&home, &api).args(args).start();
        keyway.write(LINE).await;
        seen.wait_for(|count| *count >= 1).await.unwrap();
        keyway.signal("INT").await;
        keyway.told("stopping").await;
        keyway.signal("TERM").await;
        assert_eq!(keyway.end().await.code(), Some(143), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_right_behind_the_first_counts() {
    let (api, mut seen) = keeping("in flight").await;
    let mut lost = 0;
    for n in 1..=4 {
        let home = Home::new();
        let mut keyway = run(&home, &api).args(["--drain-timeout-ms", "4000"]).start();
        keyway.write(LINE).await;
        seen.wait_for(|count| *count >= n).await.unwrap();
        let both = format!("kill -TERM {pid}; kill -INT {pid}", pid = keyway.pid());
        assert!(Command::new("sh").args(["-c", &both]).status().await.unwrap().success());
        let ran = keyway.end().await;
        assert!(matches!(ran.code(), Some(130 | 143)), "{ran}");
        // An impatient person does not wait for the message to be interrupted.
        lost += u32::from(ran.stdout.starts_with(b"{"));
    }
    assert_eq!(lost, 0, "the second of two signals was not heard, {lost} times of 4");
}

// --- inputs

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_through_a_named_pipe() {
    let (home, api) = (Home::new(), willing().await);
    let made = Command::new("mkfifo").arg(home.file("pipe")).status().await;
    assert!(made.expect("this system has mkfifo").success());
    let mut keyway = run(&home, &api).args(["--input", "pipe"]).start();
    let mut pipe = tokio::fs::File::options().write(true).open(home.file("pipe")).await.unwrap();
    for n in 1..=3 {
        pipe.write_all(format!("{LINE}\n").as_bytes()).await.unwrap();
        pipe.flush().await.unwrap();
        // As from standard input, each is answered when it comes.
        assert_eq!(keyway.read().await["line"], n);
    }
    drop(pipe);
    let ran = keyway.end().await.succeeded();
    assert_eq!(summary(&ran.stderr)["messages"], 3);

    // A signal ends a run that waits for more.
    let mut keyway = run(&home, &api).args(["--input", "pipe"]).start();
    let mut pipe = tokio::fs::File::options().write(true).open(home.file("pipe")).await.unwrap();
    pipe.write_all(format!("{LINE}\n").as_bytes()).await.unwrap();
    pipe.flush().await.unwrap();
    keyway.read().await;
    keyway.signal("TERM").await;
    assert_eq!(keyway.end().await.code(), Some(143));

    // It cannot be read twice, and so cannot be gone on with.
    let resumed = run(&home, &api).args(["--input", "pipe", "--checkpoint", "state"]).start();
    let pipe = tokio::fs::File::options().write(true).open(home.file("pipe")).await.unwrap();
    resumed.end().await.refused(2, &["cannot be resumed", "--checkpoint"]);
    drop(pipe);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_run_that_waits_for_a_pipe_to_be_opened() {
    let (home, api) = (Home::new(), willing().await);
    let made = Command::new("mkfifo").arg(home.file("pipe")).status().await;
    assert!(made.expect("this system has mkfifo").success());
    for (signal, number) in [("TERM", 15), ("INT", 2)] {
        let keyway = run(&home, &api).args(["--input", "pipe"]).start();
        // Wherever it is by now: it is not to be kept by a pipe that nobody opens.
        let stat = format!("/proc/{}/stat", keyway.pid());
        while !fs::read_to_string(&stat).unwrap().contains("(keyway)") {
            tokio::task::yield_now().await;
        }
        keyway.signal(signal).await;
        let ran = keyway.end().await;
        let ended = ran.code() == Some(128 + number) || ran.status.signal() == Some(number);
        assert!(ended && ran.stdout.is_empty(), "{ran}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_or_empty_input_is_no_line() {
    let (home, api) = (Home::new(), willing().await);
    let closed = run(&home, &api).through(["sh", "-c", "exec \"$@\" <&-", "sh"]).run("").await.succeeded();
    let nothing = run(&home, &api).args(["--input", "/dev/null"]).run("").await.succeeded();
    home.write("empty", "");
    let empty = run(&home, &api).args(["--input", "empty"]).run("").await.succeeded();
    for ran in [closed, nothing, empty] {
        assert!(ran.stdout.is_empty(), "{ran}");
        assert_eq!(summary(&ran.stderr)["messages"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_can_be_standard_input() {
    let (home, api) = (Home::new(), willing().await);
    let file = File::open(home.write("in", lines(3))).unwrap();
    let keyway = run(&home, &api).stdin(Stdio::from(file)).start();
    assert_eq!(line_numbers(&keyway.end().await.succeeded().outcomes()), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_breaks_off_is_named() {
    let (home, api) = (Home::new(), willing().await);
    fs::create_dir(home.file("folder")).unwrap();
    let ran = run(&home, &api).args(["--input", "folder"]).run("").await;
    assert!(ran.stderr.contains("`folder` cannot be read"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_cannot_be_read_is_told() {
    let (home, api) = (Home::new(), willing().await);
    fs::create_dir(home.file("folder")).unwrap();
    let ran = run(&home, &api).args(["--input", "folder"]).run("").await;
    assert_eq!(ran.code(), Some(2), "{ran}");
    assert!(ran.stderr.contains("cannot be read") && ran.stdout.is_empty(), "{ran}");
    set_mode(home.write("secret", lines(1)), 0o000);
    let ran = bound_by_permissions(run(&home, &api).args(["--input", "secret"])).run("").await;
    ran.refused(2, &["`secret` cannot be read"]);
    // As standard input it is as bad.
    let folder = File::open(home.file("folder")).unwrap();
    let ran = run(&home, &api).stdin(Stdio::from(folder)).start().end().await;
    assert_eq!(ran.code(), Some(2), "{ran}");
    assert_eq!(api.count("/api/x"), 0);
}

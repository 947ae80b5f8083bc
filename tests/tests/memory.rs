//! Memory stays within what ARCHITECTURE.md says: slots × (line limit + 1 MiB) + the body budget + one body, over what an
//! idle process has. Whatever servers send, and whether anybody reads the results.

#![cfg(target_os = "linux")]

mod support;

use std::{convert::Infallible, process::Stdio, sync::LazyLock, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use keyway_tests::{
    acme::{account, acme, host_with},
    lines,
    measured::memory,
    mock::{Mock, Seen, labelled, reply},
    retries,
};
use serde_json::{Value, json};
use support::{Home, Keyway, gzip};
use tokio::{io::AsyncWriteExt, process::Command};

const MIB: u64 = 1 << 20;
/// What an allocator keeps, and what runs beside: threads, connections, buffers of the kernel's choosing.
const SLACK: u64 = 48 * MIB;
/// The budget of bodies that the command has.
const BUDGET: u64 = 256 * MIB;
const LONGEST_LINE: u64 = 64 << 10;

/// What the formula allows, in bytes, over an idle process.
fn formula(concurrency: u64, line: u64, budget: u64, body: u64) -> u64 {
    let slots = if concurrency == 1 { 1 } else { 4 * concurrency };
    slots * (line + MIB) + budget + body
}

/// A body of so many bytes, MiB by MiB.
fn pieces(byte: u8, bytes: usize) -> Body {
    const PIECE: usize = 1 << 20;
    let piece = Bytes::from(vec![byte; PIECE]);
    Body::from_stream(stream::iter((0..bytes / PIECE).map(move |_| Ok::<_, Infallible>(piece.clone()))))
}

/// An API of large answers: `/N` is a body of `N` MiB that says so, `/unsaid/N` one that does not, `/zeros/N` one of zeros,
/// `/endless` one without an end, `/bomb` 64 MiB of zeros in gzip, `/nested` the same in gzip once more.
async fn large(seen: Seen) -> Response {
    static BOMB: LazyLock<Bytes> = LazyLock::new(|| gzip::of_zeros(64 << 20).into());
    static NESTED: LazyLock<Bytes> = LazyLock::new(|| gzip::of(&BOMB).into());
    let (path, number) = seen.path.trim_start_matches("/api/").rsplit_once('/').unwrap_or_default();
    let bytes = number.parse().map_or(0, |mib: usize| mib << 20);
    let zipped = |body: &Bytes, encoding: &str| {
        let mut answer = labelled(200, "text/plain", body.clone());
        answer.headers_mut().insert("content-encoding", encoding.parse().unwrap());
        answer
    };
    match path {
        "unsaid" => labelled(200, "text/plain", pieces(b'x', bytes)),
        "endless" => labelled(200, "text/plain", pieces(b'x', usize::MAX)),
        "bomb" => zipped(&BOMB, "gzip"),
        "nested" => zipped(&NESTED, "gzip, gzip"),
        _ => {
            let mut answer = labelled(200, "text/plain", pieces(if path == "zeros" { 0 } else { b'x' }, bytes));
            answer.headers_mut().insert("content-length", bytes.into());
            answer
        }
    }
}

// --- the library, with a small budget, in a process of its own

/// What a process of its own is told, and what it says.
const TOLD: &str = "KEYWAY_TEST_OWN_PROCESS";

/// Not a test but what tests run in a process of its own, where nobody else's memory is counted.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the tests of this file start it"]
async fn a_process_of_its_own() {
    let told: Value = support::json(&std::env::var(TOLD).expect("it is told what to do"));
    let number = |name: &str| told[name].as_u64().unwrap();
    let host = host_with(&acme(told["url"].as_str().unwrap()), |builder| {
        let builder = builder.body_budget_bytes(number("budget")).max_body_bytes(number("body"));
        builder.concurrency(number("concurrency") as usize).retry(retries(0))
    });
    host.connect(account()).unwrap();
    let line = json!({"method": "GET", "url": told["path"]}).to_string();
    let input = lines((0..number("messages")).map(|_| line.as_str()));
    let mut outcomes = host.run(stream::iter(input));
    let (mut good, mut codes, mut longest) = (0, Vec::new(), 0);
    while let Some(outcome) = outcomes.next().await {
        match &outcome.result {
            Ok(answer) => {
                good += 1;
                longest = longest.max(answer.bytes().len());
            }
            Err(failure) => codes.push(failure.code.as_str()),
        }
    }
    codes.dedup();
    let peak = memory("self", "VmHWM");
    println!("{}", json!({"peak": peak, "good": good, "codes": codes, "longest": longest}));
}

const SMALL: u64 = 8 * MIB;

/// Runs messages in a process of their own, with a budget for one large body, and gives what it says.
async fn in_its_own_process(path: &str, concurrency: u64, messages: u64, body: u64) -> Value {
    let api = Mock::api(large).await;
    let told = json!({
        "url": api.url, "path": path, "messages": messages, "concurrency": concurrency, "budget": body, "body": body
    });
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "a_process_of_its_own", "--nocapture"]).env(TOLD, told.to_string());
    let ran = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let ran = tokio::time::timeout(Duration::from_secs(60), ran).await.expect("it ends").unwrap();
    let text = String::from_utf8_lossy(&ran.stdout);
    let said = text.lines().find_map(|line| line.find("{\"peak\"").map(|at| line[at..].to_owned()));
    support::json(&said.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&ran.stderr))))
}

/// Runs messages, of which all come to this end, and holds the memory that they took against the formula.
async fn is_within(path: &str, concurrency: u64, messages: u64, body: u64, end: Option<&str>) -> Value {
    let idle = in_its_own_process("/x/0", 4, 4, body).await["peak"].as_u64().unwrap();
    let said = in_its_own_process(path, concurrency, messages, body).await;
    let good = if end.is_none() { messages } else { 0 };
    assert_eq!((&said["good"], &said["codes"]), (&json!(good), &json!(Vec::from_iter(end))), "{path}: {said}");
    let over = said["peak"].as_u64().unwrap().saturating_sub(idle) / MIB;
    let allowed = (formula(concurrency, 0, body, body) + SLACK) / MIB;
    println!("{path}: {over} MiB over an idle process, {allowed} MiB are allowed");
    assert!(over <= allowed, "{path}: {over} MiB over an idle process, {allowed} MiB are allowed");
    said
}

// Where 64 are under way and 256 taken in, bodies without a budget would take 512 MiB and more.

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_announce_their_length_share_the_budget() {
    is_within("/x/8", 64, 160, SMALL, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_do_not_share_it_too() {
    is_within("/unsaid/8", 64, 160, SMALL, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_without_an_end_are_cut_off_at_the_limit() {
    is_within("/endless/0", 64, 160, SMALL, Some("response_too_large")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_counts_as_what_it_becomes() {
    is_within("/bomb/0", 32, 16, SMALL, Some("response_too_large")).await;
    // What is in gzip twice is opened once at most.
    let said = is_within("/nested/0", 32, 16, SMALL, None).await;
    assert!(said["longest"].as_u64().unwrap() < MIB, "{said}");
}

// --- the command

fn run(home: &Home, api: &Mock) -> Keyway {
    home.write("acme.json", acme(&api.url).to_string());
    let account = [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret")];
    let command = home.keyway(["run", "./acme.json", "--token-store", "memory", "--retry-count", "0"]);
    command.args(["--max-line-bytes", &LONGEST_LINE.to_string()]).envs(account)
}

/// The most memory of a run of so many messages at once, in bytes.
async fn peak_of(home: &Home, api: &Mock, path: &str, messages: usize) -> u64 {
    let mut keyway = run(home, api).args(["--concurrency", "8"]).start();
    for _ in 0..messages {
        keyway.write(&json!({"method": "GET", "url": path}).to_string()).await;
    }
    for _ in 0..messages {
        keyway.read_length().await;
    }
    // Open input keeps it alive until it was measured.
    let peak = keyway.peak_memory_kib() << 10;
    keyway.close_stdin();
    keyway.end().await.succeeded();
    peak
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "half a gigabyte takes minutes in a debug build; run it with KEYWAY_TEST_BINARY"]
async fn a_run_of_large_bodies_keeps_to_the_formula() {
    let (home, api) = (Home::new(), Mock::api(large).await);
    let idle = peak_of(&home, &api, "/x/0", 1).await;
    // Eight bodies of 64 MiB at once would be 512 MiB.
    let over = peak_of(&home, &api, "/x/64", 8).await.saturating_sub(idle) / MIB;
    let allowed = (formula(8, LONGEST_LINE, BUDGET, 64 * MIB) + SLACK) / MIB;
    println!("{over} MiB over an idle process, {allowed} MiB are allowed");
    assert!(over <= allowed, "{over} MiB over an idle process, {allowed} MiB are allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_control_characters_takes_no_more_than_another() {
    let (home, api) = (Home::new(), Mock::api(large).await);
    let plain = peak_of(&home, &api, "/x/16", 1).await;
    // Zeros are text, and each of them is six bytes of JSON.
    let zeros = peak_of(&home, &api, "/zeros/16", 1).await;
    let over = zeros.saturating_sub(plain) / MIB;
    println!("{over} MiB more");
    assert!(over <= 16, "{over} MiB more than a body of letters");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_the_results_is_not_written_for() {
    const BODY: usize = 32 << 10;
    for order in [&[][..], &["--keep-order"]] {
        let api = Mock::api(|_| async { reply(200, &json!("y".repeat(BODY))) }).await;
        let home = Home::new();
        let mut keyway = run(&home, &api).args(["--concurrency", "4"]).args(order.iter().copied()).start();
        let mut stdin = keyway.take_stdin();
        let line = json!({"method": "GET", "url": "/x", "passthrough": "z".repeat(BODY)}).to_string() + "\n";
        let mut taken = 0;
        // Its input is taken until its output finds no place, and then no more.
        while let Ok(written) = tokio::time::timeout(Duration::from_secs(2), stdin.write_all(line.as_bytes())).await {
            written.expect("it reads");
            taken += 1;
            assert!(taken < 1000, "it reads on though nobody reads its results");
        }
        // 16 slots, 64 lines read ahead, and what lies in buffers and pipes.
        assert!(taken <= 16 + 64 + 30, "{taken} lines were taken");
        let peak = keyway.peak_memory_kib() >> 10;
        assert!(peak < 150, "{peak} MiB for {taken} lines");
        // When somebody reads it goes on, and nothing was lost.
        let writing = tokio::spawn(async move {
            // The line that was begun is no message any more, but it is one line.
            let _ = stdin.write_all(b"\n").await;
        });
        for _ in 0..=taken {
            keyway.read().await;
        }
        writing.await.unwrap();
        assert!(keyway.end().await.stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_pauses_takes_no_thread() {
    let api = Mock::api(|_| async { reply(200, &json!("y".repeat(2048))) }).await;
    let home = Home::new();
    let mut keyway = run(&home, &api).args(["--concurrency", "4"]).start();
    let line = json!({"method": "GET", "url": "/x"}).to_string();
    keyway.write(&line).await;
    keyway.read().await;
    let before = keyway.threads();
    let mut stdin = keyway.take_stdin();
    let (line, mut written) = (line + "\n", 0);
    while let Ok(taken) = tokio::time::timeout(Duration::from_secs(1), stdin.write_all(line.as_bytes())).await {
        taken.expect("it reads");
        written += 1;
        assert!(written < 10_000, "it reads on though nobody reads its results");
    }
    // Each would keep memory of its own for as long as the run lasts.
    assert!(keyway.threads() <= before, "{} threads, {before} before", keyway.threads());
    let writing = tokio::spawn(async move { _ = stdin.write_all(b"\n").await });
    for _ in 0..=written {
        keyway.read().await;
    }
    writing.await.unwrap();
    assert!(keyway.end().await.stdout.is_empty());
}

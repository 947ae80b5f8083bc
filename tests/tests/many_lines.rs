//! Many lines, some of them bad, an API that fails at random, and a process that is killed again and again: in the end
//! every line has exactly one result.
//!
//! `KEYWAY_TEST_LINES`, `KEYWAY_TEST_KILLS` and `KEYWAY_TEST_SEED` make it larger or another one; CONTRIBUTING.md says how.

mod support;

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    time::{Duration, Instant},
};

use keyway_tests::{acme::acme, measured::setting};
use serde_json::{Value, json};
use support::{
    Home, Keyway,
    flaky::{Flaky, Random},
};

const LONGEST_LINE: usize = 2000;

/// What a line of the input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Good,
    Garbage,
    NotUtf8,
    TooLong,
    UnknownMember,
}

impl Kind {
    /// Each twentieth line is bad.
    fn of(line: u64) -> Self {
        match (line % 20, line / 20 % 4) {
            (1.., _) => Self::Good,
            (_, 0) => Self::Garbage,
            (_, 1) => Self::NotUtf8,
            (_, 2) => Self::TooLong,
            _ => Self::UnknownMember,
        }
    }

    fn text(self, line: u64) -> Vec<u8> {
        let message = json!({
            "method": "POST", "url": format!("/item/{line}"), "id": line,
            "idempotency_key": format!("key-{line}"), "body": {"n": line}
        });
        match self {
            Self::Good => message.to_string().into_bytes(),
            Self::Garbage => format!("garbage {line}").into_bytes(),
            Self::NotUtf8 => {
                [b"{\"method\":\"GET\",\"url\":\"/\xff\xfe\",\"id\":", line.to_string().as_bytes(), b"}"].concat()
            }
            Self::TooLong => format!(r#"{{"id":{line},"text":"{}"}}"#, "x".repeat(LONGEST_LINE)).into_bytes(),
            Self::UnknownMember => {
                let mut message = message;
                message["data"] = json!(1);
                message.to_string().into_bytes()
            }
        }
    }

    /// Whether a line of this kind can be read far enough to know its id.
    fn keeps_its_id(self) -> bool {
        matches!(self, Self::Good | Self::UnknownMember)
    }
}

/// What a run has left behind, counted while its output is read.
#[derive(Debug, Default)]
struct Counted {
    results: u64,
    succeeded: u64,
}

fn write_input(home: &Home, lines: u64) {
    let mut input = BufWriter::new(File::create(home.file("in")).unwrap());
    for line in 1..=lines {
        input.write_all(&Kind::of(line).text(line)).unwrap();
        input.write_all(b"\n").unwrap();
    }
    input.flush().unwrap();
}

fn run(home: &Home) -> Keyway {
    let files = ["--input", "in", "--output", "out", "--checkpoint", "state", "--summary", "json"];
    let most = LONGEST_LINE.to_string();
    let command = home.keyway(["run", "./acme.json", "--concurrency", "32", "--max-line-bytes", &most]).args(files);
    command.envs([("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret")])
}

/// Reads the output: every line of the input has one result, which is of its line.
fn count(home: &Home, lines: u64) -> Counted {
    let mut answered = vec![false; lines as usize + 1];
    let mut counted = Counted::default();
    for text in BufReader::new(File::open(home.file("out")).unwrap()).lines() {
        let result: Value = support::json(&text.unwrap());
        let line = result["line"].as_u64().unwrap();
        let kind = Kind::of(line);
        assert!(!std::mem::replace(&mut answered[line as usize], true), "line {line} has two results");
        let id = if kind.keeps_its_id() { json!(line) } else { Value::Null };
        assert_eq!(result["id"], id, "the result is of its line: {result}");
        match kind {
            Kind::Good => assert_eq!((&result["status"], result.get("error")), (&json!(200), None), "{result}"),
            _ => assert_eq!(result["error"]["code"], "invalid_message", "{result}"),
        }
        counted.results += 1;
        counted.succeeded += u64::from(kind == Kind::Good);
    }
    let missing = answered.iter().skip(1).position(|answered| !answered);
    assert_eq!(missing.map(|at| at + 1), None, "a line has no result");
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn many_lines_have_one_result_each_whatever_fails_and_however_often_it_is_killed() {
    let (lines, kills) = (setting("KEYWAY_TEST_LINES", 6_000), setting("KEYWAY_TEST_KILLS", 6));
    let seed = setting("KEYWAY_TEST_SEED", 1);
    let (home, begun, mut random) = (Home::new(), Instant::now(), Random::new(seed));
    let api = Flaky::start(lines, seed).await;
    let mut component = acme(&api.url);
    component["api"]["idempotency"] = json!({"header": "Idempotency-Key"});
    // One request in seventeen fails: with so many retries no message does.
    component["retry"]["count"] = 12.into();
    home.write("acme.json", component.to_string());
    write_input(&home, lines);

    let (mut killed, mut requests) = (0, api.requests());
    let ended = loop {
        let mut keyway = run(&home).start();
        if killed == kills {
            break keyway;
        }
        // Killed anywhere: now and then before it has sent anything.
        let far_enough = *requests.borrow() + random.below(2 * lines / (kills + 2));
        let far_enough = if random.below(5) == 0 { *requests.borrow() } else { far_enough };
        tokio::select! {
            _ = requests.wait_for(|requests| *requests >= far_enough) => {}
            _ = keyway.ended() => break keyway,
        }
        keyway.kill().await;
        killed += 1;
    };
    let ran = ended.end_within(Duration::from_secs(60 + lines / 200)).await;
    assert_eq!(ran.code(), Some(1), "bad lines fail: {ran}");

    assert_eq!(api.wrong(), [""; 0], "each message carries its own key, however often it is sent");
    let counted = count(&home, lines);
    let (mut sent, mut again) = (0, 0);
    for line in 1..=lines {
        let times = u64::from(api.times(line));
        assert_eq!(times > 0, Kind::of(line) == Kind::Good, "line {line} was sent {times} times");
        sent += times;
        again += u64::from(times > 1);
    }
    let last = support::summary(&ran.stderr);
    assert!(last["messages"].as_u64().unwrap() <= lines);
    println!(
        "{} results, {} of them good, after {killed} kills in {:.1} s; {sent} requests, {} failed on purpose, {again} messages sent more than once; the last run read {} lines",
        counted.results,
        counted.succeeded,
        begun.elapsed().as_secs_f64(),
        api.failed(),
        last["messages"],
    );
    assert_eq!(counted.results, lines);
    assert!(sent > counted.succeeded, "the API failed, and messages were sent again");
}

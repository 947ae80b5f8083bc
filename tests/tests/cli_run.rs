//! `keyway run`: one line in, one line out, whatever the line; order, dead letters, pipes, signals and exit codes.

mod support;

use std::{collections::BTreeSet, fs, fs::File};

use keyway_simulator::{Fault, FaultKind, FaultTarget, Options, Simulator};
use keyway_tests::{
    acme,
    mock::{Mock, reply},
};
use serde_json::{Value, json};
use support::{Home, Keyway, Ran, json as parsed, line_numbers, summary};
use tokio::{io::AsyncWriteExt, sync::watch};

const USER: &str = r#"{"method":"GET","url":"/user"}"#;
/// Longer than the longest line that is read by default.
const LONG: usize = 20 << 20;

/// Podio and Podero with room for any number of calls.
async fn simulator() -> Simulator {
    let options = Options { podio_limit: 1_000_000, ..Options::default() };
    Simulator::start(options).await.expect("loopback has free ports")
}

/// `keyway run podio` against that simulator.
fn podio(home: &Home, simulator: &Simulator) -> Keyway {
    home.keyway(["run", "podio"]).arg(format!("--simulator={}", simulator.urls()[0]))
}

/// `keyway run acme`: a made-up component and its account.
fn acme_run(home: &Home, url: &str) -> Keyway {
    home.write("components/acme.json", acme::acme(url).to_string());
    let account = [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret")];
    home.keyway(["run", "acme", "--components"]).arg(home.file("components")).envs(account)
}

fn user_lines(count: usize) -> String {
    format!("{USER}\n").repeat(count)
}

fn long_message() -> String {
    format!(r#"{{"method":"GET","url":"/user","id":"long","passthrough":"{}"}}"#, "x".repeat(LONG))
}

fn codes(outcomes: &[Value]) -> Vec<&str> {
    outcomes.iter().map(|outcome| outcome["error"]["code"].as_str().unwrap_or("ok")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn podio_answers_without_an_account() {
    let ran = Home::new().keyway(["run", "podio", "--simulator"]).run(format!("{USER}\n")).await.succeeded();
    let outcome = ran.outcome();
    assert_eq!((&outcome["line"], &outcome["status"]), (&json!(1), &json!(200)));
    assert!(outcome["headers"]["content-type"].as_str().is_some_and(|label| label.starts_with("application/json")));
    assert!(outcome["body"]["user_id"].is_u64(), "{outcome}");
    assert!(outcome.get("error").is_none(), "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn podero_answers_without_an_account() {
    let line = "{\"method\":\"GET\",\"url\":\"/org/{org_id}/users\"}\n";
    let ran = Home::new().keyway(["run", "podero", "--simulator"]).run(line).await.succeeded();
    let outcome = ran.outcome();
    assert_eq!((&outcome["line"], &outcome["status"]), (&json!(1), &json!(200)));
    assert!(outcome["headers"].is_object() && outcome["body"][0]["id"].is_string(), "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_routes_itself_to_both() {
    let lines = r#"{"component":"podero","method":"GET","url":"/org/{org_id}/users"}
{"component":"podio","method":"GET","url":"/user"}
{"component":"other","method":"GET","url":"/user"}
"#;
    let ran = Home::new().keyway(["run", "--simulator", "--keep-order"]).run(lines).await;
    let outcomes = ran.outcomes();
    assert_eq!(codes(&outcomes), ["ok", "ok", "unknown_component"], "{ran}");
    assert!(outcomes[0]["body"].is_array() && outcomes[1]["body"]["user_id"].is_u64());
    assert_eq!(ran.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_line_has_one_outcome_in_its_place() {
    let (home, simulator) = (Home::new(), simulator().await);
    let long = long_message();
    let bad: Vec<(&str, &[u8])> = vec![
        ("JSON", b"no json at all"),
        ("JSON", br#"{"method":"GET","url":"/user""#),
        ("object", b"[1,2]"),
        ("object", br#""text""#),
        ("bytes", long.as_bytes()),
        ("`method` must be", br#"{"method":1,"url":"/user"}"#),
        ("`params` must be", br#"{"method":"GET","url":"/user","params":[]}"#),
        ("`body`", br#"{"method":"POST","url":"/user","data":{}}"#),
        ("UTF-8", b"{\"method\":\"GET\",\"url\":\"/\xff\xfe\"}"),
        ("empty", b""),
        ("empty", b"   "),
        ("`url` is missing", br#"{"method":"GET"}"#),
    ];
    let mut input = Vec::new();
    for (_, line) in &bad {
        for line in [line, USER.as_bytes()] {
            input.extend_from_slice(line);
            input.push(b'\n');
        }
    }
    for order in [&["--keep-order"][..], &[]] {
        let ran = podio(&home, &simulator).args(order.iter().copied()).run(input.clone()).await;
        assert_eq!(ran.code(), Some(1), "{ran}");
        let mut outcomes = ran.outcomes();
        if order.is_empty() {
            outcomes.sort_by_key(|outcome| outcome["line"].as_u64());
        }
        assert_eq!(outcomes.len(), bad.len() * 2);
        for (n, ((words, _), pair)) in bad.iter().zip(outcomes.chunks(2)).enumerate() {
            assert_eq!(pair[0]["line"], n * 2 + 1);
            assert_eq!(pair[0]["error"]["code"], "invalid_message", "{}", pair[0]);
            assert_eq!((&pair[0]["attempts"], pair[0].get("status")), (&json!(0), None));
            let message = pair[0]["error"]["message"].as_str().unwrap_or_default();
            assert!(message.contains(words), "`{words}` is not in {message:?}");
            assert_eq!((&pair[1]["line"], &pair[1]["status"]), (&json!(n * 2 + 2), &json!(200)), "{}", pair[1]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_keeps_its_id() {
    let line = "{\"id\":{\"a\":9007199254740993},\"method\":\"GET\",\"url\":\"/user\",\"data\":1}\n";
    let ran = Home::new().keyway(["run", "podio", "--simulator"]).run(line).await;
    assert!(ran.text().contains(r#""id":{"a":9007199254740993}"#), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_without_its_break_counts() {
    let home = Home::new();
    let ran = home.keyway(["run", "podio", "--simulator"]).run(format!("{USER}\n{USER}")).await.succeeded();
    assert_eq!(line_numbers(&ran.outcomes()), [1, 2]);
    let nothing = home.keyway(["run", "podio", "--simulator"]).run("").await.succeeded();
    assert!(nothing.stdout.is_empty(), "no line in, no line out");
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_come_as_they_are_done_or_in_the_order_of_the_input() {
    for (order, wanted) in [(&["--keep-order"][..], [1, 2, 3, 4]), (&[], [2, 3, 4, 1])] {
        let (home, served, release) = (Home::new(), watch::Sender::new(0), watch::Sender::new(false));
        let (tell, released) = (served.clone(), release.clone());
        let api = Mock::api(move |seen| {
            let (tell, mut released) = (tell.clone(), released.subscribe());
            async move {
                if seen.path == "/api/slow" {
                    let _ = released.wait_for(|released| *released).await;
                }
                tell.send_modify(|count| *count += 1);
                reply(200, &json!({}))
            }
        })
        .await;
        let mut keyway = acme_run(&home, &api.url).args(order.iter().copied()).start();
        for name in ["slow", "fast", "fast", "fast"] {
            keyway.write(&format!(r#"{{"method":"GET","url":"/{name}"}}"#)).await;
        }
        served.subscribe().wait_for(|count| *count == 3).await.expect("the fast ones are served");
        let mut found = Vec::new();
        if order.is_empty() {
            for _ in 0..3 {
                found.push(keyway.read().await["line"].as_u64().expect("a line"));
            }
            // The fast ones may overtake each other.
            found.sort_unstable();
        }
        release.send_replace(true);
        keyway.close_stdin();
        let ran = keyway.end().await.succeeded();
        found.extend(ran.outcomes().iter().filter_map(|outcome| outcome["line"].as_u64()));
        assert_eq!(found, wanted, "{order:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_comes_back_once_at_any_concurrency() {
    const LINES: u64 = 2_000;
    let (home, simulator) = (Home::new(), simulator().await);
    for concurrency in [1, 64] {
        simulator.reset_stats();
        let run = podio(&home, &simulator).args(["--concurrency", &concurrency.to_string()]);
        let ran = run.run(user_lines(LINES as usize)).await.succeeded();
        assert_eq!(line_numbers(&ran.outcomes()), (1..=LINES).collect::<Vec<_>>());
        let stats = simulator.stats();
        assert_eq!((stats.api_calls, stats.token_requests), (LINES, 1));
        assert!((1..=concurrency).contains(&stats.most_in_flight), "{} at once", stats.most_in_flight);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_lines_are_put_aside_byte_for_byte_and_can_be_run_again() {
    let (home, simulator) = (Home::new(), simulator().await);
    let long = long_message();
    let bad: Vec<&[u8]> = vec![
        b"{\"method\":\"GET\",\"url\":\"/\xff\xfe\"}",
        br#"  {"id":9007199254740993, "url":"/item/42", "method":"GET"}  "#,
        long.as_bytes(),
        b"no json at all",
        b"",
    ];
    let mut input = format!("{USER}\n").into_bytes();
    let mut wanted = Vec::new();
    for line in &bad {
        input.extend_from_slice(&[line, &b"\n"[..], USER.as_bytes(), b"\n"].concat());
        wanted.extend_from_slice(&[line, &b"\n"[..]].concat());
    }
    let letters = home.file("failed.ndjson");
    let run = |letters: &str| podio(&home, &simulator).args(["--keep-order", "--dead-letter", letters]);
    let ran = run(&letters).run(input).await;
    assert_eq!(ran.code(), Some(1));
    assert_eq!(
        codes(&ran.outcomes()).into_iter().filter(|code| *code != "ok").collect::<Vec<_>>(),
        ["invalid_message", "http_status", "invalid_message", "invalid_message", "invalid_message"]
    );
    assert!(fs::read(&letters).expect("the file is there") == wanted, "byte for byte");

    // Once more: what could not be done is put aside again, and the long line is a good one where it is allowed.
    let again = home.file("again.ndjson");
    let ran = run(&again).args(["--max-line-bytes", "33554432", "--input", &letters]).run("").await;
    assert_eq!(codes(&ran.outcomes()), ["invalid_message", "http_status", "ok", "invalid_message", "invalid_message"]);
    assert_eq!(ran.outcomes()[2]["id"], "long");
    let wanted: Vec<u8> =
        [bad[0], bad[1], bad[3], bad[4]].iter().flat_map(|line| [line, &b"\n"[..]].concat()).collect();
    assert_eq!(fs::read(&again).expect("the file is there"), wanted);

    // A third run appends to what is there.
    let ran = run(&again).run("no json at all\n").await;
    assert_eq!(ran.code(), Some(1));
    assert_eq!(fs::read(&again).expect("the file is there"), [&wanted[..], b"no json at all\n"].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn input_and_output_can_be_files() {
    let (home, simulator) = (Home::new(), simulator().await);
    let (input, output) = (home.write("in.ndjson", user_lines(3)), home.write("out.ndjson", "of another run\n"));
    let files = ["--input", &input, "--output", &output];
    let ran = podio(&home, &simulator).args(files).run("").await.succeeded();
    assert!(ran.stdout.is_empty());
    let results = fs::read_to_string(&output).expect("the results are there");
    assert_eq!(line_numbers(&results.lines().map(parsed).collect::<Vec<_>>()), [1, 2, 3]);

    let missing = home.file("missing.ndjson");
    podio(&home, &simulator).args(["--input", &missing]).run("").await.refused(2, &["missing.ndjson"]);
    let nowhere = home.file("no/folder/out.ndjson");
    podio(&home, &simulator).args(["--output", &nowhere]).run(USER).await.refused(4, &["out.ndjson"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_process_uses_the_pipe_as_request_and_response() {
    let (home, simulator) = (Home::new(), simulator().await);
    for order in [&[][..], &["--keep-order"]] {
        let mut keyway = podio(&home, &simulator).args(order.iter().copied()).start();
        for n in 1..=5 {
            keyway.write(&format!(r#"{{"id":"call {n}","method":"GET","url":"/user"}}"#)).await;
            let outcome = keyway.read().await;
            assert_eq!((&outcome["id"], &outcome["line"]), (&json!(format!("call {n}")), &json!(n)));
            assert_eq!(outcome["status"], 200);
        }
        keyway.close_stdin();
        assert!(keyway.end().await.succeeded().stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_the_run_in_peace() {
    const LINES: usize = 20_000;
    let (home, simulator) = (Home::new(), simulator().await);
    let input = home.write("in.ndjson", user_lines(LINES));
    let mut keyway = podio(&home, &simulator).args(["--input", &input]).start();
    keyway.read().await;
    keyway.close_stdout();
    let ran = keyway.end().await.succeeded();
    assert!(!ran.stderr.contains("panic") && !ran.stderr.contains("error:"), "{ran}");
    assert!(simulator.stats().api_calls < LINES as u64, "it stops reading");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_lets_what_is_under_way_come_to_its_end() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let (home, arrived, release) = (Home::new(), watch::Sender::new(false), watch::Sender::new(false));
        let (tell, released) = (arrived.clone(), release.clone());
        let api = Mock::api(move |_| {
            tell.send_replace(true);
            let mut released = released.subscribe();
            async move {
                let _ = released.wait_for(|released| *released).await;
                reply(200, &json!({"done": true}))
            }
        })
        .await;
        let mut keyway = acme_run(&home, &api.url).start();
        keyway.write(USER).await;
        arrived.subscribe().wait_for(|arrived| *arrived).await.expect("the request arrives");
        keyway.signal(signal).await;
        keyway.told("stopping").await;
        release.send_replace(true);
        // Its input is still open.
        let ran = keyway.end().await;
        assert_eq!(ran.code(), Some(code), "{ran}");
        assert_eq!(ran.outcome()["body"]["done"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_in_time_is_interrupted_with_an_outcome() {
    let (home, arrived) = (Home::new(), watch::Sender::new(0));
    let tell = arrived.clone();
    let api = Mock::api(move |_| {
        tell.send_modify(|count| *count += 1);
        std::future::pending()
    })
    .await;
    let letters = home.file("failed.ndjson");
    let run = acme_run(&home, &api.url).args(["--drain-timeout-ms", "50", "--keep-order"]);
    let mut keyway = run.args(["--dead-letter", &letters]).start();
    keyway.write(USER).await;
    keyway.write(r#"{"method":"POST","url":"/user","id":2,"body":{}}"#).await;
    arrived.subscribe().wait_for(|count| *count == 2).await.expect("the requests arrive");
    keyway.signal("TERM").await;
    let ran = keyway.end().await;
    assert_eq!(ran.code(), Some(143), "{ran}");
    let outcomes = ran.outcomes();
    assert_eq!(codes(&outcomes), ["interrupted", "interrupted"], "{ran}");
    assert_eq!(outcomes[1]["id"], 2);
    let kept = fs::read_to_string(&letters).expect("the file is there");
    assert_eq!(kept.lines().count(), 2, "both can be run again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_process_at_once() {
    let (home, arrived) = (Home::new(), watch::Sender::new(false));
    let tell = arrived.clone();
    let api = Mock::api(move |_| {
        tell.send_replace(true);
        std::future::pending()
    })
    .await;
    let mut keyway = acme_run(&home, &api.url).start();
    keyway.write(USER).await;
    arrived.subscribe().wait_for(|arrived| *arrived).await.expect("the request arrives");
    keyway.signal("TERM").await;
    keyway.told("stopping").await;
    keyway.signal("INT").await;
    assert_eq!(keyway.end().await.code(), Some(130));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_run_that_waits_for_input() {
    let (home, simulator) = (Home::new(), simulator().await);
    let mut keyway = podio(&home, &simulator).start();
    keyway.write(USER).await;
    keyway.read().await;
    keyway.signal("TERM").await;
    assert_eq!(keyway.end().await.code(), Some(143));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn output_that_cannot_be_written_is_exit_4() {
    let (home, simulator) = (Home::new(), simulator().await);
    let full = || File::options().write(true).open("/dev/full").expect("this system has /dev/full");
    let by_pipe = podio(&home, &simulator).stdout(full()).run(user_lines(3)).await;
    by_pipe.refused(4, &["standard output", "cannot be written"]);
    let by_name = podio(&home, &simulator).args(["--output", "/dev/full"]).run(user_lines(3)).await;
    by_name.refused(4, &["/dev/full", "cannot be written"]);
    let letters = podio(&home, &simulator).args(["--dead-letter", "/dev/full"]).run("no json\n").await;
    assert_eq!(letters.code(), Some(4), "{letters}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_2_for_an_unknown_component() {
    let home = Home::new();
    home.keyway(["run", "podi"]).run(USER).await.refused(2, &["podi", "did you mean `podio`?"]);
    home.keyway(["run"]).run(USER).await.refused(2, &["keyway run podio", "--credential"]);
    home.keyway(["run", "podio", "--no-such-flag"]).run(USER).await.refused(2, &["--no-such-flag"]);
    home.keyway(["run", "./nowhere.json"]).run(USER).await.refused(2, &["nowhere.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_2_for_a_credential_file_with_faults_drawn_in_place() {
    let home = Home::new();
    let file = home.write(
        "account.json",
        r#"{
  "keyway": 1,
  "component": "podio",
  "client_ids": "x",
  "grant": "pasword",
  "secrets": { "client_secret": "a-literal" }
}
"#,
    );
    let ran = home.keyway(["run", "podio", "--credential", &file]).run(USER).await;
    // File, line, the key in question, and what to do, for each of them at once.
    ran.refused(2, &["account.json", ":4:", "client_ids", "client_id", "help:", ":6:", "client_secret"]);
    assert!(!ran.stderr.contains("a-literal"), "a secret that stands in the file is not drawn: {ran}");

    let absent = home.file("absent.json");
    home.keyway(["run", "--credential", &absent]).run(USER).await.refused(2, &["absent.json"]);
    let broken = home.write("broken.json", "{\"keyway\": 1,");
    home.keyway(["run", "--credential", &broken]).run(USER).await.refused(2, &["broken.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_2_for_missing_environment_variables_by_their_names() {
    let home = Home::new();
    home.keyway(["run", "podio"]).run(USER).await.refused(2, &["PODIO_CLIENT_ID", "PODIO_CLIENT_SECRET"]);
    let half = home.keyway(["run", "podio"]).env("PODIO_CLIENT_ID", "x");
    half.run(USER).await.refused(2, &["PODIO_CLIENT_SECRET"]);
    let client = [("PODIO_CLIENT_ID", "x"), ("PODIO_CLIENT_SECRET", "y")];
    let no_grant = home.keyway(["run", "podio"]).envs(client).run(USER).await;
    no_grant
        .refused(2, &["PODIO_USERNAME", "PODIO_PASSWORD", "PODIO_APP_ID", "PODIO_APP_TOKEN", "PODIO_REFRESH_TOKEN"]);
    let named = home.keyway(["run", "podio", "--grant", "password"]).envs(client).env("PODIO_USERNAME", "ada");
    named.run(USER).await.refused(2, &["PODIO_PASSWORD"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_2_where_two_grants_are_possible() {
    let account = [
        ("PODIO_CLIENT_ID", "x"),
        ("PODIO_CLIENT_SECRET", "y"),
        ("PODIO_USERNAME", "ada"),
        ("PODIO_PASSWORD", "pass"),
        ("PODIO_APP_ID", "1"),
        ("PODIO_APP_TOKEN", "token"),
    ];
    let ran = Home::new().keyway(["run", "podio"]).envs(account).run(USER).await;
    ran.refused(2, &["password", "app", "PODIO_GRANT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_2_where_an_environment_must_be_named() {
    let home = Home::new();
    let account = [("PODERO_CLIENT_ID", "x"), ("PODERO_CLIENT_SECRET", "y")];
    let ran = home.keyway(["run", "podero"]).envs(account).run(USER).await;
    ran.refused(2, &["production", "sandbox", "--environment", "PODERO_ENVIRONMENT"]);
    let wrong = home.keyway(["run", "podero", "--environment", "staging"]).envs(account).run(USER).await;
    wrong.refused(2, &["staging", "production", "sandbox"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_3_where_a_person_has_to_sign_in() {
    let home = Home::new();
    let account = [("PODIO_CLIENT_ID", "x"), ("PODIO_CLIENT_SECRET", "y"), ("PODIO_GRANT", "authorization_code")];
    let ran = home.keyway(["run", "podio"]).envs(account).run(USER).await;
    ran.refused(3, &["sign in", "keyway login podio"]);
    let request = home.keyway(["request", "podio", "GET", "/user"]).envs(account).run("").await;
    request.refused(3, &["sign in"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_and_the_logs_are_json_for_machines() {
    let (home, simulator) = (Home::new(), simulator().await);
    let mut keyway = podio(&home, &simulator).args(["--summary", "json", "--log-format", "json", "-v"]).start();
    for _ in 0..2 {
        keyway.write(USER).await;
        assert_eq!(keyway.read().await["status"], 200);
    }
    simulator.fault(Fault { fault: FaultKind::TokensDie, on: FaultTarget::Api, count: 1, wait_s: 0, delay_ms: 0 });
    keyway.write(USER).await;
    assert_eq!(keyway.read().await["attempts"], 2);
    keyway.write("no json").await;
    keyway.read().await;
    keyway.close_stdin();
    let ran = keyway.end().await;
    assert_eq!(ran.code(), Some(1));

    let summary = summary(&ran.stderr);
    for (name, count) in [
        ("messages", 4),
        ("succeeded", 3),
        ("failed", 1),
        ("attempts", 4),
        ("token_requests", 2),
        ("token_rejections", 1),
    ] {
        assert_eq!(summary[name], count, "{name} in {summary}");
    }
    assert!(summary["elapsed_ms"].is_u64());
    assert_in_the_future(summary["next_expiry"].as_str().expect("the token has an end"));

    let logs: Vec<Value> = ran.stderr.lines().map(parsed).collect();
    let renewed: Vec<&Value> = logs.iter().filter(|log| log["event"] == "token_renewed").collect();
    let reasons: Vec<&str> = renewed.iter().filter_map(|log| log["reason"].as_str()).collect();
    assert_eq!(reasons, ["missing", "rejected"], "{ran}");
    renewed.iter().for_each(|log| assert_in_the_future(log["expires_at"].as_str().expect("an end")));
}

/// RFC 3339 in UTC sorts as text.
fn assert_in_the_future(time: &str) {
    assert!(time.ends_with('Z') && time > keyway::rfc3339(std::time::SystemTime::now()).as_str(), "{time}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_renewal_is_one_event() {
    let (home, simulator) = (Home::new(), simulator().await);
    let run = podio(&home, &simulator).args(["--summary", "none", "--log-format", "json", "-v", "-c", "32"]);
    let ran = run.run(user_lines(200)).await.succeeded();
    let logs: Vec<Value> = ran.stderr.lines().map(parsed).collect();
    assert_eq!(logs.iter().filter(|log| log["event"] == "token_renewed").count(), 1, "{ran}");
    // Without -v a good run says nothing at all.
    let quiet = podio(&home, &simulator).args(["--summary", "none"]).run(user_lines(3)).await.succeeded();
    assert_eq!(quiet.stderr, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_for_people_is_one_line() {
    let (home, simulator) = (Home::new(), simulator().await);
    let ran: Ran = podio(&home, &simulator).run(user_lines(2)).await.succeeded();
    assert_eq!(ran.stderr.lines().count(), 1);
    for words in ["2 messages", "2 succeeded", "0 failed", "1 token request", "next expiry"] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_grow_with_the_input() {
    /// The most memory of a run over so many lines of 8 KiB each, and the distinct line numbers of its outcomes.
    async fn peak(home: &Home, simulator: &Simulator, lines: usize) -> u64 {
        let line = format!(r#"{{"method":"GET","url":"/user","passthrough":"{}"}}"#, "x".repeat(8 << 10)) + "\n";
        let mut keyway = podio(home, simulator).start();
        let mut stdin = keyway.take_stdin();
        let writing = tokio::spawn(async move {
            for _ in 0..lines {
                stdin.write_all(line.as_bytes()).await.expect("it reads");
            }
            // Open input keeps it alive until it was measured.
            stdin
        });
        let mut seen = BTreeSet::new();
        while seen.len() < lines {
            let mut outcome = keyway.read().await;
            assert_eq!(outcome["status"], 200);
            assert!(seen.insert(outcome["line"].take().as_u64()), "a line came twice");
        }
        let peak = keyway.peak_memory_kib();
        drop(writing.await.expect("all is written"));
        keyway.end().await.succeeded();
        peak
    }
    let (home, simulator) = (Home::new(), simulator().await);
    let few = peak(&home, &simulator, 1_500).await;
    let many = peak(&home, &simulator, 6_000).await;
    assert!(many * 2 < few * 3, "{few} KiB for 1,500 lines, {many} KiB for 6,000");
}

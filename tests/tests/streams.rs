//! Streams: one line in, one outcome out, whatever the line says and whichever account it names.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use keyway::{Host, Incoming, Line, Lines, Message};
use keyway_simulator::{FaultKind, FaultTarget, Options, Simulator};
use keyway_tests::{
    Demo,
    acme::{self, acme},
    api_calls, fault, json, lines,
    mock::{Mock, cut, empty, labelled, reply},
    run, simulated, simulator, written,
};
use serde_json::{Value, json};

/// Lines that are no messages, or messages that cannot be sent, with the code that each gets.
const GARBAGE: &[(&[u8], &str)] = &[
    (b"", "invalid_message"),
    (b"   \t", "invalid_message"),
    (b"hello", "invalid_message"),
    (b"{", "invalid_message"),
    (b"[]", "invalid_message"),
    (b"null", "invalid_message"),
    (b"42", "invalid_message"),
    (b"{}", "invalid_message"),
    (b"\xff\xfe{}", "invalid_message"),
    (b"{\"method\":\"GET\",\"url\":\"/\xc3\x28\"}", "invalid_message"),
    (br#"{"method":"GET","url":"/user"} {"method":"GET","url":"/user"}"#, "invalid_message"),
    (br#"{"method":"GET","url":"/user","data":{}}"#, "invalid_message"),
    (br#"{"method":"GET","url":"/user","Url":"/user"}"#, "invalid_message"),
    (br#"{"method":"GET","url":"/user","url":"/org/"}"#, "invalid_message"),
    (br#"{"method":["GET"],"url":"/user"}"#, "invalid_message"),
    (br#"{"method":"GET","url":7}"#, "invalid_message"),
    (br#"{"method":"GET","url":"/user","headers":{"X":{"y":1}}}"#, "invalid_message"),
    (br#"{"method":"GET","url":"/user","headers":{"X":"a\r\nY: b"}}"#, "invalid_message"),
    (br#"{"method":"GET","url":"/user","accept":[404.5]}"#, "invalid_message"),
    (br#"{"method":"GET","url":"/user","timeout_ms":-1}"#, "invalid_message"),
    (br#"{"method":"PATCH","url":"/user","body":{}}"#, "invalid_message"),
    (br#"{"method":"POST","url":"/task/","body":{},"text":"x"}"#, "invalid_message"),
    (br#"{"method":"GET","url":"/user","component":"podioo"}"#, "unknown_component"),
    (br#"{"method":"GET","url":"/user","credential":"nobody"}"#, "unknown_credential"),
    (br#"{"action":"lookup_itme","params":{}}"#, "unknown_action"),
    (br#"{"action":"lookup_item","params":{"item_id":"x"}}"#, "invalid_params"),
    (br#"{"method":"GET","url":"/item/{id}"}"#, "invalid_params"),
    (br#"{"method":"GET","url":"/../user"}"#, "url_not_allowed"),
];

async fn with_podio(simulator: &Simulator) -> Host {
    let host = simulated(simulator).build().unwrap();
    host.connect(Demo::podio(simulator, "password").credential()).unwrap();
    host
}

fn code(outcome: &Value) -> &str {
    outcome["error"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn every_line_has_its_outcome() {
    let simulator = simulator(Options::default()).await;
    let host = with_podio(&simulator).await;
    // A good line stands between any two bad ones.
    let good: &[u8] = br#"{"method":"GET","url":"/user"}"#;
    let input: Vec<&[u8]> = GARBAGE.iter().flat_map(|(line, _)| [*line, good]).collect();
    let outcomes = run(&host, &input).await;
    assert_eq!(outcomes.len(), input.len());
    for (n, outcome) in outcomes.iter().enumerate() {
        let shown = String::from_utf8_lossy(input[n]);
        let written = json(&written(outcome));
        assert_eq!(written["line"], n as u64 + 1);
        let wanted = if n % 2 == 0 { GARBAGE[n / 2].1 } else { "none" };
        assert_eq!(code(&written), wanted, "{shown}: {written}");
        let mut input_again = Vec::new();
        outcome.input.as_ref().unwrap().write_line(&mut input_again).unwrap();
        assert_eq!(input_again.strip_suffix(b"\n").unwrap(), input[n], "kept byte for byte for a dead-letter file");
    }
    assert_eq!(simulator.stats().api_calls as usize, GARBAGE.len(), "bad lines reach nobody");
}

#[tokio::test]
async fn a_bad_line_keeps_its_id_and_says_what_to_write() {
    let simulator = simulator(Options::default()).await;
    let host = with_podio(&simulator).await;
    let bad = r#"{"id":"order-7","passthrough":{"n":12345678901234567890},"method":"GET","url":"/user","data":1}"#;
    let outcome = written(&run(&host, [bad]).await[0]);
    assert!(outcome.contains(r#""id":"order-7""#) && outcome.contains(r#"{"n":12345678901234567890}"#), "{outcome}");
    assert!(json(&outcome)["error"]["message"].as_str().unwrap().contains("did you mean `body`?"), "{outcome}");
}

#[tokio::test]
async fn lines_are_read_from_bytes_as_they_come() {
    let simulator = simulator(Options::default()).await;
    let host = with_podio(&simulator).await;
    let long = format!(r#"{{"method":"GET","url":"/user","passthrough":"{}"}}"#, "x".repeat(200));
    let input =
        format!("{{\"method\":\"GET\",\"url\":\"/user\"}}\r\n\n{long}\n{{\"method\":\"GET\",\"url\":\"/org/\"}}");
    let read: Vec<Line> = Lines::new(input.as_bytes(), 100).map(|line| line.unwrap()).collect();
    let outcomes: Vec<_> = host.run_in_order(stream::iter(read)).collect().await;
    let codes: Vec<Value> = outcomes.iter().map(|outcome| json(&written(outcome))).collect();
    let codes: Vec<&str> = codes.iter().map(code).collect();
    assert_eq!(codes, ["none", "invalid_message", "invalid_message", "none"], "the last one has no line break");
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_where_it_is_asked_for() {
    let api = Mock::api(|seen| async move {
        // The first ones are the slowest.
        let n: u64 = seen.path.rsplit('/').next().unwrap().parse().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(40u64.saturating_sub(n * 2))).await;
        reply(200, &json!(n))
    })
    .await;
    let (host, _connection) = acme::connected(&acme(&api.url));
    let input: Vec<String> = (0..40).map(|n| format!(r#"{{"id":{n},"method":"GET","url":"/{n}"}}"#)).collect();
    let ordered: Vec<_> = host.run_in_order(stream::iter(lines(&input))).collect().await;
    let numbers: Vec<u64> = ordered.iter().map(|outcome| outcome.line).collect();
    assert_eq!(numbers, Vec::from_iter(1..=40));

    let unordered: Vec<_> = host.run(stream::iter(lines(&input))).collect().await;
    let numbers: BTreeSet<u64> = unordered.iter().map(|outcome| outcome.line).collect();
    assert_eq!((unordered.len(), numbers), (40, BTreeSet::from_iter(1..=40)));
    for outcome in ordered.iter().chain(&unordered) {
        let written = json(&written(outcome));
        assert_eq!((&written["id"], &written["body"]), (&json!(outcome.line - 1), &json!(outcome.line - 1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_in_one_stream_never_mix() {
    let simulator = simulator(Options { podio_limit: 100_000, ..Options::default() }).await;
    let host = simulated(&simulator).concurrency(32).build().unwrap();
    let a = Demo::podio_app(&simulator, "500600", "simulator-app-token").credential().named("a");
    let b = Demo::podio_app(&simulator, "500601", "simulator-app-token-2").credential().named("b");
    let (a, b) = (host.connect(a).unwrap(), host.connect(b).unwrap());
    // Each app may see its own items only.
    let line = |n: usize| match n % 2 {
        0 => r#"{"credential":"a","action":"lookup_item","params":{"item_id":800001}}"#,
        _ => r#"{"credential":"b","method":"GET","url":"/item/{id}","params":{"id":800004}}"#,
    };
    let outcomes = run(&host, (0..1000).map(line)).await;
    assert_eq!(outcomes.len(), 1000);
    for outcome in &outcomes {
        let wanted = if outcome.line % 2 == 1 { 500_600 } else { 500_601 };
        let item: Value = outcome.result.as_ref().unwrap().json().unwrap();
        assert_eq!(item["app"]["app_id"], wanted);
    }
    let mut carried: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for call in api_calls(&simulator) {
        let token = call.header("authorization").unwrap().to_owned();
        carried.entry(call.path).or_default().insert(token);
    }
    for (connection, path) in [(a, "/item/800001"), (b, "/item/800004")] {
        let token = connection.tokens().current().await.unwrap().unwrap();
        let own = format!("OAuth2 {}", token.access_token.expose_secret_text());
        assert_eq!(carried[path], BTreeSet::from([own]), "{path}");
    }
    assert_eq!(simulator.stats().token_requests, 2);
}

#[tokio::test]
async fn with_several_accounts_a_message_names_one() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    host.connect(Demo::podio(&simulator, "password").credential().named("a")).unwrap();
    host.connect(Demo::podio(&simulator, "app").credential().named("b")).unwrap();
    host.connect(Demo::of(&simulator, "podero").credential()).unwrap();
    let input = [
        r#"{"method":"GET","url":"/user"}"#,
        r#"{"component":"podio","method":"GET","url":"/user"}"#,
        r#"{"credential":"a","method":"GET","url":"/user"}"#,
        r#"{"component":"podero","action":"verify"}"#,
        r#"{"component":"podero","credential":"a","method":"GET","url":"/user"}"#,
    ];
    let outcomes: Vec<Value> = run(&host, input).await.iter().map(|outcome| json(&written(outcome))).collect();
    let codes: Vec<&str> = outcomes.iter().map(code).collect();
    assert_eq!(codes, ["unknown_credential", "unknown_credential", "none", "none", "unknown_credential"]);
    let again = Demo::podio(&simulator, "password").credential().named("a");
    assert!(host.connect(again).unwrap_err().to_string().contains("`a`"));
}

#[tokio::test]
async fn messages_of_the_library_and_lines_share_a_stream() {
    let simulator = simulator(Options::default()).await;
    let host = with_podio(&simulator).await;
    let mut input = lines([r#"{"method":"GET","url":"/user"}"#]);
    input.push(Incoming::from(Message::get("/org/")));
    let outcomes: Vec<_> = host.run_in_order(stream::iter(input)).collect().await;
    let statuses: Vec<u16> = outcomes.iter().map(|outcome| outcome.answer().unwrap().status.as_u16()).collect();
    assert_eq!(statuses, [200, 200]);
}

#[tokio::test]
async fn every_outcome_fits_the_published_schema() {
    let schema = jsonschema::validator_for(&serde_json::from_str(keyway::outcome_schema()).unwrap()).unwrap();
    let check = |outcome: &keyway::Outcome| {
        let outcome = json(&written(outcome));
        if let Some(error) = schema.iter_errors(&outcome).next() {
            panic!("{error} at {}: {outcome}", error.instance_path());
        }
        outcome
    };

    // Podio: good, refused, not found, without a body, denied, and all the lines that are no messages.
    let simulator = simulator(Options::default()).await;
    let host = with_podio(&simulator).await;
    simulator.fault(fault(FaultKind::Empty500, FaultTarget::Api, 1));
    let mut input: Vec<&[u8]> = vec![
        br#"{"id":null,"method":"GET","url":"/user"}"#,
        br#"{"id":[1,{"a":2}],"method":"DELETE","url":"/item/800001","passthrough":null}"#,
        br#"{"method":"GET","url":"/item/1"}"#,
        br#"{"method":"GET","url":"/item/1","accept":[404]}"#,
    ];
    input.extend(GARBAGE.iter().map(|(line, _)| *line));
    run(&host, input).await.iter().for_each(|outcome| drop(check(outcome)));

    let denied = simulated(&simulator).build().unwrap();
    denied.connect(Demo::podio(&simulator, "password").set("PODIO_PASSWORD", "wrong").credential()).unwrap();
    let outcome = check(&run(&denied, [r#"{"method":"GET","url":"/user"}"#]).await[0]);
    assert_eq!((&outcome["error"]["oauth"]["error"], code(&outcome)), (&json!("invalid_grant"), "token_denied"));

    // Every kind of body, and what breaks on the wire.
    let api = Mock::api(|seen| async move {
        match seen.path.as_str() {
            "/api/text" => labelled(200, "text/plain", "line\nbreak"),
            "/api/bytes" => labelled(200, "image/png", &b"\xff\xfe"[..]),
            "/api/broken" => labelled(200, "application/json", "{\"a\":"),
            "/api/cut" => cut(),
            "/api/list" => {
                let mut answer = reply(200, &json!([{"a": "\u{2028}"}]));
                answer.headers_mut().append("x-twice", "1".parse().unwrap());
                answer.headers_mut().append("x-twice", "2".parse().unwrap());
                answer
            }
            _ => empty(204),
        }
    })
    .await;
    let (host, _connection) = acme::connected(&acme(&api.url));
    let paths = ["text", "bytes", "broken", "cut", "list", "none"];
    let input = paths.map(|path| format!(r#"{{"method":"GET","url":"/{path}"}}"#));
    let outcomes: Vec<Value> = run(&host, input).await.iter().map(check).collect();
    let codes: Vec<&str> = outcomes.iter().map(code).collect();
    assert_eq!(codes, ["none", "none", "response_invalid", "network", "none", "none"]);
    assert_eq!(outcomes[2]["body"], "{\"a\":", "passed on as it came");
    assert_eq!(outcomes[3]["error"]["history"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn one_at_a_time_is_one_after_another() {
    let simulator = simulator(Options { api_delay_ms: 5, ..Options::default() }).await;
    let host = simulated(&simulator).concurrency(1).build().unwrap();
    host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    let messages = (0..20).map(|n| Message::get("/oauth/scope").query("n", n));
    let outcomes: Vec<keyway::Outcome> = host.run(stream::iter(messages)).collect().await;
    assert!(outcomes.iter().map(|outcome| outcome.line).eq(1..=20));
    let sent: Vec<_> = simulator.stats().calls.iter().filter_map(|call| call.query.clone()).collect();
    assert_eq!(sent, (0..20).map(|n| format!("n={n}")).collect::<Vec<_>>());
}

//! What other connectors for Podio get wrong, each as a test that it is right here.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use keyway::{Code, Message};
use keyway_simulator::{Fault, FaultKind, FaultTarget, Options};
use keyway_tests::{
    Demo,
    acme::{self, acme},
    api_calls, failed, fault, json,
    mock::{Mock, cut, empty, labelled, reply},
    retries, run, run_one, simulated, simulator, token_calls, tokens_die, written,
};
use serde_json::{Value, json};

#[tokio::test]
async fn p1_two_credentials_never_share_a_token() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let first = Demo::podio_app(&simulator, "500600", "simulator-app-token").credential().named("a");
    let second = Demo::podio_app(&simulator, "500601", "simulator-app-token-2").credential().named("b");
    let (a, b) = (host.connect(first).unwrap(), host.connect(second).unwrap());
    let both = (0..20).flat_map(|_| [a.send(Message::get("/app/500600")), b.send(Message::get("/app/500601"))]);
    for answer in join_all(both).await {
        answer.unwrap();
    }
    let mut tokens: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for call in api_calls(&simulator) {
        let token = call.header("authorization").unwrap().to_owned();
        tokens.entry(call.path).or_default().insert(token);
    }
    assert!(tokens.values().all(|tokens| tokens.len() == 1), "one token an account: {tokens:?}");
    assert_ne!(tokens["/app/500600"], tokens["/app/500601"]);
    assert_eq!(simulator.stats().token_requests, 2);
}

#[tokio::test]
async fn p2_no_url_takes_the_token_elsewhere() {
    let thief = Mock::start(|_| async { empty(200) }).await;
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    let foreign = [
        format!("{}/steal", thief.url),
        "https://evil.example.com/user".to_owned(),
        "//evil.example.com/user".to_owned(),
        "https://api.podio.com.evil.example.com/user".to_owned(),
        "https://api.podio.com@evil.example.com/user".to_owned(),
        "https://api.podio.com:8443/user".to_owned(),
        "http://api.podio.com/user".to_owned(),
        "https://podio.com/oauth/authorize".to_owned(),
        "https://api.podio.com/oauth/token/v2".to_owned(),
        "\\\\evil.example.com\\user".to_owned(),
    ];
    for url in foreign {
        let failure = failed(podio.send(Message::get(&url)).await);
        assert_eq!((failure.code, failure.attempts, failure.retryable), (Code::UrlNotAllowed, 0, false), "{url}");
    }
    assert_eq!((thief.count(""), simulator.stats().calls.len()), (0, 0), "nobody was asked for anything");
}

#[tokio::test]
async fn p2_no_redirect_takes_the_token_elsewhere() {
    let thief = Mock::start(|_| async { empty(200) }).await;
    let target = format!("{}/steal", thief.url);
    let api = Mock::api(move |_| {
        let target = target.clone();
        async move {
            let mut answer = empty(302);
            answer.headers_mut().insert("location", target.parse().unwrap());
            answer
        }
    })
    .await;
    let (_host, connection) = acme::connected(&acme(&api.url));
    let answer = connection.send(Message::get("/file/1")).await.unwrap();
    assert_eq!(answer.status, 302, "whoever wrote the message decides what to do with it");
    assert_eq!((thief.count(""), api.count("/api/file/1")), (0, 1));
}

#[tokio::test]
async fn p3_a_parameter_is_one_segment_of_the_path() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    let message = Message::delete("/item/{id}").param("id", "1/../../space/99?silent=true");
    let failure = failed(podio.send(message).await);
    // Encoded it would be one segment, yet some servers decode before they fold: it is not sent at all.
    assert_eq!(failure.code, Code::UrlNotAllowed, "{failure}");
    assert!(api_calls(&simulator).is_empty());
    let plain = Message::get("/item/{id}").param("id", "80 0001?x=1&y#z");
    assert_eq!(failed(podio.send(plain).await).answer.as_ref().unwrap().status, 404);
    assert_eq!(api_calls(&simulator)[0].path, "/item/80%200001%3Fx%3D1%26y%23z");
    assert_eq!(api_calls(&simulator)[0].query, None);
}

#[tokio::test]
async fn p3_a_parameter_never_reaches_another_path() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    for id in ["..", ".", "1/../../space/99?silent=true", "%2e%2e", "1/2", "1?silent=true", "1#", "1\\..\\2", ""] {
        let _ = podio.send(Message::delete("/item/{id}").param("id", id)).await;
    }
    for call in api_calls(&simulator) {
        assert!(call.path.starts_with("/item/") && call.path.matches('/').count() == 2, "{}", call.path);
        assert_eq!(call.query, None, "{}", call.path);
    }
}

#[tokio::test]
async fn p4_podios_420_is_waited_for() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    simulator.fault(Fault { wait_s: 1, ..fault(FaultKind::Throttle, FaultTarget::Api, 1) });
    let begun = Instant::now();
    let answer = podio.send(Message::get("/user")).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.attempts), (200, 2));
    assert!(begun.elapsed() >= Duration::from_secs(1), "the server's wait, not the schedule's 10 ms");
    assert_eq!(simulator.stats().api_throttled, 1);
}

/// The outcome of a message with these retry rules whose first two attempts meet a 500.
async fn p5_outcome(retry: &str) -> Value {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    simulator.fault(fault(FaultKind::Empty500, FaultTarget::Api, 2));
    json(&run_one(&host, format!(r#"{{"method":"GET","url":"/user","retry":{retry}}}"#)).await)
}

#[tokio::test]
async fn p5_absent_retries_inherit_and_zero_means_none() {
    for absent in ["{}", "null", r#"{"count":null,"delay_ms":null}"#] {
        let outcome = p5_outcome(absent).await;
        assert_eq!((&outcome["status"], &outcome["attempts"]), (&json!(200), &json!(3)), "{absent}: {outcome}");
    }
    let outcome = p5_outcome(r#"{"count":0}"#).await;
    assert_eq!((&outcome["status"], &outcome["attempts"]), (&json!(500), &json!(1)));
    assert_eq!((&outcome["error"]["code"], &outcome["error"]["retryable"]), (&json!("http_status"), &json!(true)));
    let outcome = p5_outcome(r#"{"count":1}"#).await;
    assert_eq!((&outcome["status"], &outcome["attempts"]), (&json!(500), &json!(2)), "retries, not attempts");
}

/// A field of a form that was left empty arrives as an empty text.
#[tokio::test]
async fn p5_blank_retries_inherit() {
    let outcome = p5_outcome(r#"{"count":"","delay_ms":"","max_wait_ms":"","max_elapsed_ms":""}"#).await;
    assert_eq!((&outcome["status"], &outcome["attempts"]), (&json!(200), &json!(3)), "{outcome}");
}

#[tokio::test]
async fn p5_a_renewal_uses_up_no_retry() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    podio.send(Message::get("/user")).await.unwrap();
    tokens_die(&simulator);
    let answer = podio.send(Message::get("/user").retry(retries(0))).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.attempts), (200, 2));
}

#[tokio::test]
async fn p6_the_servers_wait_counts() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    simulator.fault(Fault { wait_s: 1, ..fault(FaultKind::Unavailable, FaultTarget::Api, 1) });
    let begun = Instant::now();
    assert_eq!(podio.send(Message::get("/user")).await.unwrap().attempts, 2);
    assert!(begun.elapsed() >= Duration::from_secs(1), "the server's wait, not the schedule's 10 ms");
}

#[tokio::test]
async fn p6_5xx_is_retried_and_nothing_is_slept_after_the_last_attempt() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    for kind in [FaultKind::Empty500, FaultKind::Html502] {
        simulator.fault(fault(kind, FaultTarget::Api, 1));
        assert_eq!(podio.send(Message::get("/user")).await.unwrap().attempts, 2, "{kind:?}");
    }
    simulator.fault(fault(FaultKind::Empty500, FaultTarget::Api, 2));
    let mut retry = retries(1);
    retry.delay_ms = Some(1500);
    let begun = Instant::now();
    let failure = failed(podio.send(Message::get("/user").retry(retry)).await);
    let took = begun.elapsed();
    assert_eq!((failure.code, failure.attempts, failure.history.len()), (Code::HttpStatus, 2, 1));
    assert_eq!((failure.history[0].status, failure.history[0].waited_ms), (Some(500), 1500));
    assert!(took >= Duration::from_millis(1500) && took < Duration::from_millis(3000), "one wait, not two: {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_twenty_messages_share_one_renewal() {
    let simulator = simulator(Options { token_delay_ms: 100, ..Options::default() }).await;
    let host = simulated(&simulator).concurrency(20).build().unwrap();
    let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
    podio.send(Message::get("/user")).await.unwrap();
    tokens_die(&simulator);
    for answer in join_all((0..20).map(|_| podio.send(Message::get("/user")))).await {
        assert_eq!(answer.unwrap().status, 200);
    }
    assert_eq!(simulator.stats().token_requests, 2, "one for the start, one for the renewal");
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_an_api_that_always_refuses_gets_one_renewal() {
    let api = Mock::api(|_| async { reply(401, &json!({"error": "invalid_token"})) }).await;
    let (_host, connection) = acme::connected(&acme(&api.url));
    let failure = failed(connection.send(Message::get("/x")).await);
    assert_eq!((failure.code, failure.attempts, failure.retryable), (Code::TokenDenied, 2, false));
    assert_eq!(failure.answer.as_ref().unwrap().status, 401);
    assert_eq!((api.count("/token"), api.count("/api/x")), (2, 2));
}

#[tokio::test]
async fn p8_an_outage_of_the_token_endpoint_is_survived() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let demo = Demo::podio(&simulator, "password");
    let first = host.connect(demo.credential().named("first")).unwrap();
    simulator.fault(fault(FaultKind::Empty500, FaultTarget::Token, 1));
    assert_eq!(first.send(Message::get("/user")).await.unwrap().status, 200);
    assert_eq!(simulator.stats().token_requests, 2, "retried");

    let second = host.connect(demo.credential().named("second")).unwrap();
    simulator.fault(fault(FaultKind::Empty500, FaultTarget::Token, 6));
    let failure = failed(second.send(Message::get("/user")).await);
    assert_eq!((failure.code, failure.retryable, failure.attempts), (Code::TokenUnavailable, true, 0));
    assert_eq!(failure.oauth.as_ref().unwrap().status, 500);
    assert_eq!(first.send(Message::get("/user")).await.unwrap().status, 200, "the others go on");
}

#[tokio::test]
async fn p8_an_unreadable_secret_is_a_failure() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let demo = Demo::podio(&simulator, "password");
    let gone = demo.clone().without("PODIO_CLIENT_SECRET").set("PODIO_CLIENT_SECRET_FILE", "/nonexistent/secret");
    let broken = host.connect(gone.credential().named("broken")).unwrap();
    let good = host.connect(demo.credential().named("good")).unwrap();
    let failure = failed(broken.send(Message::get("/user")).await);
    assert_eq!(failure.code, Code::TokenUnavailable);
    let named = ["PODIO_CLIENT_SECRET", "/nonexistent/secret"].iter().all(|word| failure.message.contains(word));
    assert!(named, "{}", failure.message);
    assert_eq!(simulator.stats().token_requests, 0);
    assert_eq!(good.send(Message::get("/user")).await.unwrap().status, 200);
}

#[tokio::test]
async fn p9_a_credential_without_secrets_is_refused_at_connect() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    let whole = Demo::podio(&simulator, "password");
    let nothing = keyway::Credential::demo("podio", [("PODIO_GRANT", "password")]);
    let table = [
        (nothing, vec!["PODIO_CLIENT_ID", "PODIO_CLIENT_SECRET", "PODIO_USERNAME", "PODIO_PASSWORD"]),
        (whole.clone().without("PODIO_CLIENT_SECRET").credential(), vec!["PODIO_CLIENT_SECRET"]),
        (whole.clone().without("PODIO_PASSWORD").credential(), vec!["PODIO_PASSWORD"]),
        (Demo::podio(&simulator, "app").without("PODIO_APP_TOKEN").credential(), vec!["PODIO_APP_TOKEN"]),
    ];
    for (credential, missing) in table {
        let text = host.connect(credential).unwrap_err().to_string();
        assert!(missing.iter().all(|name| text.contains(name)), "{missing:?} in {text}");
        assert!(!text.contains("simulator-client-secret"), "{text}");
    }
    assert_eq!(simulator.stats().calls.len(), 0);
}

#[tokio::test]
async fn p10_a_post_is_sent_once() {
    let body = json!({"fields": {"title": "New"}});
    for (kind, code) in [
        (FaultKind::Empty500, Code::HttpStatus),
        (FaultKind::Html502, Code::HttpStatus),
        (FaultKind::Drop, Code::Network),
    ] {
        let simulator = simulator(Options::default()).await;
        let host = simulated(&simulator).build().unwrap();
        let podio = host.connect(Demo::podio(&simulator, "password").credential()).unwrap();
        simulator.fault(fault(kind, FaultTarget::Api, 1));
        // Podio honours no key, so giving one changes nothing.
        let message = Message::post("/item/app/500600/").json(&body).unwrap().idempotency_key("k1");
        let failure = failed(podio.send(message).await);
        assert_eq!((failure.code, failure.attempts, failure.retryable), (code, 1, false), "{kind:?}");
        let calls = api_calls(&simulator);
        assert_eq!(calls.len(), 1, "{kind:?}");
        assert!(calls[0].headers.iter().all(|(_, value)| value != "k1"));
    }
}

#[tokio::test]
async fn p10_a_post_with_a_key_is_repeated_where_the_server_honours_it() {
    let api = Mock::api(|seen| async move {
        match seen.nth {
            0 => empty(500),
            1 => cut(),
            _ => reply(201, &json!({"id": 1})),
        }
    })
    .await;
    let mut component = acme(&api.url);
    component["api"]["idempotency"] = json!({"header": "Idempotency-Key"});
    let (_host, connection) = acme::connected(&component);
    let post = || Message::post("/orders").json(&json!({"n": 1})).unwrap();
    let answer = connection.send(post().idempotency_key("k1")).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.attempts), (201, 3));
    let seen = api.seen("/api/orders");
    assert!(seen.iter().all(|request| request.header("idempotency-key") == "k1" && request.text() == r#"{"n":1}"#));
}

#[tokio::test]
async fn p11_bodies_and_headers_come_as_they_are() {
    let api = Mock::api(|seen| async move {
        match seen.path.as_str() {
            "/api/numbers" => labelled(200, "application/json", "{\"z\":9007199254740993,\r\n \"a\":1.10,\"e\":1e400}"),
            "/api/echo" => labelled(200, "application/vnd.acme+json; charset=utf-8", seen.body),
            "/api/binary" => labelled(200, "image/png", &b"\x89\x50\xff\xfe"[..]),
            "/api/text" => labelled(200, "text/plain", r#"{"looks":"like JSON"}"#),
            "/api/cookies" => {
                let mut answer = reply(200, &json!([]));
                for cookie in ["a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "b=2"] {
                    answer.headers_mut().append("set-cookie", cookie.parse().unwrap());
                }
                answer
            }
            _ => empty(204),
        }
    })
    .await;
    let (host, _connection) = acme::connected(&acme(&api.url));
    let get = |path: &str| format!(r#"{{"method":"GET","url":"{path}"}}"#);

    let numbers = run_one(&host, get("/numbers")).await;
    assert!(numbers.contains(r#""body":{"z":9007199254740993,   "a":1.10,"e":1e400}"#), "{numbers}");
    let body = r#"{"id":18446744073709551617,"z":1.0,"a":[1e3]}"#;
    let echo = run_one(&host, format!(r#"{{"method":"POST","url":"/echo","body":{body}}}"#)).await;
    assert!(echo.contains(&format!(r#""body":{body}"#)), "{echo}");
    assert_eq!(api.seen("/api/echo")[0].text(), body);

    let binary = json(&run_one(&host, get("/binary")).await);
    assert_eq!((&binary["body_base64"], binary.get("body")), (&json!("iVD//g=="), None));
    let text = json(&run_one(&host, get("/text")).await);
    assert_eq!(text["body"], r#"{"looks":"like JSON"}"#);
    let cookies = json(&run_one(&host, get("/cookies")).await);
    assert_eq!(cookies["headers"]["set-cookie"], json!(["a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "b=2"]));
    let nothing = json(&run_one(&host, get("/nothing")).await);
    assert_eq!((&nothing["status"], nothing.get("body"), nothing.get("error")), (&json!(204), None, None));
}

#[tokio::test]
async fn p12_methods_headers_and_query_are_the_messages() {
    let api = Mock::api(|_| async { reply(200, &json!({"ok": true})) }).await;
    let (host, _connection) = acme::connected(&acme(&api.url));
    let outcomes = run(
        &host,
        [
            r#"{"method":"patch","url":"/a","body":{"x":1}}"#,
            r#"{"method":"HEAD","url":"/a"}"#,
            r#"{"method":"get","url":"/a?first=1","query":{"q":"a b&c","list":[1,true,"x"],"none":null},"headers":{"X-One":"1","X-Two":["a","b"]}}"#,
            r#"{"method":"GET","url":"/a","headers":{"Authorization":"Bearer mine"}}"#,
        ],
    )
    .await;
    let written: Vec<Value> = outcomes.iter().map(|outcome| json(&written(outcome))).collect();
    assert!(written[..3].iter().all(|outcome| outcome["status"] == 200), "{written:?}");
    assert_eq!(written[1].get("body"), None, "HEAD has none");
    assert_eq!(written[3]["error"]["code"], "invalid_message", "the token's place is the account's");

    let seen = api.seen("/api/a");
    let methods: Vec<&str> = seen.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(BTreeSet::from_iter(methods), BTreeSet::from(["PATCH", "HEAD", "GET"]));
    let get = seen.iter().find(|request| request.method == "GET").unwrap();
    let query: Vec<_> = url::form_urlencoded::parse(get.query.as_bytes()).into_owned().collect();
    let wanted = [("first", "1"), ("q", "a b&c"), ("list", "1"), ("list", "true"), ("list", "x")];
    assert_eq!(query, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(get.header("x-one"), "1");
    assert_eq!(get.headers.get_all("x-two").iter().collect::<Vec<_>>(), ["a", "b"]);
    assert!(get.body.is_empty() && get.headers.get("content-type").is_none());
}

#[tokio::test]
async fn p12_size_and_time_have_limits() {
    let api = Mock::api(|seen| async move {
        match seen.path.as_str() {
            "/api/large" => labelled(200, "application/octet-stream", vec![0; 5000]),
            _ => std::future::pending().await,
        }
    })
    .await;
    let host = acme::host_with(&acme(&api.url), |builder| builder.max_body_bytes(4096).retry(retries(1)));
    let connection = host.connect(acme::account()).unwrap();
    let failure = failed(connection.send(Message::get("/large")).await);
    assert_eq!((failure.code, failure.attempts), (Code::ResponseTooLarge, 1));

    let outcome = json(&run_one(&host, r#"{"method":"GET","url":"/slow","timeout_ms":150}"#).await);
    assert_eq!(outcome["error"]["code"], "timeout");
    assert_eq!((&outcome["attempts"], &outcome["error"]["retryable"]), (&json!(2), &json!(true)));
    let outcome = json(&run_one(&host, r#"{"method":"POST","url":"/slow","timeout_ms":150}"#).await);
    assert_eq!((&outcome["attempts"], &outcome["error"]["retryable"]), (&json!(1), &json!(false)));
}

#[tokio::test]
async fn p13_a_failure_keeps_the_answer_whole() {
    let simulator = simulator(Options::default()).await;
    let host = simulated(&simulator).build().unwrap();
    host.connect(Demo::podio(&simulator, "password").credential().named("mine")).unwrap();
    let outcome = json(&run_one(&host, r#"{"id":{"n":1},"method":"GET","url":"/item/1","passthrough":[1]}"#).await);
    assert_eq!((&outcome["status"], &outcome["error"]["code"]), (&json!(404), &json!("http_status")));
    assert_eq!(outcome["body"]["error"], "not_found");
    assert_eq!(outcome["headers"]["content-type"], "application/json; charset=utf-8");
    let text = outcome["error"]["message"].as_str().unwrap();
    assert!(!text.contains("No item with id"), "the body is data and not the error's text: {text}");
    assert_eq!(outcome["error"]["retryable"], false);
    let request = json!({"method": "GET", "url": "https://api.podio.com/item/1", "credential": "mine"});
    assert_eq!(outcome["request"], request);
    assert_eq!((&outcome["id"], &outcome["passthrough"]), (&json!({"n": 1}), &json!([1])));

    let outcome = json(&run_one(&host, r#"{"method":"GET","url":"/item/1","accept":[404]}"#).await);
    assert_eq!((&outcome["status"], outcome.get("error")), (&json!(404), None));
    assert_eq!(outcome["body"]["error"], "not_found");
    assert_eq!(token_calls(&simulator).len(), 1);
}

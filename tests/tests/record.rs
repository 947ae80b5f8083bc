//! `keyway component record`: what a real API answered becomes a test that needs no API, and no secret is in it.

mod support;

use std::{
    fs,
    sync::{Arc, Mutex},
};

use axum::response::Response;
use http::HeaderValue;
use keyway::{AttemptEnd, Message, Observer, Purpose, WireCall};
use keyway_tests::{
    acme::{self, acme},
    mock::{Mock, Seen, labelled, nobody, reply},
};
use serde_json::{Value, json};
use support::{
    Home, Keyway,
    canary::{self, leak},
    desk::{self, Desk},
    json as parsed, workspace,
};

const ID: &str = "CNRY-client";
const SECRET: &str = "CNRYsecret+/=&% x";

/// A home with the component in `acme/component.json`.
fn home(component: &Value) -> Home {
    let home = Home::new();
    home.write("acme/component.json", component.to_string());
    home
}

fn record(home: &Home, name: &str, more: &[&str]) -> Keyway {
    let keyway = home.keyway(["component", "record", "acme", name]).args(more.iter().copied());
    keyway.env("ACME_CLIENT_ID", ID).env("ACME_CLIENT_SECRET", SECRET)
}

fn recorded(home: &Home, name: &str) -> (String, Value) {
    let text = fs::read_to_string(home.file(&format!("acme/exchanges/{name}.json"))).unwrap();
    let file = parsed(&text);
    (text, file)
}

/// What is recorded holds no secret and replays.
async fn is_a_test(home: &Home, name: &str) -> Value {
    let (text, file) = recorded(home, name);
    assert_eq!(leak(&text), None, "{text}");
    home.keyway(["component", "test", "acme"]).run("").await.succeeded();
    file
}

/// A token answer with secrets of its own.
fn token(nth: usize) -> Value {
    json!({
        "access_token": format!("CNRYaccess-{nth}"), "refresh_token": format!("CNRYrefresh-{nth}"),
        "id_token": format!("CNRYid-{nth}"), "expires_in": 3600, "token_type": "Bearer", "tenant": "north"
    })
}

/// An API that refuses the first token once, and repeats what it is sent.
async fn echoing() -> Mock {
    Mock::start(|seen: Seen| async move {
        match seen.path.as_str() {
            "/token" => reply(200, &token(seen.nth + 1)),
            "/api/me" if seen.nth == 0 => reply(401, &json!({ "error": "expired" })),
            _ => {
                let sent = format!("{} {}", seen.header("authorization"), seen.text());
                let body = json!({ "sent": sent, "mail": "ada@example.org", "password": "CNRYfound", "n": 1.50 });
                let mut answer = reply(200, &body);
                answer.headers_mut().insert("set-cookie", HeaderValue::from_static("session=CNRYcookie"));
                answer.headers_mut().insert("retry-after", HeaderValue::from_static("1"));
                answer
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_a_test_without_a_secret() {
    canary::plant([ID, SECRET]);
    for (method, encoding) in [
        ("client_secret_post", "form"),
        ("client_secret_post", "json"),
        ("client_secret_basic", "form"),
        ("client_secret_basic_raw", "form"),
        ("client_secret_jwt", "form"),
        ("client_secret_post", "query"),
    ] {
        let server = echoing().await;
        let mut component = acme(&server.url);
        component["oauth2"]["token_endpoint_auth_method"] = json!(method);
        component["oauth2"]["token_request"] = json!({ "encoding": encoding });
        let home = home(&component);
        let messages = "{\"method\":\"GET\",\"url\":\"/me\",\"id\":1}\n\n{\"method\":\"POST\",\"url\":\"/things\",\"body\":{\"a\":[1]}}\n";
        let ran = record(&home, "me", &["--mask", "mail"]).run(messages).await.succeeded();
        assert!(ran.text().ends_with("acme/exchanges/me.json: 5 requests, 2 results\n"), "{ran}");
        let file = is_a_test(&home, "me").await;
        assert_eq!(file["account"], json!({ "grant": "client_credentials" }));
        let exchanges = file["exchanges"].as_array().unwrap();
        assert_eq!(exchanges[3]["request"]["headers"]["authorization"], "Bearer access_token-2", "{method}");
        let answer = json!({ "sent": "Bearer access_token-2 ", "mail": "***", "password": "***", "n": 1.50 });
        assert_eq!(exchanges[3]["response"]["body"], answer);
        let headers = json!({ "content-type": "application/json", "retry-after": "1" });
        assert_eq!(exchanges[3]["response"]["headers"], headers);
        assert_eq!(file["outcomes"][0], json!({ "id": 1, "status": 200, "body": answer, "attempts": 2 }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_notices_a_component_that_changed() {
    let server = echoing().await;
    let home = home(&acme(&server.url));
    record(&home, "me", &[]).run("{\"method\":\"GET\",\"url\":\"/me\"}\n").await.succeeded();
    let mut changed = acme(&server.url);
    changed["api"]["headers"] = json!({ "Accept": "application/json" });
    changed["oauth2"]["scope"] = json!({ "default": ["all"] });
    changed["token_rejected"] = json!({ "when": [{ "status": 403 }] });
    home.write("acme/component.json", changed.to_string());
    let ran = home.keyway(["component", "test", "acme"]).run("").await;
    assert_eq!(ran.code(), Some(1), "{ran}");
    assert!(ran.text().contains("outcome 1/status is 401; recorded is 200"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_there_stands_in_the_record() {
    let server = echoing().await;
    let mut component = desk::component(&server);
    component["api"] = json!({ "base_url": format!("{}/api", server.url) });
    let desk = Desk::new(&component);
    desk.credential("ada", &desk::signed_in_to(ID));
    desk.keep("ada", desk::token()).await;
    let file = desk.home.file("components/acme.json");
    let args = ["component", "record", &file, "me", "--credential", "ada"];
    let ran = desk
        .bare(&args)
        .env("SECRET_OF_MINE", SECRET)
        .run("{\"method\":\"GET\",\"url\":\"/things\"}\n")
        .await
        .succeeded();
    assert!(ran.text().contains("1 requests, 1 results"), "{ran}");
    let text = fs::read_to_string(desk.home.file("components/exchanges/me.json")).unwrap();
    assert_eq!(leak(&text), None, "{text}");
    let recorded = parsed(&text);
    assert_eq!(recorded["token"]["access_token"], "access_token-0", "{text}");
    assert_eq!(recorded["exchanges"][0]["request"]["headers"]["authorization"], "Bearer access_token-0");
    desk.bare(&["component", "test", &file]).run("").await.succeeded();
    assert_eq!(server.count("/token"), 0, "neither recording nor replaying got a token");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_told_is_told_again() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims =
        json!({ "org": { "site": "north", "owner": "CNRYowner" }, "email": "CNRYmail", "exp": 4_000_000_000u64 });
    let jwt = format!("{}.{}.CNRYsignature", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#), {
        URL_SAFE_NO_PAD.encode(claims.to_string())
    });
    let server = Mock::start(move |seen: Seen| {
        let jwt = jwt.clone();
        async move {
            match seen.path.as_str() {
                // Some answer with a form.
                "/token" => {
                    let form = format!("access_token={jwt}&scope=all&key=CNRYkey&token_type=bearer");
                    labelled(200, "application/x-www-form-urlencoded", form)
                }
                _ => reply(200, &json!({ "path": seen.path, "key": seen.header("x-key") })),
            }
        }
    })
    .await;
    let mut component = acme(&server.url);
    component["variables"] = json!({
        "site": { "pattern": "[a-z]+", "from": [{ "jwt_claim": { "claim": "/org/site" } }] },
        "key": { "secret": true, "from": [{ "token_response": "/key" }] }
    });
    component["api"]["headers"] = json!({ "X-Key": "{key}" });
    let home = home(&component);
    record(&home, "site", &[]).run("{\"method\":\"GET\",\"url\":\"/{site}/x\"}\n").await.succeeded();
    let file = is_a_test(&home, "site").await;
    let (text, _) = recorded(&home, "site");
    assert!(!text.contains(&URL_SAFE_NO_PAD.encode(claims.to_string())), "{text}");
    assert_eq!(file["outcomes"][0]["body"], json!({ "path": "/api/north/x", "key": "key" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_and_texts_come_back_as_they_were() {
    let server = Mock::api(|seen: Seen| async move {
        match seen.path.as_str() {
            "/api/bytes" => labelled(200, "image/png", vec![0x89, b'P', 0xff, 0]),
            "/api/text" => labelled(200, "text/plain", "plain"),
            "/api/quoted" => reply(200, &json!("quoted")),
            "/api/empty" => Response::builder().status(204).body(axum::body::Body::empty()).unwrap(),
            _ => reply(500, &json!({ "error": "down" })),
        }
    })
    .await;
    let home = home(&acme(&server.url));
    let paths = ["bytes", "text", "quoted", "empty", "broken"];
    let messages: Vec<String> = paths.map(|path| format!("{{\"method\":\"GET\",\"url\":\"/{path}\"}}")).into();
    record(&home, "all", &["--retry-count", "0"]).run(messages.join("\n")).await.succeeded();
    let (_, file) = recorded(&home, "all");
    let bodies: Vec<&Value> = file["exchanges"].as_array().unwrap().iter().map(|it| &it["response"]).collect();
    assert_eq!(bodies[1]["body_base64"], "iVD/AA==");
    assert_eq!((&bodies[2]["body"], &bodies[3]["body"]), (&json!("plain"), &json!("\"quoted\"")));
    assert_eq!(file["outcomes"][4]["error"], json!({ "code": "http_status", "retryable": true }), "{file:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_where_something_is_wrong() {
    let server = echoing().await;
    let home = home(&acme(&server.url));
    let good = "{\"method\":\"GET\",\"url\":\"/me\"}\n";
    let table: [(&str, &[&str], &str, &[&str]); 5] = [
        ("me", &[], "not json\n", &["line 1 is no message"]),
        ("me", &[], "", &["there is no message"]),
        ("../me", &[], good, &["NAME is no file's name"]),
        ("me", &["--input", "nowhere.ndjson"], good, &["`nowhere.ndjson` cannot be read"]),
        ("me", &["--credential", "nobody"], good, &["nobody"]),
    ];
    for (name, more, input, said) in table {
        record(&home, name, more).run(input).await.refused(2, said);
    }
    record(&home, "me", &[]).run(good).await.succeeded();
    let (before, _) = recorded(&home, "me");
    record(&home, "me", &[]).run(good).await.refused(2, &["exchanges/me.json` is there already"]);
    assert_eq!(recorded(&home, "me").0, before);
    // A request that meets nobody is no exchange.
    home.write("acme/component.json", acme(&nobody().await).to_string());
    record(&home, "gone", &["--retry-count", "0"]).run(good).await.refused(2, &["request 1 met no answer"]);
    assert!(fs::metadata(home.file("acme/exchanges/gone.json")).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_another_each_time_is_said() {
    let server = echoing().await;
    let mut component = acme(&server.url);
    component["api"]["headers"] = json!({ "X-Request": "{uuid}" });
    component["oauth2"]["token_request"] = json!({ "headers": { "X-Request": "{uuid}" } });
    component["api"].as_object_mut().unwrap().remove("headers");
    let home = home(&component);
    let ran = record(&home, "me", &[]).run("{\"method\":\"GET\",\"url\":\"/things\"}\n").await;
    assert_eq!(ran.code(), Some(1), "{ran}");
    assert!(ran.stderr.contains("header `x-request` is") && ran.stderr.contains("Write `***`"), "{ran}");
}

/// What an embedding program measures: purpose, host and path, and whether there was an answer.
#[derive(Clone, Default)]
struct Seeing(Arc<Mutex<Vec<(Purpose, String, bool)>>>);

impl Observer for Seeing {
    fn ended(&self, purpose: Purpose, call: &WireCall, end: &AttemptEnd) {
        let answered = matches!(end, AttemptEnd::Answered(_));
        self.0.lock().unwrap().push((purpose, call.url.path().to_owned(), answered));
    }
}

#[tokio::test]
async fn an_observer_sees_every_request_of_a_host() {
    let server = echoing().await;
    let seeing = Seeing::default();
    let host = acme::host_with(&acme(&server.url), |builder| builder.observer(seeing.clone()));
    let connection = host.connect(acme::account()).unwrap();
    connection.send(Message::get("/me")).await.unwrap();
    let seen = std::mem::take(&mut *seeing.0.lock().unwrap());
    let (token, api) = (Purpose::Token, Purpose::Api);
    let wanted = [(token, "/token"), (api, "/api/me"), (token, "/token"), (api, "/api/me")];
    assert_eq!(seen, wanted.map(|(purpose, path)| (purpose, path.to_owned(), true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_components_are_recorded_from_the_simulator() {
    let home = Home::new();
    for name in ["podio", "podero"] {
        let from = workspace().join("components").join(name);
        for file in ["component.json", "examples/messages.ndjson"] {
            let text = fs::read_to_string(from.join(file)).unwrap();
            home.write(&format!("{name}/{file}"), text);
        }
        let input = format!("{name}/examples/messages.ndjson");
        let args = ["component", "record", name, "examples", "--simulator", "--input", &input];
        home.keyway(args).run("").await.succeeded();
        home.keyway(["component", "test", name]).run("").await.succeeded();
    }
}

//! `keyway request --explain`: the request as it would be sent, and nothing is sent.

mod support;

use keyway_tests::{
    acme::acme,
    mock::{Mock, reply},
};
use serde_json::json;
use support::Home;

/// The canaries of this file.
const SECRET: &str = "canary-client-secret";
const API_KEY: &str = "canary-api-key";

async fn explained(change: impl FnOnce(&mut serde_json::Value), args: &[&str]) -> (Mock, support::Ran) {
    let server = Mock::api(|_| async { reply(200, &json!({})) }).await;
    let mut component = acme(&server.url);
    component["variables"] = json!({"api_key": {"secret": true}});
    component["api"]["headers"] = json!({"x-api-key": "{api_key}", "x-version": "7"});
    change(&mut component);
    let home = Home::new();
    home.write("components/acme.json", component.to_string());
    let account = [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", SECRET), ("ACME_API_KEY", API_KEY)];
    let command = home.keyway(["request", "acme"]).args(args.iter().copied());
    let ran = command.args(["--components", "components", "--explain"]).envs(account).run("").await;
    (server, ran)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_request_is_shown_and_none_is_sent() {
    let args =
        ["POST", "/orders/{id}", "--param", "id=a b/c", "-q", "full=1", "-H", "x-mine=yes", "--body", r#"{"n":1.10}"#];
    let (server, ran) = explained(|_| {}, &args).await;
    let shown = ran.succeeded().text().to_owned();
    let wanted = [
        format!("POST {}/api/orders/a%20b%2Fc?full=1\n", server.url),
        "authorization: Bearer ***\n".to_owned(),
        "x-api-key: ***\n".to_owned(),
        "x-version: 7\n".to_owned(),
        "x-mine: yes\n".to_owned(),
        "content-type: application/json\n".to_owned(),
        "content-length: 10\n".to_owned(),
        "\n{\"n\":1.10}\n".to_owned(),
        "# Retries: 2, after 0.01 s, 0.01 s.\n".to_owned(),
        "never once the server may have done it".to_owned(),
    ];
    for part in wanted {
        assert!(shown.contains(&part), "{part} is not in\n{shown}");
    }
    assert_eq!(server.count(""), 0, "nothing is sent, no token is asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_shown_wherever_it_would_go() {
    let in_query = |component: &mut serde_json::Value| {
        component["api"]["authorization"] = json!({"in": "query", "name": "access_token"});
    };
    let body = format!(r#"{{"echo":"{SECRET}"}}"#);
    let args = ["POST", "/x", "--body", &body, "-H", "cookie=session=canary-cookie", "-vv"];
    let (server, ran) = explained(in_query, &args).await;
    assert!(!ran.stderr.contains("canary"), "{ran}");
    let shown = ran.succeeded().text().to_owned();
    assert!(shown.contains("access_token=***") && shown.contains("cookie: ***"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(server.count(""), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_is_refused() {
    let (server, ran) = explained(|_| {}, &["GET", "https://elsewhere.example/"]).await;
    ran.refused(1, &["url_not_allowed"]);
    assert_eq!(server.count(""), 0);
}

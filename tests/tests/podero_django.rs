//! Podero's component against a real django-oauth-toolkit server: both kinds of bodies, odd characters, short-lived and
//! revoked tokens, refusals.

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{
    Home, Keyway, Ran,
    django::{Django, ODD, ORG_ID, PLAIN},
    summary,
};

const USERS: &str = r#"{"method":"GET","url":"/org/{org_id}/users"}"#;

/// `keyway run` with an account file of this client. Everything of the account but its secret is in the file.
fn run(home: &Home, component: &Value, client: (&str, &str), encoding: Option<&str>) -> Keyway {
    home.write("components/podero-here.json", component.to_string());
    let mut credential = json!({
        "keyway": 1, "component": "podero-here", "environment": "sandbox", "client_id": client.0,
        "variables": {"org_id": ORG_ID}, "secrets": {"client_secret": {"env": "SECRET_OF_MINE"}}
    });
    if let Some(encoding) = encoding {
        credential["oauth2"] = json!({"token_request": {"encoding": encoding}});
    }
    let file = home.write("account.json", credential.to_string());
    let args = ["run", "--summary", "json", "--token-store", "memory", "--credential", &file, "--components"];
    home.keyway(args).arg(home.file("components")).env("SECRET_OF_MINE", client.1)
}

#[track_caller]
fn is_refused(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code(), Some(1), "{ran}");
    let outcome = ran.outcome();
    assert_eq!(outcome["error"]["code"], "token_denied", "{outcome}");
    assert_eq!(outcome["error"]["retryable"], false);
    let message = outcome["error"]["message"].as_str().unwrap_or_default();
    for word in words {
        assert!(message.contains(word), "`{word}` is not in {message:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_the_environment() {
    let (home, server) = (Home::new(), Django::start(&[]));
    home.write("components/podero-here.json", server.component().to_string());
    let account = [
        ("PODERO_HERE_CLIENT_ID", PLAIN.0),
        ("PODERO_HERE_CLIENT_SECRET", PLAIN.1),
        ("PODERO_HERE_ORG_ID", ORG_ID),
        ("PODERO_HERE_ENVIRONMENT", "sandbox"),
    ];
    let keyway = || {
        let run = home.keyway(["run", "podero-here", "--keep-order", "--summary", "json", "--components"]);
        run.arg(home.file("components")).envs(account)
    };
    let lines = [
        USERS,
        r#"{"action":"list_users","params":{"include_deleted":true}}"#,
        r#"{"method":"POST","url":"/org/{org_id}/users","body":{"role":"user","email":"dora@example.org","first_name":"Dóra"}}"#,
    ]
    .join("\n");
    let ran = keyway().run(lines).await.succeeded();
    let outcomes = ran.outcomes();
    let statuses: Vec<&Value> = outcomes.iter().map(|outcome| &outcome["status"]).collect();
    assert_eq!(statuses, [200, 200, 201]);
    assert!(outcomes[0]["body"].as_array().is_some_and(|users| users.len() >= 3), "{}", outcomes[0]);
    assert_eq!(outcomes[2]["body"]["first_name"], "Dóra");
    assert_eq!(summary(&ran.stderr)["token_requests"], 1);

    // The token is kept, and what the API refuses is told as such.
    let stranger = USERS.replace("{org_id}", "00000000-0000-0000-0000-000000000000");
    let ran = keyway().run(stranger).await;
    let outcome = ran.outcome();
    assert_eq!(
        (ran.code(), &outcome["status"], &outcome["error"]["code"]),
        (Some(1), &json!(403), &json!("http_status"))
    );
    assert_eq!(summary(&ran.stderr)["token_requests"], 0, "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_reads_both_bodies() {
    let (home, server) = (Home::new(), Django::start(&[("DOT_BACKEND", "both")]));
    for encoding in [None, Some("json"), Some("form")] {
        let ran = run(&home, &server.component(), PLAIN, encoding).run(USERS).await.succeeded();
        assert!(ran.outcome()["body"].is_array(), "{encoding:?}: {ran}");
    }
    assert_eq!(server.access_tokens().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_reads_json_only() {
    let (home, server) = (Home::new(), Django::start(&[("DOT_BACKEND", "json")]));
    run(&home, &server.component(), PLAIN, None).run(USERS).await.succeeded();
    let ran = run(&home, &server.component(), PLAIN, Some("form")).run(USERS).await;
    is_refused(&ran, &["`form`", "oauth2.token_request.encoding"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_reads_forms_only() {
    let (home, server) = (Home::new(), Django::start(&[("DOT_BACKEND", "form")]));
    run(&home, &server.component(), PLAIN, Some("form")).run(USERS).await.succeeded();
    let ran = run(&home, &server.component(), PLAIN, None).run(USERS).await;
    is_refused(&ran, &["`json`", "oauth2.token_request.encoding"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_characters_in_id_and_secret() {
    let (home, server) = (Home::new(), Django::start(&[]));
    let mut component = server.component();
    for encoding in ["json", "form"] {
        run(&home, &component, ODD, Some(encoding)).run(USERS).await.succeeded();
    }
    // Without the form encoding of RFC 6749 section 2.3.1 this server reads another client and another secret.
    component["oauth2"]["token_endpoint_auth_method"] = json!("client_secret_basic_raw");
    is_refused(&run(&home, &component, ODD, None).run(USERS).await, &["invalid_client", "check client id and secret"]);
    // Where nothing needs encoding, both are the same.
    run(&home, &component, PLAIN, None).run(USERS).await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_live_three_seconds() {
    let (home, server) = (Home::new(), Django::start(&[("TOKEN_TTL", "3")]));
    let mut keyway = run(&home, &server.component(), PLAIN, None).start();
    // Messages all the time, past the end of the first token.
    let (begun, mut messages) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_millis(4_500) {
        keyway.write(USERS).await;
        let outcome = keyway.read().await;
        assert_eq!((&outcome["status"], &outcome["attempts"]), (&json!(200), &json!(1)), "{outcome}");
        messages += 1;
    }
    keyway.close_stdin();
    let ran = keyway.end().await.succeeded();
    let summary = summary(&ran.stderr);
    assert_eq!((&summary["messages"], &summary["token_rejections"]), (&json!(messages), &json!(0)));
    assert_eq!(summary["token_requests"], 2, "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_renewed_once() {
    let (home, server) = (Home::new(), Django::start(&[]));
    let mut keyway = run(&home, &server.component(), PLAIN, None).start();
    keyway.write(USERS).await;
    assert_eq!(keyway.read().await["attempts"], 1);

    let tokens = server.access_tokens();
    server.revoke(&tokens[0], PLAIN).await;
    let refusal = server.get(&format!("/api/partners/v2.0/org/{ORG_ID}/users"), &tokens[0]).await;
    assert!(refusal.status == 401 && refusal.header("www-authenticate").is_empty(), "{refusal}");

    keyway.write(USERS).await;
    let outcome = keyway.read().await;
    assert_eq!((&outcome["status"], &outcome["attempts"]), (&json!(200), &json!(2)), "{outcome}");
    keyway.write(USERS).await;
    assert_eq!(keyway.read().await["attempts"], 1);
    keyway.close_stdin();
    let summary = summary(&keyway.end().await.succeeded().stderr);
    assert_eq!((&summary["token_requests"], &summary["token_rejections"]), (&json!(2), &json!(1)), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_refused_with_a_hint() {
    let (home, server) = (Home::new(), Django::start(&[]));
    let ran = run(&home, &server.component(), (PLAIN.0, "not-the-secret"), None).run(USERS).await;
    is_refused(&ran, &["401", "invalid_client", "check client id and secret", "`sandbox`"]);
    assert_eq!(ran.outcome()["error"]["oauth"], json!({"status": 401, "error": "invalid_client"}));
    assert!(!ran.stderr.contains("not-the-secret") && !ran.text().contains("not-the-secret"));
}

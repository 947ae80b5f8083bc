//! `keyway doctor`: one line for each thing that is wrong, with a remedy, and no credential to anybody.
#![cfg(unix)]

mod support;

use std::time::{Duration, SystemTime};

use axum::response::Response;
use keyway::{Secret, Token};
use keyway_tests::mock::{Mock, empty, nobody};
use serde_json::{Value, json};
use support::{
    Keyway, Ran,
    desk::{Desk, component, own, signed_in_to, token},
    disk::set_mode,
    scripted::{scripted, willing},
    tls::secured,
};
use tokio_rustls::rustls::version;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A place where somebody has signed in.
struct Place {
    server: Mock,
    desk: Desk,
}

impl Place {
    async fn new() -> Self {
        Self::at(willing().await, token()).await
    }

    async fn with(token: Token) -> Self {
        Self::at(willing().await, token).await
    }

    async fn at(server: Mock, token: Token) -> Self {
        let desk = Desk::of(&server);
        desk.credential("mine", &signed_in_to("acme-client"));
        desk.keep("mine", token).await;
        Self { server, desk }
    }

    /// Its component, changed.
    fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut component = component(&self.server);
        change(&mut component);
        self.desk.describe(&component);
    }

    fn doctor(&self, more: &[&str]) -> Keyway {
        self.desk.keyway(&[&["doctor"][..], more].concat()).env("SECRET_OF_MINE", "acme-secret")
    }

    /// Exactly one thing is wrong: what it is called, and words of its line.
    async fn has(&self, code: i32, word: &str, subject: &str, words: &[&str]) -> Ran {
        let ran = self.doctor(&[]).run("").await;
        one_finding(&ran, code, word, subject, words);
        self.nobody_saw_a_credential();
        ran
    }

    /// What was asked carried nothing that is anybody's.
    #[track_caller]
    fn nobody_saw_a_credential(&self) {
        for seen in self.server.seen("") {
            assert_eq!((seen.method.as_str(), seen.query.as_str(), seen.text()), ("HEAD", "", ""), "{seen:?}");
            for name in ["authorization", "proxy-authorization", "cookie", "x-vault-key"] {
                assert!(seen.headers.get(name).is_none(), "{seen:?}");
            }
            let sent = format!("{seen:?}");
            for secret in ["acme-client", "acme-secret", "kept-access", "kept-refresh"] {
                assert!(!sent.contains(secret), "{sent}");
            }
        }
    }
}

/// The lines that are not well, and their remedies.
fn findings(ran: &Ran) -> Vec<&str> {
    ran.text().lines().filter(|line| line.starts_with("  BAD ") || line.starts_with("  note")).map(str::trim).collect()
}

/// There is one line that is not well: it has a remedy, and all lines with one are it.
#[track_caller]
fn one_finding(ran: &Ran, code: i32, word: &str, subject: &str, words: &[&str]) {
    assert_eq!(ran.code(), Some(code), "{ran}");
    let found = findings(ran);
    assert_eq!(found.len(), 1, "one line: {ran}");
    assert_eq!(ran.text().matches(" → ").count(), 1, "one remedy: {ran}");
    let line = found[0];
    assert!(line.starts_with(word) && line[4..].trim_start().starts_with(subject), "{line}");
    let remedy = line.split_once(" → ").map(|(_, remedy)| remedy).unwrap_or_default();
    assert!(remedy.len() > 10, "it says what to do: {line}");
    for word in words {
        assert!(line.contains(word), "`{word}`: {line}");
    }
}

// === All is well ===

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well() {
    let place = Place::new().await;
    let ran = place.doctor(&[]).run("").await.succeeded();
    assert_eq!((findings(&ran), ran.text().matches('→').count()), (vec![], 0), "{ran}");
    assert!(ran.stderr.is_empty(), "{ran}");
    for words in [
        "this machine",
        "mine",
        "grant authorization_code",
        "is there",
        "encrypted files in",
        "answers (200)",
        "s ahead of",
    ] {
        assert!(ran.text().contains(words), "`{words}`: {ran}");
    }
    assert_eq!(place.server.count(""), 1, "each host is asked once");
    place.nobody_saw_a_credential();
    // By the component's name, and by the account's.
    for who in ["mine", "acme"] {
        assert_eq!(findings(&place.doctor(&[who]).run("").await.succeeded()), [""; 0], "{who}");
    }
    // An account that nobody has to sign in to is well without a token too.
    place.desk.credential("own", &own("acme-client"));
    let ran = place.doctor(&[]).run("").await.succeeded();
    assert!(findings(&ran).is_empty() && ran.text().contains("none yet"), "{ran}");
    place.nobody_saw_a_credential();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_look_at_is_well() {
    let desk = Desk::of(&willing().await);
    let ran = desk.keyway(&["doctor"]).run("").await.succeeded();
    assert!(findings(&ran).is_empty() && ran.text().contains("not there yet"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_no_host_is_asked() {
    let place = Place::new().await;
    let ran = place.doctor(&["--offline"]).run("").await.succeeded();
    assert!(findings(&ran).is_empty() && !ran.text().contains("host "), "{ran}");
    assert_eq!(place.server.count(""), 0);
    place.change(|component| component["api"]["base_url"] = "https://api.acme.invalid/api".into());
    place.desk.keep("mine", token()).await;
    place.doctor(&["--offline"]).run("").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_told() {
    let place = Place::new().await;
    let ran = place.doctor(&["nobody"]).run("").await;
    assert!(ran.code() == Some(1) && ran.text().contains("nobody"), "{ran}");
}

// === What is wrong in files ===

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_credential() {
    let place = Place::new().await;
    place.desk.home.write("keyway/credentials/mine.json", r#"{"keyway": 1, "component": "acme", "grant": "nothing"}"#);
    place.has(1, "BAD", "credential", &["mine.json has faults", "keyway credential check mine"]).await;
    // It hides no other.
    place.desk.credential("other", &own("acme-client"));
    let ran = place.has(1, "BAD", "credential", &[]).await;
    assert!(ran.text().contains("acme/production/other"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_credential() {
    let place = Place::new().await;
    place.desk.credential("mine", &json!({"keyway": 1, "component": "acme", "client_id": "x"}));
    place.has(1, "BAD", "credential", &["`client_secret`", "add what is missing"]).await;
    place.desk.credential("mine", &json!({"keyway": 1, "component": "gone", "client_id": "x"}));
    place.has(1, "BAD", "credential", &["gone"]).await;
    place.desk.home.write("keyway/credentials/mine.json", [0xff]);
    place.has(1, "BAD", "credential", &["mine.json", "cannot be read", "check path"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret() {
    let place = Place::new().await;
    for (secret, words) in [
        (json!({"env": "NOT_SET"}), ["NOT_SET", "→ set it"]),
        (json!({"file": "/no/such/file"}), ["/no/such/file", "→ check path"]),
        (json!({"command": ["false"]}), ["`false`", "→ run it by hand"]),
        (json!({"sealed": "AAAA"}), ["sealed", "→ give the key"]),
    ] {
        let mut account = signed_in_to("acme-client");
        account["secrets"]["client_secret"] = secret;
        place.desk.credential("mine", &account);
        place.has(1, "BAD", "secret client_secret", &words).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_others_can_read() {
    let place = Place::new().await;
    let tokens = place.desk.home.path().join("keyway/tokens");
    let token = tokens.join(&place.desk.tokens()[0]);
    set_mode(&token, 0o644);
    place.has(1, "BAD", "store", &["can be read by others (mode 644)", "chmod 600"]).await;
    set_mode(&token, 0o600);
    set_mode(tokens.join("key"), 0o640);
    place.has(1, "BAD", "set-up", &["can be read by others (mode 640)", "chmod 600"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key() {
    let place = Place::new().await;
    let ran = place.doctor(&[]).env("KEYWAY_KEY", "07".repeat(32)).run("").await;
    one_finding(&ran, 1, "BAD", "set-up", &["do not open with this key", "KEYWAY_KEY"]);
    let ran = place.doctor(&[]).env("KEYWAY_KEY", "no key").run("").await;
    one_finding(&ran, 1, "BAD", "set-up", &["KEYWAY_KEY", "openssl rand -hex 32"]);
    place.nobody_saw_a_credential();
    place.doctor(&[]).run("").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_in_memory_only() {
    let place = Place::new().await;
    place.desk.credential("mine", &own("acme-client"));
    let ran = place.doctor(&["--token-store", "memory"]).run("").await;
    one_finding(&ran, 0, "note", "key", &["kept in memory", "--token-store"]);
}

// === What is wrong with hosts ===

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_knows() {
    let place = Place::new().await;
    place.change(|component| component["api"]["base_url"] = "https://api.acme.invalid/api".into());
    place.desk.keep("mine", token()).await;
    place.has(1, "BAD", "host https://api.acme.invalid", &["→ check the name"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_where_nobody_listens() {
    let place = Place::new().await;
    let nobody = nobody().await;
    place.change(|component| component["api"]["base_url"] = format!("{nobody}/api").into());
    place.desk.keep("mine", token()).await;
    place.has(1, "BAD", &format!("host {nobody}"), &["refused", "→ check the network"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for() {
    let (place, secured) = (Place::new().await, secured(&["localhost"], &[&version::TLS13]).await);
    place.change(|component| component["api"]["base_url"] = format!("{}/api", secured.url).into());
    place.desk.keep("mine", token()).await;
    place.has(1, "BAD", &format!("host {}", secured.url), &["TLS", "--ca-file"]).await;
    let ca = place.desk.home.write("ca.pem", &secured.certificate_pem);
    let ran = place.doctor(&["--ca-file", &ca]).run("").await.succeeded();
    assert!(findings(&ran).is_empty() && ran.text().contains("its certificate is trusted"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_answer_in_time() {
    let server = Mock::start(|_| std::future::pending::<Response>()).await;
    let place = Place::at(server, token()).await;
    let ran = place.doctor(&["--token-timeout-ms", "100"]).run("").await;
    one_finding(&ran, 1, "BAD", "host http://127.0.0.1:", &["→ check the network and --proxy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off() {
    for (off, words) in [(-600, "ahead of"), (600, "behind")] {
        let server = scripted(move |_| {
            let mut response = empty(200);
            response.headers_mut().insert("date", http_date(off).parse().expect("a header"));
            Some(response)
        })
        .await;
        let place = Place::at(server, token()).await;
        let ran = place.has(1, "BAD", "clock", &[words, "set this machine's clock"]).await;
        let seconds = ran.text().split("this machine is ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        assert!(seconds.is_some_and(|seconds: i64| (590..=610).contains(&seconds)), "{ran}");
    }
}

/// Now, and so many seconds later, as a `Date` says it (RFC 9110 section 5.6.7).
fn http_date(off: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let then = now.checked_add_signed(off).expect("a time");
    let mut date = std::process::Command::new("date");
    date.env("LC_ALL", "C").args(["-u", "-d", &format!("@{then}"), "+%a, %d %b %Y %H:%M:%S GMT"]);
    let said = date.output().expect("`date` can be run").stdout;
    String::from_utf8(said).expect("it is ASCII").trim().to_owned()
}

// === What is wrong with a token ===

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_will_die_of_idleness() {
    let used = |days: u32| {
        let obtained_at = SystemTime::now() - DAY * days;
        Token { obtained_at, expires_at: Some(obtained_at + Duration::from_secs(3600)), ..token() }
    };
    let idle = |component: &mut Value| component["oauth2"]["refresh_token_idle_days"] = 28.into();
    let place = Place::with(used(3)).await;
    place.change(idle);
    assert!(findings(&place.doctor(&[]).run("").await.succeeded()).is_empty());
    place.desk.keep("mine", used(20)).await;
    let words = ["last used 20 days ago", "28 days", "`keyway token renew mine` now", "--older-than 7d"];
    place.has(0, "note", "refresh token", &words).await;
    place.desk.keep("mine", used(30)).await;
    place.has(1, "BAD", "refresh token", &["last used 30 days ago", "→ run `keyway login mine`"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_a_way_to_renew_it() {
    let place = Place::with(Token { refresh_token: None, ..token() }).await;
    place.has(0, "note", "refresh token", &["there is none", "sign in again"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_was_not_granted() {
    let granted = |scope: &str| Token { scope: Some(scope.to_owned()), ..token() };
    let place = Place::new().await;
    place.change(|component| component["oauth2"]["scope"] = json!({"default": ["read", "write", "delete"]}));
    place.desk.keep("mine", granted("read")).await;
    place.has(0, "note", "scope", &["granted: read;", "not granted: write delete", "allow it for the client"]).await;
    place.desk.keep("mine", granted("delete write read more")).await;
    assert!(findings(&place.doctor(&[]).run("").await.succeeded()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_was_interrupted() {
    let place = Place::new().await;
    place.desk.interrupt("mine", 1_750_000_000).await;
    place.has(0, "note", "renewal", &["2025-06-15T15:06:40Z", "keyway token renew mine"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_signed_in_yet() {
    let server = willing().await;
    let desk = Desk::of(&server);
    desk.credential("mine", &signed_in_to("acme-client"));
    let place = Place { server, desk };
    place.has(1, "BAD", "sign-in", &["needs a person to sign in", "→ run `keyway login mine`"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_from_the_future() {
    let place = Place::with(Token {
        obtained_at: SystemTime::now() + DAY,
        expires_at: Some(SystemTime::now() + DAY * 2),
        ..token()
    })
    .await;
    place.has(0, "note", "token", &["in the future", "set this machine's clock"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_ended_is_no_fault() {
    let ended = Token {
        access_token: Secret::new("kept-access"),
        obtained_at: SystemTime::now() - Duration::from_secs(7200),
        expires_at: Some(SystemTime::now() - Duration::from_secs(3600)),
        ..token()
    };
    let place = Place::with(ended).await;
    let ran = place.doctor(&[]).run("").await.succeeded();
    assert!(
        findings(&ran).is_empty() && ran.text().contains("has ended; it is renewed when it is next needed"),
        "{ran}"
    );
    place.nobody_saw_a_credential();
    assert_eq!(place.server.count("/token"), 1, "asked whether it is there, and for nothing");
}

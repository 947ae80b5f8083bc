//! `keyway login` on a device without a browser (RFC 8628): against a real django-oauth-toolkit server where a person
//! decides in a real Chromium, and against a scripted server where time and faults matter.

mod support;

use std::time::Duration;

use axum::response::Response;
use keyway_tests::mock::{Mock, Seen, cut, empty, reply};
use serde_json::json;
use support::{
    Running,
    browser::Browser,
    django::{DEVICE, Django},
    scripted::{component, device, form, refusal, scripted},
    sign_in::{ACME, Account, NAME, is_not_signed_in, is_signed_in, needs_sign_in},
};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SECOND: Duration = Duration::from_secs(1);

/// What a person reads: where to go, and the code to enter there.
async fn told_where(running: &mut Running) -> (String, String) {
    let read = |line: &str| {
        let (uri, code) = line.strip_prefix("Open ")?.split_once(" and enter the code ")?;
        Some((uri.to_owned(), code.trim_end_matches('.').to_owned()))
    };
    running.told_as("Open … and enter the code …", read).await
}

/// An account of a server whose polls are answered so, by their number.
async fn acme(poll: impl Fn(usize) -> Option<Response> + Clone + Send + Sync + 'static) -> (Mock, Account) {
    let server = scripted(move |seen| if seen.path == "/token" { poll(seen.nth) } else { None }).await;
    let account = Account::new(&component(&server), "device_code", ACME);
    (server, account)
}

/// The times between its polls.
fn gaps(server: &Mock) -> Vec<Duration> {
    let polls = server.seen("/token");
    polls.windows(2).map(|two| two[1].at - two[0].at).collect()
}

/// Polls are this far apart at least. Clocks and schedulers get some room.
#[track_caller]
fn at_least(gap: Duration, wanted: Duration) {
    assert!(gap + Duration::from_millis(50) >= wanted, "{gap:?} is less than {wanted:?}");
}

fn pending() -> Option<Response> {
    Some(refusal("authorization_pending"))
}

// === A real server, a real browser ===

/// The person enters the code and decides.
async fn decide(django: &Django, browser: &Browser, running: &mut Running, button: &str) {
    let (uri, code) = told_where(running).await;
    assert_eq!(uri, django.url("/oauth2/device/"));
    browser.open(&uri).await;
    django.log_in(browser).await;
    browser.fill("input[name=user_code]", &code).await;
    browser.click("form button").await;
    browser.click(&format!("button[value={button}]")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_approves_the_device_elsewhere() {
    let django = Django::start(&[("DEVICE_INTERVAL", "1")]);
    let account = Account::new(&django.sign_in_component(), "device_code", (DEVICE, ""));
    let browser = Browser::start().await;
    let mut running = account.login(&[]);
    decide(&django, &browser, &mut running, "accept").await;
    assert_eq!(browser.text("h1").await, "Device Authorized");
    is_signed_in(&running.end().await);
    account.get("/plain/").await.succeeded();

    let first = django.access_tokens();
    account.keyway(&["token", "renew", NAME]).run("").await.succeeded();
    assert_ne!(django.access_tokens(), first);
    account.get("/plain/").await.succeeded();

    let ran = account.keyway(&["logout", NAME]).run("").await.succeeded();
    assert!(ran.text().contains("revoked") || ran.stderr.contains("revoked"), "{ran}");
    needs_sign_in(&account.get("/plain/").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_denies_the_device() {
    let django = Django::start(&[("DEVICE_INTERVAL", "1")]);
    let account = Account::new(&django.sign_in_component(), "device_code", (DEVICE, ""));
    let browser = Browser::start().await;
    let mut running = account.login(&[]);
    decide(&django, &browser, &mut running, "deny").await;
    assert_eq!(browser.text("h1").await, "Device Denied");
    is_not_signed_in(&running.end().await, &["refused"]);
    assert_eq!(django.access_tokens(), [""; 0]);
    needs_sign_in(&account.get("/plain/").await);
}

// === What is sent and said ===

#[tokio::test(flavor = "multi_thread")]
async fn a_device_asks_and_polls_as_the_standard_says() {
    let server =
        scripted(|seen| (seen.path == "/token" && seen.nth == 0).then(|| refusal("authorization_pending"))).await;
    let mut component = component(&server);
    component["oauth2"]["scope"] = json!({"default": ["read", "write"]});
    let account = Account::new(&component, "device_code", ACME);
    is_signed_in(&account.login(&[]).end().await);
    let asked = form(&server.seen("/device")[0]);
    assert_eq!((&*asked["client_id"], &*asked["scope"]), ("acme-client", "read write"));
    for poll in server.seen("/token") {
        let poll = form(&poll);
        assert_eq!((&*poll["grant_type"], &*poll["device_code"]), (GRANT_TYPE, "the-device-code"));
        assert_eq!((&*poll["client_id"], &*poll["client_secret"]), ACME);
    }
    assert_eq!((server.count("/device"), server.count("/token")), (1, 2));
    account.get("/user").await.succeeded();
    assert_eq!(server.seen("/api/user")[0].header("authorization"), "Bearer access-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn c38_a_person_is_told_where_to_go_on_stderr() {
    let (server, account) = acme(|_| None).await;
    let mut running = account.login(&[]);
    let told = told_where(&mut running).await;
    assert_eq!(told, ("https://example.com/device".to_owned(), "WDJB-MJHT".to_owned()));
    is_signed_in(&running.end().await);
    drop(server);

    // With the address that has the code in it, if there is one.
    let complete = "https://example.com/device?user_code=WDJB-MJHT";
    let server = scripted(move |seen| {
        let mut device = device();
        device["verification_uri_complete"] = json!(complete);
        (seen.path == "/device").then(|| reply(200, &device))
    })
    .await;
    let account = Account::new(&component(&server), "device_code", ACME);
    let mut running = account.login(&[]);
    told_where(&mut running).await;
    let heard = running.heard().to_owned();
    let ran = running.end().await;
    is_signed_in(&ran);
    let said = format!("{heard}{}", ran.stderr);
    assert!(said.lines().any(|line| line.trim() == complete), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_text_of_the_server_stays_text() {
    let server = scripted(|seen| {
        let mut device = device();
        device["user_code"] = json!("WDJB\u{1b}[2J\u{7}\r\nSigned in: not\u{202e}");
        (seen.path == "/device").then(|| reply(200, &device))
    })
    .await;
    let account = Account::new(&component(&server), "device_code", ACME);
    let ran = account.login(&[]).end().await;
    assert_eq!(server.count("/device"), 1, "{ran}");
    assert!(!ran.stderr.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{ran}");
    assert!(!ran.stderr.contains("\nSigned in: not"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_device_is_printed() {
    let server = scripted(|seen| match (seen.path.as_str(), seen.nth) {
        ("/device", _) => {
            let mut device = device();
            device["device_code"] = json!("CNRYdeviceCode");
            Some(reply(200, &device))
        }
        ("/token", 0) => {
            // The server says all that it was sent.
            Some(reply(400, &json!({"error": "authorization_pending", "error_description": seen.text()})))
        }
        ("/token", 1) => Some(reply(400, &json!({"error": "invalid_grant", "error_description": seen.text()}))),
        _ => None,
    })
    .await;
    let account = Account::new(&component(&server), "device_code", ("acme-client", "CNRYclientSecret"));
    let refused = account.login(&["-vv"]).end().await;
    is_not_signed_in(&refused, &["invalid_grant"]);
    let taken = account.login(&["-vv"]).end().await;
    is_signed_in(&taken);
    for ran in [refused, taken] {
        for secret in ["CNRY", "access-", "refresh-"] {
            assert!(!ran.stderr.contains(secret), "`{secret}` is said: {ran}");
        }
    }
}

// === Time ===

#[tokio::test(flavor = "multi_thread")]
async fn c37_polls_are_as_far_apart_as_the_server_says() {
    let (server, account) = acme(|nth| if nth < 2 { pending() } else { None }).await;
    is_signed_in(&account.login(&[]).end().await);
    let gaps = gaps(&server);
    assert_eq!(gaps.len(), 2);
    for gap in gaps {
        at_least(gap, SECOND);
        assert!(gap < SECOND * 4, "{gap:?}: it is not the default");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c37_polls_are_five_seconds_apart_where_the_server_says_nothing() {
    let server = scripted(|seen| match (seen.path.as_str(), seen.nth) {
        ("/device", _) => {
            let mut device = device();
            device.as_object_mut().expect("an object").remove("interval");
            Some(reply(200, &device))
        }
        ("/token", 0) => pending(),
        _ => None,
    })
    .await;
    let account = Account::new(&component(&server), "device_code", ACME);
    is_signed_in(&account.login(&[]).end().await);
    at_least(gaps(&server)[0], SECOND * 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn c39_slow_down_adds_five_seconds() {
    let (server, account) = acme(|nth| (nth == 0).then(|| refusal("slow_down"))).await;
    is_signed_in(&account.login(&[]).end().await);
    at_least(gaps(&server)[0], SECOND * 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_code_ends_it() {
    let (server, account) = acme(|nth| if nth == 0 { pending() } else { Some(refusal("expired_token")) }).await;
    is_not_signed_in(&account.login(&[]).end().await, &["expired"]);
    assert_eq!(server.count("/token"), 2);
    needs_sign_in(&account.get("/user").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_longer_than_the_code_lives() {
    let server = scripted(|seen| match seen.path.as_str() {
        "/device" => {
            let mut device = device();
            device["expires_in"] = json!(3);
            Some(reply(200, &device))
        }
        "/token" => pending(),
        _ => None,
    })
    .await;
    let account = Account::new(&component(&server), "device_code", ACME);
    is_not_signed_in(&account.login(&[]).end().await, &["expired"]);
    let begun = server.seen("/device")[0].at;
    let last = server.seen("/token").last().expect("it asked").at - begun;
    assert!(last < SECOND * 4, "{last:?} after the beginning");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_ends_it() {
    for (error, word) in [("access_denied", "refused"), ("invalid_grant", "invalid_grant")] {
        let (server, account) = acme(move |_| Some(refusal(error))).await;
        is_not_signed_in(&account.login(&[]).end().await, &[word]);
        assert_eq!(server.count("/token"), 1, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_slows_it_down_but_does_not_end_it() {
    let (server, account) = acme(|nth| match nth {
        0 => Some(cut()),
        1 => pending(),
        _ => None,
    })
    .await;
    is_signed_in(&account.login(&[]).end().await);
    assert_eq!((server.count("/device"), server.count("/token")), (1, 3));
    // It asks less often than before (RFC 8628 section 3.5).
    assert!(gaps(&server)[0] > SECOND * 3 / 2, "{:?}", gaps(&server));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_does_not_end_it() {
    let (server, account) = acme(|nth| if nth == 0 { Some(empty(503)) } else { None }).await;
    is_signed_in(&account.login(&[]).end().await);
    assert_eq!(server.count("/token"), 2);
    at_least(gaps(&server)[0], SECOND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_the_device_is_told() {
    let server = scripted(|seen: &Seen| (seen.path == "/device").then(|| refusal("unauthorized_client"))).await;
    let account = Account::new(&component(&server), "device_code", ACME);
    is_not_signed_in(&account.login(&[]).end().await, &["unauthorized_client"]);
    assert_eq!(server.count("/token"), 0);
}

//! `keyway login` with a browser, `keyway logout` and `keyway token renew`: against a real django-oauth-toolkit server
//! with a real Chromium, and against a scripted server where a real one would not misbehave.

mod support;

use std::{
    collections::BTreeSet,
    fs, io,
    net::{IpAddr, SocketAddr, UdpSocket},
    path::Path,
    sync::Arc,
};

use keyway_tests::mock::{Mock, Seen, empty, reply};
use serde_json::{Value, json};
use support::{
    Ran,
    browser::Browser,
    django::{CALLBACK, Django, NATIVE, ORG_ID, WEB},
    http::{self, Answer},
    scripted::{component, form, refusal, scripted, token, willing},
    sign_in::{ACME, Account, NAME, SignIn, authorization_url, is_not_signed_in, is_signed_in, needs_sign_in, param},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use url::Url;

const SIGNED_IN: &str = "You are signed in";
const REFUSED: &str = "The sign-in was refused";
const NOT_THE_ANSWER: &str = "This is not the answer to this sign-in";
const FAILED: &str = "The sign-in failed";

/// An account of the scripted server.
fn acme(server: &Mock) -> Account {
    Account::new(&component(server), "authorization_code", ACME)
}

/// An account of the real one.
fn of_django(django: &Django, client: (&str, &str)) -> Account {
    Account::new(&django.sign_in_component(), "authorization_code", client)
}

/// The person opens what they are asked to and signs in.
async fn log_in(browser: &Browser, django: &Django, url: &Url) {
    browser.open(url.as_str()).await;
    django.log_in(browser).await;
}

/// The sign-in goes on after all that came before.
async fn still_works(sign_in: SignIn) {
    assert_eq!(sign_in.answer(&[("code", "the-code")]).await.h1(), SIGNED_IN);
    is_signed_in(&sign_in.running.end().await);
}

/// Nobody listens there.
#[track_caller]
fn is_refused<T>(connected: io::Result<T>) {
    let kind = connected.err().map(|error| error.kind());
    assert_eq!(kind, Some(io::ErrorKind::ConnectionRefused));
}

/// The command did not do it and says why. Its exit code is that of a failure or of a usage error.
#[track_caller]
fn not_done(ran: &Ran, words: &[&str]) {
    let code = ran.code().filter(|code| [1, 2].contains(code));
    ran.refused(code.unwrap_or(1), words);
}

// === A real server, a real browser ===

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_once_and_the_token_renews_itself() {
    let django = Django::start(&[("AUTO_APPROVE", "0"), ("TOKEN_TTL", "3")]);
    let account = of_django(&django, WEB);
    let browser = Browser::start().await;
    let sign_in = account.sign_in(&[]).await;
    assert_eq!(sign_in.waiting.path(), CALLBACK);
    log_in(&browser, &django, &sign_in.url).await;
    assert_eq!(browser.text("h3").await, "Authorize web?");
    browser.click("input[name=allow]").await;
    assert_eq!(browser.text("h1").await, SIGNED_IN);
    assert!(browser.url().await.starts_with(sign_in.waiting.as_str()), "the page stays where it is");
    is_signed_in(&sign_in.running.end().await);

    let first = (django.access_tokens(), django.refresh_token_texts());
    assert_eq!((first.0.len(), first.1.len()), (1, 1));
    // Requests all the time, past the end of the first token.
    let users = format!("/api/partners/v2.0/org/{ORG_ID}/users");
    account.get(&users).await.succeeded();
    while django.access_tokens() == first.0 {
        account.get(&users).await.succeeded();
    }
    account.get(&users).await.succeeded();
    assert!(django.refresh_token_texts().len() > 1, "the server rotates them");
}

#[tokio::test(flavor = "multi_thread")]
async fn c24_c25_a_server_that_requires_pkce_gets_it() {
    let django = Django::start(&[]);
    let browser = Browser::start().await;
    let account = of_django(&django, (NATIVE, ""));
    let sign_in = account.sign_in(&[]).await;
    assert_eq!(sign_in.param("code_challenge_method"), "S256");
    log_in(&browser, &django, &sign_in.url).await;
    assert_eq!(browser.text("h1").await, SIGNED_IN);
    is_signed_in(&sign_in.running.end().await);
    account.get("/plain/").await.succeeded();

    // It is the server that requires it: without, it refuses.
    let mut plain = django.sign_in_component();
    plain["oauth2"]["grants"]["authorization_code"]["code_challenge_method"] = json!("none");
    let account = Account::new(&plain, "authorization_code", (NATIVE, ""));
    let sign_in = account.sign_in(&[]).await;
    assert!(!sign_in.url.as_str().contains("code_challenge"), "{}", sign_in.url);
    browser.open(sign_in.url.as_str()).await;
    let h1 = browser.text("h1").await;
    assert!([REFUSED, FAILED].contains(&h1.as_str()), "{h1}");
    is_not_signed_in(&sign_in.running.end().await, &["invalid_request", "Code challenge required"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_cancels_on_the_page_of_consent() {
    let django = Django::start(&[("AUTO_APPROVE", "0")]);
    let account = of_django(&django, WEB);
    let browser = Browser::start().await;
    let sign_in = account.sign_in(&[]).await;
    log_in(&browser, &django, &sign_in.url).await;
    browser.click("input[value=Cancel]").await;
    assert_eq!(browser.text("h1").await, REFUSED);
    is_not_signed_in(&sign_in.running.end().await, &["refused"]);
    assert_eq!(django.access_tokens(), [""; 0]);
    needs_sign_in(&account.get("/plain/").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_names_itself() {
    let django = Django::start(&[("SEND_ISS", "1")]);
    let browser = Browser::start().await;
    let mut component = django.sign_in_component();
    component["oauth2"]["authorization_response_iss_parameter_supported"] = json!(true);
    component["oauth2"]["issuer"] = json!(django.url("/oauth2"));
    let account = Account::new(&component, "authorization_code", WEB);
    let sign_in = account.sign_in(&[]).await;
    log_in(&browser, &django, &sign_in.url).await;
    assert_eq!(browser.text("h1").await, SIGNED_IN);
    is_signed_in(&sign_in.running.end().await);

    component["oauth2"]["issuer"] = json!(django.url("/another"));
    account.describe(&component);
    let sign_in = account.sign_in(&[]).await;
    browser.open(sign_in.url.as_str()).await;
    assert_eq!(browser.text("h1").await, FAILED);
    is_not_signed_in(&sign_in.running.end().await, &["iss"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_browser_elsewhere_is_pasted() {
    let django = Django::start(&[]);
    let account = of_django(&django, WEB);
    let browser = Browser::start().await;
    let mut running = account.login(&["--paste"]);
    let url = authorization_url(&mut running).await;
    log_in(&browser, &django, &url).await;
    // Nobody listens there, but the address is in the address bar.
    let address = browser.url().await;
    assert!(address.starts_with(&param(&url, "redirect_uri")) && address.contains("code="), "{address}");
    running.write(&address).await;
    is_signed_in(&running.end().await);
    account.get("/plain/").await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_revokes_at_a_real_server() {
    let django = Django::start(&[]);
    let account = of_django(&django, WEB);
    let browser = Browser::start().await;
    let sign_in = account.sign_in(&[]).await;
    log_in(&browser, &django, &sign_in.url).await;
    browser.wait_for("h1").await;
    is_signed_in(&sign_in.running.end().await);
    let old = django.access_tokens().remove(0);
    assert_eq!(django.get("/plain/", &old).await.status, 200);

    let ran = account.keyway(&["logout", NAME]).run("").await.succeeded();
    assert!(ran.text().contains("revoked") || ran.stderr.contains("revoked"), "{ran}");
    let refused = django.get("/plain/", &old).await;
    assert!([401, 403].contains(&refused.status), "{refused}");
    let refresh = &django.refresh_token_texts()[0];
    let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let form = [grant, [("client_id", WEB.0), ("client_secret", WEB.1)]].concat();
    assert_eq!(django.post("/oauth2/token/", &form).await.status, 400);
    needs_sign_in(&account.get("/plain/").await);
}

// === What comes back from the browser ===

#[tokio::test(flavor = "multi_thread")]
async fn c09_a_wrong_or_missing_state_is_not_the_answer() {
    let server = willing().await;
    let account = acme(&server);
    let sign_in = account.sign_in(&[]).await;
    let right = sign_in.param("state");
    let shortened = &right[..right.len() - 1];
    for state in ["another-state", "", shortened, &format!("{right}x")] {
        let answer = http::get(sign_in.callback_in(state, &[("code", "not-mine")])).await;
        assert_eq!((answer.status, answer.h1()), (400, NOT_THE_ANSWER), "{state:?}: {answer}");
    }
    let forged = [
        format!("{}?code=not-mine", sign_in.waiting),
        format!("{}?error=access_denied", sign_in.waiting),
        format!("{}?error=access_denied&state=another-state", sign_in.waiting),
        format!("{}?code=not-mine&state={right}&state=another-state", sign_in.waiting),
        sign_in.waiting.to_string(),
    ];
    for callback in forged {
        let answer = http::get(&callback).await;
        assert_eq!((answer.status, answer.h1()), (400, NOT_THE_ANSWER), "{callback}: {answer}");
    }
    assert_eq!(server.count("/token"), 0);
    still_works(sign_in).await;
    assert_eq!(form(&server.seen("/token")[0])["code"], "the-code");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_path_is_not_there() {
    let server = willing().await;
    let account = acme(&server);
    let sign_in = account.sign_in(&[]).await;
    let state = sign_in.param("state");
    for path in ["/", "/favicon.ico", "/callback", "/callback/other", "/callback/acme/more", "/callback/acme/"] {
        let url = sign_in.waiting.join(&format!("{path}?code=not-mine&state={state}")).expect("a URL");
        assert_eq!(http::get(url).await.status, 404, "{path}");
    }
    assert_eq!(server.count("/token"), 0);
    still_works(sign_in).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_once() {
    // The exchange of the first answer is held up until the second has been sent.
    let (asked, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let held = (Arc::clone(&asked), Arc::clone(&go_on));
    let server = Mock::start(move |seen: Seen| {
        let (asked, go_on) = (Arc::clone(&held.0), Arc::clone(&held.1));
        async move {
            asked.add_permits(1);
            go_on.acquire().await.expect("it stays open").forget();
            reply(200, &token(seen.nth + 1))
        }
    })
    .await;
    let account = acme(&server);
    let sign_in = account.sign_in(&[]).await;
    let callback = sign_in.callback(&[("code", "the-code")]);
    let first = http::begin("GET", &callback, &[], "").await.expect("it waits");
    asked.acquire().await.expect("it stays open").forget();
    let second = http::begin("GET", &callback, &[], "").await;
    go_on.add_permits(2);
    assert_eq!(first.answer().await.expect("it answers").h1(), SIGNED_IN);
    if let Ok(second) = second {
        // Refused in words, or not answered any more.
        if let Ok(answer) = second.answer().await {
            assert!(answer.status >= 400 && answer.h1() != SIGNED_IN, "{answer}");
        }
    }
    is_signed_in(&sign_in.running.end().await);
    is_refused(http::send("GET", &callback, &[], "").await);
    assert_eq!(server.count("/token"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c32_only_this_machine_can_reach_the_listener() {
    let server = willing().await;
    let account = acme(&server);
    let sign_in = account.sign_in(&[]).await;
    let port = sign_in.waiting.port().expect("a port");
    assert_eq!(sign_in.waiting.host_str(), Some("127.0.0.1"));
    let mut others: Vec<IpAddr> = ["127.0.0.2", "::1"].map(|address| address.parse().expect("an address")).into();
    others.extend(outward());
    for other in others {
        let connected = TcpStream::connect(SocketAddr::new(other, port)).await;
        assert!(connected.is_err(), "{other} can be reached");
    }
    let here = sign_in.waiting.socket_addrs(|| None).expect("an address")[0];
    TcpStream::connect(here).await.expect("it listens there");
    still_works(sign_in).await;
    is_refused(TcpStream::connect(here).await);
}

/// The address that others reach this machine at, if it has one. Nothing is sent to find it.
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[tokio::test(flavor = "multi_thread")]
async fn c45_another_issuer_s_answer_is_refused() {
    for promised in [false, true] {
        let server = willing().await;
        let account = Account::new(&with_issuer(&server, promised), "authorization_code", ACME);
        let sign_in = account.sign_in(&[]).await;
        let answer = sign_in.answer(&[("code", "the-code"), ("iss", "https://attacker.example")]).await;
        assert_eq!(answer.h1(), FAILED, "{answer}");
        is_not_signed_in(&sign_in.running.end().await, &["iss"]);
        assert_eq!(server.count("/token"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c46_a_promised_issuer_that_is_missing_is_refused() {
    let server = willing().await;
    let account = Account::new(&with_issuer(&server, true), "authorization_code", ACME);
    let sign_in = account.sign_in(&[]).await;
    let answer = sign_in.answer(&[("code", "the-code")]).await;
    assert_eq!(answer.h1(), FAILED, "{answer}");
    is_not_signed_in(&sign_in.running.end().await, &["iss"]);
    assert_eq!(server.count("/token"), 0);
    needs_sign_in(&account.get("/user").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn c53_the_right_issuer_is_taken() {
    let server = willing().await;
    let account = Account::new(&with_issuer(&server, true), "authorization_code", ACME);
    let sign_in = account.sign_in(&[]).await;
    assert_eq!(sign_in.answer(&[("code", "the-code"), ("iss", &server.url)]).await.h1(), SIGNED_IN);
    is_signed_in(&sign_in.running.end().await);
    // Where none is promised, none is missed.
    Account::new(&with_issuer(&server, false), "authorization_code", ACME).signed_in().await;
}

fn with_issuer(server: &Mock, promised: bool) -> Value {
    let mut component = component(server);
    component["oauth2"]["issuer"] = json!(server.url);
    component["oauth2"]["authorization_response_iss_parameter_supported"] = json!(promised);
    component
}

#[tokio::test(flavor = "multi_thread")]
async fn c10_unknown_parameters_of_an_answer_are_ignored() {
    let server = willing().await;
    let account = acme(&server);
    let sign_in = account.sign_in(&[]).await;
    let answer =
        [("session_state", "x.y"), ("code", "the-code"), ("scope", "read"), ("x", "1"), ("x", "2"), ("ü", "<")];
    assert_eq!(sign_in.answer(&answer).await.h1(), SIGNED_IN);
    is_signed_in(&sign_in.running.end().await);
    assert_eq!(form(&server.seen("/token")[0])["code"], "the-code");
}

// === The page ===

#[tokio::test(flavor = "multi_thread")]
async fn c63_the_page_does_nothing_and_shows_others_words_as_words() {
    let server = scripted(|seen| (form(seen).get("code")? == "a-bad-code").then(|| refusal("invalid_grant"))).await;
    let account = acme(&server);

    let sign_in = account.sign_in(&[]).await;
    let not_the_answer = http::get(sign_in.callback_in("another-state", &[("code", "<script>x</script>")])).await;
    is_plain(&not_the_answer, NOT_THE_ANSWER);
    is_plain(&sign_in.answer(&[("code", "the-code")]).await, SIGNED_IN);
    is_signed_in(&sign_in.running.end().await);

    let sign_in = account.sign_in(&[]).await;
    is_plain(&sign_in.answer(&[("code", "a-bad-code")]).await, FAILED);
    is_not_signed_in(&sign_in.running.end().await, &["invalid_grant"]);

    let hostile = "<script>alert(1)</script>\u{1b}[31m\u{7}\u{0}\u{202e}\r\nSet-Cookie: a=b\r\n\r\n\"'><img src=x>";
    for (error, h1) in [("access_denied", Some(REFUSED)), ("<script>alert(2)</script>\u{1b}", None)] {
        let sign_in = account.sign_in(&[]).await;
        let answer =
            sign_in.answer(&[("error", error), ("error_description", hostile), ("error_uri", "javascript:x")]).await;
        is_plain(&answer, h1.unwrap_or(answer.h1()));
        assert!(answer.header("set-cookie").is_empty(), "{answer}");
        assert!(answer.text().contains("&lt;script&gt;"), "{answer}");
        assert!(!answer.text().contains("<img") && !answer.text().contains("javascript:"), "{answer}");
        let ran = sign_in.running.end().await;
        is_not_signed_in(&ran, &[]);
        assert!(!ran.stderr.contains(is_control), "{ran}");
    }
}

/// A page for a person, and nothing more.
#[track_caller]
fn is_plain(answer: &Answer, h1: &str) {
    assert_eq!(answer.h1(), h1, "{answer}");
    assert!(answer.header("cache-control").contains("no-store"), "{answer}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{answer}");
    assert!(answer.header("content-type").starts_with("text/html"), "{answer}");
    assert!(!(300..400).contains(&answer.status) && answer.header("location").is_empty(), "{answer}");
    assert!(answer.header("refresh").is_empty(), "{answer}");
    let text = answer.text().to_ascii_lowercase();
    assert!(!text.contains("<script") && !text.contains("http-equiv"), "{answer}");
    assert!(!text.contains(is_control), "{answer}");
}

fn is_control(character: char) -> bool {
    (character.is_control() && character != '\n') || character == '\u{202e}'
}

// === What is sent ===

#[tokio::test(flavor = "multi_thread")]
async fn c05_both_requests_say_the_same_redirect_uri() {
    let server = willing().await;
    let given = json!({"redirect_uri": "http://127.0.0.1/signed/in"});
    let accounts = [
        (acme(&server), "/callback/acme"),
        (Account::with(&component(&server), "authorization_code", ACME, &given), "/signed/in"),
    ];
    for (n, (account, path)) in accounts.into_iter().enumerate() {
        let sign_in = account.sign_in(&[]).await;
        let redirect_uri = sign_in.param("redirect_uri");
        assert_eq!(redirect_uri, sign_in.waiting.as_str());
        assert!(sign_in.waiting.path() == path && sign_in.waiting.port().is_some(), "{redirect_uri}");
        still_works(sign_in).await;
        let exchange = form(&server.seen("/token")[n]);
        assert_eq!(exchange["redirect_uri"], redirect_uri);
        assert_eq!(exchange["grant_type"], "authorization_code");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_of_the_person_s_choice() {
    // Free a moment ago: nothing but the number is known of it.
    let port = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr());
    let port = port.expect("loopback has free ports").port();
    let server = willing().await;
    let account = acme(&server);
    let sign_in = account.sign_in(&["--port", &port.to_string()]).await;
    assert_eq!(sign_in.waiting.as_str(), format!("http://127.0.0.1:{port}/callback/acme"));
    still_works(sign_in).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c23_each_sign_in_has_its_own_verifier_and_state() {
    let server = willing().await;
    let account = acme(&server);
    let mut all = BTreeSet::new();
    for n in 0..3 {
        let sign_in = account.sign_in(&[]).await;
        let (challenge, state) = (sign_in.param("code_challenge"), sign_in.param("state"));
        assert_eq!((sign_in.param("code_challenge_method").as_str(), challenge.len()), ("S256", 43));
        still_works(sign_in).await;
        let verifier = form(&server.seen("/token")[n])["code_verifier"].clone();
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        assert!((43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved), "{verifier}");
        all.extend([challenge, state, verifier]);
    }
    assert_eq!(all.len(), 9, "none is used twice: {all:?}");
}

// === Without a browser on this machine ===

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_address_or_code_finishes_a_sign_in() {
    let server = willing().await;
    let hosted = json!({"redirect_uri": "https://example.com/signed-in"});
    for (n, bare) in [false, true].into_iter().enumerate() {
        let account = Account::with(&component(&server), "authorization_code", ACME, &hosted);
        let mut running = account.login(&["--paste"]);
        let url = authorization_url(&mut running).await;
        assert_eq!(param(&url, "redirect_uri"), "https://example.com/signed-in");
        let address = format!("https://example.com/signed-in?code=the%2Fcode&state={}", param(&url, "state"));
        running.write(if bare { "the/code" } else { &address }).await;
        is_signed_in(&running.end().await);
        let exchange = form(&server.seen("/token")[n]);
        assert_eq!((&*exchange["code"], &*exchange["redirect_uri"]), ("the/code", "https://example.com/signed-in"));
        account.get("/user").await.succeeded();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_address_of_another_sign_in_is_refused() {
    let server = willing().await;
    let account = acme(&server);
    let mut running = account.login(&["--paste"]);
    let url = authorization_url(&mut running).await;
    running.write(&format!("{}?code=not-mine&state=another-state", param(&url, "redirect_uri"))).await;
    running.close_stdin();
    not_done(&running.end().await, &["state"]);
    assert_eq!(server.count("/token"), 0);
}

/// Prints where to go, and gives it.
async fn printed(account: &Account) -> Url {
    let ran = account.keyway(&["login", NAME, "--print-url"]).run("").await.succeeded();
    assert_eq!(ran.text().lines().count(), 1, "{ran}");
    Url::parse(ran.text().trim_end()).expect("it is a URL")
}

/// What a person copies out of the address bar.
fn address(url: &Url, state: &str, code: &str) -> String {
    let answer = [("code", code), ("state", state)];
    Url::parse_with_params(&param(url, "redirect_uri"), answer).expect("a URL").into()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_prints_the_url_and_another_takes_the_answer() {
    let server = willing().await;
    let account = acme(&server);
    for (n, piped) in [false, true].into_iter().enumerate() {
        let url = printed(&account).await;
        let kept = contents(&account.home.path().join("keyway"));
        let right = address(&url, &param(&url, "state"), "the-code");
        let wrong = address(&url, "another-state", "not-mine");
        not_done(&account.keyway(&["login", NAME, "--answer", &wrong]).run("").await, &["state"]);
        assert_eq!(server.count("/token"), n);

        let (argument, input) = if piped { ("-", format!("{right}\n")) } else { (right.as_str(), String::new()) };
        is_signed_in(&account.keyway(&["login", NAME, "--answer", argument]).run(input).await);
        let verifier = &form(&server.seen("/token")[n])["code_verifier"];
        let shown = kept.iter().any(|file| file.windows(verifier.len()).any(|part| part == verifier.as_bytes()));
        assert!(!shown, "the verifier lies there encrypted");
        account.get("/user").await.succeeded();

        not_done(&account.keyway(&["login", NAME, "--answer", &right]).run("").await, &["under way"]);
        assert_eq!(server.count("/token"), n + 1);
        account.get("/user").await.succeeded();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_asked_for_is_refused() {
    let server = willing().await;
    let answer = "http://127.0.0.1/callback/acme?code=not-mine&state=any";
    not_done(&acme(&server).keyway(&["login", NAME, "--answer", answer]).run("").await, &["under way"]);
    assert_eq!(server.count(""), 0);
}

/// What is in all files below a folder.
fn contents(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        match path.is_dir() {
            true => found.extend(contents(&path)),
            false => found.push(fs::read(path).expect("it is ours")),
        }
    }
    found
}

// === Afterwards ===

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_when_told() {
    let server = willing().await;
    let account = acme(&server).signed_in().await;
    account.get("/user").await.succeeded();
    account.keyway(&["token", "renew", NAME]).run("").await.succeeded();
    account.get("/user").await.succeeded();
    let renewal = form(&server.seen("/token")[1]);
    assert_eq!((&*renewal["grant_type"], &*renewal["refresh_token"]), ("refresh_token", "refresh-1"));
    let used: Vec<String> =
        server.seen("/api/user").iter().map(|seen| seen.header("authorization").to_owned()).collect();
    assert_eq!(used, ["Bearer access-1", "Bearer access-2"]);
    assert_eq!(server.count("/token"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_revoked_is_still_valid_and_kept() {
    let server = scripted(|seen| (seen.path == "/revoke").then(|| empty(503))).await;
    let account = acme(&server).signed_in().await;
    let ran = account.keyway(&["logout", NAME]).run("").await;
    assert_eq!(ran.code(), Some(1), "{ran}");
    assert!(ran.text().contains("still valid") || ran.stderr.contains("still valid"), "{ran}");
    let revoked = server.seen("/revoke");
    assert!(!revoked.is_empty() && revoked.iter().all(|seen| seen.method == "POST"));
    account.get("/user").await.succeeded();
    assert_eq!(server.seen("/api/user")[0].header("authorization"), "Bearer access-1");
    assert_eq!(server.count("/token"), 1, "the kept token is used");
}

// === Secrets ===

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_printed_however_loud() {
    // The server says all that it was sent in its refusals.
    let server = scripted(|seen| {
        let sent = form(seen);
        let bad = (sent.get("code")? == "CNRYbadCode").then(|| seen.text().to_owned())?;
        Some(reply(400, &json!({"error": "invalid_grant", "error_description": bad})))
    })
    .await;
    let account = Account::new(&component(&server), "authorization_code", ("acme-client", "CNRYclientSecret"));
    let mut said = Vec::new();
    let mut ended = |heard: &str, ran: Ran| said.push(format!("{heard}{ran}"));

    for code in ["CNRYbadCode", "CNRYcode"] {
        let sign_in = account.sign_in(&["-vv"]).await;
        sign_in.answer(&[("code", code)]).await;
        let heard = sign_in.running.heard().to_owned();
        ended(&heard, sign_in.running.end().await);
    }
    for line in ["CNRYbadCode", "CNRYcode"] {
        let mut running = account.login(&["--paste", "-vv"]);
        authorization_url(&mut running).await;
        running.write(line).await;
        let heard = running.heard().to_owned();
        ended(&heard, running.end().await);
    }
    for code in ["CNRYbadCode", "CNRYcode"] {
        let url = printed(&account).await;
        let answer = address(&url, &param(&url, "state"), code);
        let wrong = address(&url, "another-state", code);
        for answer in [wrong, answer] {
            ended("", account.keyway(&["login", NAME, "--answer", &answer, "-vv"]).run("").await);
        }
    }
    ended("", account.get("/user").await);
    ended("", account.keyway(&["token", "renew", NAME, "-vv"]).run("").await);
    ended("", account.keyway(&["logout", NAME, "-vv"]).run("").await);

    let exchanges = server.seen("/token");
    assert!(exchanges.len() >= 7 && server.count("/revoke") >= 1, "all of it was done: {said:?}");
    let mut secrets: Vec<String> = vec!["CNRY".into(), "access-".into(), "refresh-".into()];
    secrets.extend(exchanges.iter().filter_map(|seen| form(seen).remove("code_verifier")));
    for said in said {
        for secret in &secrets {
            assert!(!said.contains(secret), "`{secret}` is said: {said}");
        }
    }
}

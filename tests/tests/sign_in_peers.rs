//! The peers of the sign-in tests, without Keyway: that the browser is one, and that the Django server asks people and
//! insists on what a sign-in has to have.

mod support;

use std::{collections::HashMap, fs};

use keyway_tests::mock::{Mock, Seen, empty, labelled};
use support::{
    browser::Browser,
    django::{CALLBACK, DEVICE, Django, NATIVE, WEB},
    http, json,
};
use url::Url;

/// The example of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const PKCE: [(&str, &str); 2] = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

/// A client's side of a sign-in: any page, at a port that nobody has registered.
async fn client() -> Mock {
    Mock::start(|_| async { labelled(200, "text/html", "<h1>back</h1>") }).await
}

/// Where a client sends a person.
fn authorization_url(django: &Django, client_id: &str, client: &Mock, more: &[(&str, &str)]) -> String {
    let redirect_uri = format!("{}{CALLBACK}", client.url);
    let standard =
        [("response_type", "code"), ("client_id", client_id), ("redirect_uri", &redirect_uri), ("state", "the-state")];
    let all = standard.iter().chain(more);
    Url::parse_with_params(&django.url("/oauth2/authorize/"), all).expect("a URL").into()
}

/// What the server sent back through the browser.
async fn answer(browser: &Browser, client: &Mock) -> HashMap<String, String> {
    browser.wait_for("h1").await;
    assert_eq!(browser.text("h1").await, "back", "at {}", browser.url().await);
    let callbacks = client.seen(CALLBACK);
    let query = url::form_urlencoded::parse(callbacks.last().expect("the browser was there").query.as_bytes());
    query.into_owned().collect()
}

/// The processes of a group that still run.
fn running(group: u32) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("this is Linux").flatten() {
        // A process may end while it is looked at.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((name, rest)) = stat.rsplit_once(')') else { continue };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        if fields[0] != "Z" && fields[2] == group.to_string() {
            found.push(name.to_owned());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_is_one_and_ends_whole() {
    let page = "<title>A form</title><form method=post action=/sent><input name=word><button>Send</button></form>\
                <p id=here></p><script>document.querySelector('#here').textContent = 'scripts run'</script>";
    let server = Mock::start(move |seen: Seen| async move {
        match seen.path.as_str() {
            "/" => labelled(200, "text/html; charset=utf-8", page),
            "/sent" => labelled(200, "text/html; charset=utf-8", format!("<h1>{}</h1>", seen.text())),
            _ => empty(404),
        }
    })
    .await;
    let browser = Browser::start().await;
    browser.open(&server.url).await;
    assert_eq!(browser.text("#here").await, "scripts run");
    browser.fill("input", "a b").await;
    browser.click("button").await;
    assert_eq!(browser.text("h1").await, "word=a+b");
    assert_eq!(browser.url().await, format!("{}/sent", server.url));
    assert!(browser.screenshot().await.starts_with(b"\x89PNG\r\n"));

    let group = browser.process_group();
    assert!(running(group).len() > 2, "chromedriver and Chromium: {:?}", running(group));
    drop(browser);
    assert_eq!(running(group), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn django_asks_for_login_and_consent() {
    let (django, client) = (Django::start(&[("AUTO_APPROVE", "0")]), client().await);
    let browser = Browser::start().await;
    browser.open(&authorization_url(&django, WEB.0, &client, &PKCE)).await;
    django.log_in(&browser).await;
    assert_eq!(browser.text("h3").await, "Authorize web?");
    browser.click("input[name=allow]").await;
    let answered = answer(&browser, &client).await;
    assert_eq!(answered["state"], "the-state");

    let redirect_uri = format!("{}{CALLBACK}", client.url);
    let exchange = async |verifier: &str| {
        let grant =
            [("grant_type", "authorization_code"), ("code", &answered["code"]), ("redirect_uri", &redirect_uri)];
        let client = [("client_id", WEB.0), ("client_secret", WEB.1), ("code_verifier", verifier)];
        django.post("/oauth2/token/", &[grant, client].concat()).await
    };
    let refused = exchange("another-verifier-of-forty-three-characters-").await;
    assert_eq!((refused.status, json(refused.text())["error"].as_str()), (400, Some("invalid_grant")), "{refused}");
    let exchanged = exchange(VERIFIER).await;
    assert_eq!(exchanged.status, 200, "{exchanged}");
    let token = json(exchanged.text())["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(django.access_tokens(), std::slice::from_ref(&token));
    assert_eq!(django.get("/plain/", &token).await.status, 200);
    django.revoke(&token, WEB).await;
    assert_ne!(django.get("/plain/", &token).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn django_tells_that_a_person_cancelled() {
    let (django, client) = (Django::start(&[("AUTO_APPROVE", "0")]), client().await);
    let browser = Browser::start().await;
    browser.open(&authorization_url(&django, WEB.0, &client, &PKCE)).await;
    django.log_in(&browser).await;
    browser.click("input[value=Cancel]").await;
    let answered = answer(&browser, &client).await;
    assert_eq!((&*answered["error"], &*answered["state"]), ("access_denied", "the-state"));
}

#[tokio::test(flavor = "multi_thread")]
async fn django_requires_pkce_of_a_native_client_and_names_itself() {
    let (django, client) = (Django::start(&[("PKCE_REQUIRED", "0"), ("SEND_ISS", "1")]), client().await);
    let browser = Browser::start().await;
    browser.open(&authorization_url(&django, WEB.0, &client, &[])).await;
    django.log_in(&browser).await;
    let answered = answer(&browser, &client).await;
    assert!(answered.contains_key("code"), "{answered:?}");
    assert_eq!(answered["iss"], django.url("/oauth2"));
    browser.open(&authorization_url(&django, NATIVE, &client, &[])).await;
    assert_eq!(answer(&browser, &client).await["error"], "invalid_request");
    browser.open(&authorization_url(&django, NATIVE, &client, &PKCE)).await;
    assert!(answer(&browser, &client).await.contains_key("code"));
    // No port of a registered address is any port, but another path is another address.
    browser.open(&authorization_url(&django, NATIVE, &client, &PKCE).replace("callback", "elsewhere")).await;
    assert!(browser.url().await.starts_with(&django.url("/oauth2/authorize/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn django_lets_a_person_approve_or_deny_a_device() {
    let django = Django::start(&[("DEVICE_INTERVAL", "1")]);
    let browser = Browser::start().await;
    for (button, decided) in [("accept", "Device Authorized"), ("deny", "Device Denied")] {
        let asked = django.post("/oauth2/device-authorization/", &[("client_id", DEVICE), ("scope", "read")]).await;
        let asked = json(asked.text());
        let of = |name: &str| asked[name].as_str().unwrap_or_else(|| panic!("no {name}: {asked}")).to_owned();
        let poll = async || {
            let device_code = of("device_code");
            let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
            django.post("/oauth2/token/", &[grant, ("client_id", DEVICE), ("device_code", &device_code)]).await
        };
        assert_eq!(json(poll().await.text())["error"], "authorization_pending");
        browser.open(&of("verification_uri")).await;
        if browser.url().await.contains("/accounts/login/") {
            django.log_in(&browser).await;
        }
        browser.fill("input[name=user_code]", &of("user_code")).await;
        browser.click("form button").await;
        browser.click(&format!("button[value={button}]")).await;
        assert_eq!(browser.text("h1").await, decided);
        let polled = json(poll().await.text());
        match button {
            "accept" => assert!(polled["refresh_token"].is_string(), "{polled}"),
            _ => assert_eq!(polled["error"], "access_denied"),
        }
    }
    // The page that has the code in its address already.
    let asked = json(django.post("/oauth2/device-authorization/", &[("client_id", DEVICE)]).await.text());
    let complete = asked["verification_uri_complete"].as_str().expect("there is one");
    assert!(complete.contains(asked["user_code"].as_str().expect("there is one")), "{asked}");
    assert_eq!(asked["interval"], 1);
    assert_eq!(http::get(complete).await.status, 302, "it asks for a login first");
}

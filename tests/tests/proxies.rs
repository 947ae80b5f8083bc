//! Proxies: which requests go through them, what becomes of those that they spoil, and that their passwords are not told.

mod support;

use std::time::{Duration, Instant};

use base64::{Engine, prelude::BASE64_STANDARD};
use keyway_tests::{
    acme::acme,
    mock::{Mock, reply},
};
use serde_json::{Value, json};
use support::{
    Home, Keyway, Ran,
    addresses::a_name_of_this_machine,
    proxy::{Manner, Proxy},
    tls::{Secured, secured},
};
use tokio_rustls::rustls::version;
use url::Url;

const USER: &str = "{\"method\":\"GET\",\"url\":\"/user\"}\n";
const POST: &str = "{\"method\":\"POST\",\"url\":\"/user\"}\n";
const API: &str = "CONNECT api.acme.test:443";
const LOGIN: &str = "CONNECT login.acme.test:443";

/// An API behind TLS, which nobody finds but through a proxy.
struct Far {
    home: Home,
    server: Secured,
}

impl Far {
    async fn new() -> Self {
        let names = ["api.acme.test", "login.acme.test", "proxy.acme.test"];
        let (home, server) = (Home::new(), secured(&names, &[&version::TLS13]).await);
        home.write("ca.pem", &server.certificate_pem);
        let far = Self { home, server };
        far.describe("https://login.acme.test/token", "https://api.acme.test/api");
        far
    }

    fn describe(&self, token_endpoint: &str, base_url: &str) {
        let mut component = acme("https://unused.acme.test");
        component["oauth2"]["token_endpoint"] = token_endpoint.into();
        component["api"]["base_url"] = base_url.into();
        component["retry"]["count"] = 1.into();
        self.home.write("acme.json", component.to_string());
    }

    fn port(&self) -> u16 {
        Url::parse(&self.server.url).unwrap().port().unwrap()
    }

    /// A proxy that leads there.
    async fn proxy(&self) -> Proxy {
        Proxy::to(self.port()).await
    }

    /// A proxy that lets token requests through and does this with API requests.
    async fn spoiling(&self, manner: Manner) -> Proxy {
        let port = self.port();
        Proxy::start(move |asked| if asked.what == API { manner } else { Manner::Lead(port) }).await
    }

    fn run(&self) -> Keyway {
        self.run_within("2000")
    }

    /// A run whose connections may take so many milliseconds.
    fn run_within(&self, connect_timeout: &str) -> Keyway {
        let account = [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret")];
        let args = ["--token-store", "memory", "--connect-timeout-ms", connect_timeout];
        self.home.keyway(["run", "./acme.json", "--ca-file", "ca.pem"]).args(args).envs(account)
    }
}

#[track_caller]
fn arrived(ran: &Ran) {
    assert_eq!(ran.outcome()["body"], json!({"user_id": 1}), "{ran}");
}

#[track_caller]
fn failed(ran: &Ran, code: &str) -> Value {
    let outcome = ran.outcome();
    assert_eq!(outcome["error"]["code"], code, "{ran}");
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flag_and_each_variable_lead_tokens_and_requests_through_the_proxy() {
    let far = Far::new().await;
    for name in ["--proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = far.proxy().await;
        let run = match name {
            "--proxy" => far.run().args([name, &proxy.url()]),
            _ => far.run().env(name, proxy.url()),
        };
        arrived(&run.run(USER).await);
        assert_eq!(proxy.asked(), [API, LOGIN], "{name}");
        // The proxy sees where to, and nothing else.
        for asked in proxy.heads() {
            let head = asked.head.to_ascii_lowercase();
            assert!(!head.contains("authorization") && !head.contains("secret"), "{}", asked.head);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_named_without_a_scheme_is_one_of_http() {
    let far = Far::new().await;
    let proxy = far.proxy().await;
    let bare = proxy.url().replace("http://", "");
    arrived(&far.run().env("HTTPS_PROXY", bare).run(USER).await);
    let by_name = proxy.url().replace("http://127.0.0.1", "localhost");
    arrived(&far.run().args(["--proxy", &by_name]).run(USER).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_may_be_at_a_private_address_however_it_is_named() {
    let far = Far::new().await;
    let name = a_name_of_this_machine();
    let port = far.port();
    let proxy = Proxy::everywhere(move |_| Manner::Lead(port)).await;
    let bare = format!("{name}:{}", proxy.port());
    let mut refused = Vec::new();
    for url in [format!("http://{bare}"), format!("http://ada:password@{bare}"), bare] {
        for run in [far.run().args(["--proxy", &url]), far.run().env("HTTPS_PROXY", &url)] {
            let ran = run.run(USER).await;
            if ran.code() != Some(0) {
                refused.push(format!("{url}: {ran}"));
            }
        }
    }
    assert!(refused.is_empty(), "whoever sets a proxy means to reach it: {}", refused.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_variables_do_not_name_is_reached_directly() {
    let far = Far::new().await;
    // Nobody has ever heard of these names, so that what is reached directly is not reached at all.
    for (name, value) in [("NO_PROXY", "api.acme.test"), ("no_proxy", ".other.test, api.acme.test")] {
        let proxy = far.proxy().await;
        let ran = far.run().env("HTTPS_PROXY", proxy.url()).env(name, value).run(USER).await;
        failed(&ran, "network");
        assert_eq!(proxy.asked(), [LOGIN], "{name}");
    }
    for (name, value) in [("NO_PROXY", "*"), ("no_proxy", "acme.test"), ("NO_PROXY", ".acme.test")] {
        let proxy = far.proxy().await;
        let ran = far.run().env("ALL_PROXY", proxy.url()).env(name, value).run(USER).await;
        failed(&ran, "token_unavailable");
        assert_eq!(proxy.asked(), [""; 0], "{name}={value}");
    }
    // Another scheme's proxy is not this one's.
    for name in ["HTTP_PROXY", "http_proxy"] {
        let proxy = far.proxy().await;
        failed(&far.run().env(name, proxy.url()).run(USER).await, "token_unavailable");
        assert_eq!(proxy.asked(), [""; 0], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flag_takes_the_place_of_all_variables() {
    let far = Far::new().await;
    let (meant, other) = (far.proxy().await, far.proxy().await);
    let variables =
        |run: Keyway| run.env("HTTPS_PROXY", other.url()).env("ALL_PROXY", other.url()).env("NO_PROXY", "*");
    arrived(&variables(far.run()).args(["--proxy", &meant.url()]).run(USER).await);
    assert_eq!((meant.asked(), other.asked()), (vec![API.to_owned(), LOGIN.to_owned()], vec![]));
    let ran = far.run().env("HTTPS_PROXY", other.url()).args(["--proxy", "none"]).run(USER).await;
    failed(&ran, "token_unavailable");
    assert_eq!(other.asked(), [""; 0], "`none` is none, whatever the environment says");
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_never_reached_through_a_proxy() {
    let far = Far::new().await;
    let proxy = far.proxy().await;
    let through = |run: Keyway| {
        let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
        names.iter().fold(run, |run, name| run.env(name, proxy.url())).env("NO_PROXY", "")
    };
    let plain = Mock::api(|_| async { reply(200, &json!({"user_id": 1})) }).await;
    let local = secured(&["localhost"], &[&version::TLS13]).await;
    far.home.write("ca.pem", &local.certificate_pem);
    for url in [&plain.url, &plain.url.replace("127.0.0.1", "localhost"), &local.url] {
        far.describe(&format!("{url}/token"), &format!("{url}/api"));
        arrived(&through(far.run()).run(USER).await);
        arrived(&through(far.run()).args(["--proxy", &proxy.url()]).run(USER).await);
    }
    assert_eq!(proxy.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxys_password_reaches_the_proxy_and_nobody_else() {
    const PASSWORD: &str = "CNRY+proxy@pass";
    let far = Far::new().await;
    let basic = BASE64_STANDARD.encode(format!("ada:{PASSWORD}"));
    let wanted = format!("proxy-authorization: basic {basic}").to_ascii_lowercase();
    let port = far.port();
    let encoded = "ada:CNRY%2Bproxy%40pass";
    let strict = || {
        let wanted = wanted.clone();
        Proxy::start(move |asked| match asked.head.to_ascii_lowercase().contains(&wanted) {
            true => Manner::Lead(port),
            false => Manner::Refuse(407),
        })
    };
    let proxy = strict().await;
    let loud = |run: Keyway| run.arg("-vvv").env("KEYWAY_LOG", "trace");
    // Taken, and refused all the same, by a proxy that closes, and by none that is there.
    let (good, closing) = (proxy.url_for(encoded), Proxy::start(|_| Manner::Close).await.url_for(encoded));
    let refusing = Proxy::start(|_| Manner::Refuse(407)).await;
    for url in [good, refusing.url_for(encoded), closing, format!("http://{encoded}@127.0.0.1:1")] {
        for by_flag in [true, false] {
            let run = loud(far.run());
            let run = if by_flag { run.args(["--proxy", &url]) } else { run.env("HTTPS_PROXY", &url) };
            let ran = run.run(USER).await;
            if url.contains(&proxy.url()["http://".len()..]) {
                arrived(&ran);
            } else {
                failed(&ran, "token_unavailable");
            }
            let told = format!("{}{}", ran.text(), ran.stderr);
            for secret in [PASSWORD, "CNRY", basic.as_str()] {
                assert!(!told.contains(secret), "`{secret}` is told: {told}");
            }
        }
    }
    // Without it the proxy refuses, and what the server gets never holds it.
    failed(&far.run().args(["--proxy", &proxy.url()]).run(USER).await, "token_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_is_no_answer_of_the_api() {
    let far = Far::new().await;
    for status in [403, 407, 502] {
        let proxy = far.spoiling(Manner::Refuse(status)).await;
        let outcome = failed(&far.run().args(["--proxy", &proxy.url()]).run(POST).await, "network");
        // It never left: also a POST may be repeated without harm, and was.
        assert_eq!((&outcome["error"]["retryable"], &outcome["attempts"]), (&json!(true), &json!(2)), "{outcome}");
        assert_eq!((outcome.get("status"), outcome.get("body")), (None, None), "{outcome}");

        let proxy = Proxy::start(move |_| Manner::Refuse(status)).await;
        let outcome = failed(&far.run().args(["--proxy", &proxy.url()]).run(USER).await, "token_unavailable");
        assert_eq!(outcome["error"]["retryable"], true, "{outcome}");
        assert_eq!(proxy.asked(), [LOGIN]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_by_a_proxy_is_told_that_it_was_the_proxy() {
    let far = Far::new().await;
    let proxy = Proxy::start(|_| Manner::Refuse(407)).await;
    let outcome = failed(&far.run().args(["--proxy", &proxy.url()]).run(USER).await, "token_unavailable");
    assert!(outcome["error"]["message"].as_str().unwrap().contains("proxy"), "{outcome}");
    let proxy = far.spoiling(Manner::Refuse(403)).await;
    let outcome = failed(&far.run().args(["--proxy", &proxy.url()]).run(USER).await, "network");
    assert!(outcome["error"]["message"].as_str().unwrap().contains("proxy"), "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_hangs_costs_no_more_than_the_time_for_a_connection() {
    let far = Far::new().await;
    let begun = Instant::now();
    let proxy = far.spoiling(Manner::Hang).await;
    // The token's own connections go through it too, and have to be made in this time.
    let ran = far.run_within("1000").args(["--retry-count", "0", "--proxy", &proxy.url()]).run(POST).await;
    assert_eq!(failed(&ran, "timeout")["error"]["retryable"], true, "nothing was sent: {ran}");
    let proxy = Proxy::start(|_| Manner::Hang).await;
    let ran = far.run_within("200").args(["--retry-count", "0", "--proxy", &proxy.url()]).run(USER).await;
    failed(&ran, "token_unavailable");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_lies_is_not_believed() {
    let far = Far::new().await;
    let somebody_else = secured(&["api.acme.test"], &[&version::TLS13]).await;
    let elsewhere = Manner::Lead(Url::parse(&somebody_else.url).unwrap().port().unwrap());
    for (manner, code) in [(Manner::Lie, "tls"), (elsewhere, "tls"), (Manner::Babble, "network")] {
        let proxy = far.spoiling(manner).await;
        let outcome = failed(&far.run().args(["--proxy", &proxy.url()]).run(POST).await, code);
        assert_eq!(outcome.get("body"), None, "{manner:?}: {outcome}");
        assert_eq!(outcome["error"]["retryable"], code == "network", "{manner:?}: {outcome}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_closes_is_an_outage() {
    let far = Far::new().await;
    for manner in [Manner::Close, Manner::CloseAfterwards] {
        let proxy = far.spoiling(manner).await;
        let outcome = failed(&far.run().args(["--proxy", &proxy.url()]).run(POST).await, "network");
        assert_eq!((&outcome["error"]["retryable"], &outcome["attempts"]), (&json!(true), &json!(2)), "{outcome}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_asked_for_names_whatever_they_are_and_never_for_a_private_address() {
    let far = Far::new().await;
    // The proxy looks names up: what they lead to is its business.
    far.describe("https://login.acme.test/token", "https://metadata.internal/api");
    let proxy = far.proxy().await;
    failed(&far.run().args(["--proxy", &proxy.url()]).run(USER).await, "tls");
    assert_eq!(proxy.asked(), [LOGIN, "CONNECT metadata.internal:443"]);
    for host in
        ["10.1.2.3", "169.254.169.254", "0xa9fea9fe", "192.168.1", "0.0.0.0", "[fd00:ec2::254]", "[::ffff:10.0.0.1]"]
    {
        let proxy = far.proxy().await;
        far.describe("https://login.acme.test/token", &format!("https://{host}/api"));
        failed(&far.run().args(["--proxy", &proxy.url()]).run(USER).await, "address_not_allowed");
        assert_eq!(proxy.asked(), [LOGIN], "{host}");
        let proxy = far.proxy().await;
        far.describe(&format!("https://{host}/token"), "https://api.acme.test/api");
        let outcome = failed(&far.run().env("HTTPS_PROXY", proxy.url()).run(USER).await, "token_unavailable");
        assert!(outcome["error"]["message"].as_str().unwrap().contains("--allow-private-network"), "{outcome}");
        assert_eq!(proxy.asked(), [""; 0], "{host}");
    }
    let proxy = far.proxy().await;
    far.describe("https://login.acme.test/token", "https://10.1.2.3/api");
    let allowed = far.run().args(["--allow-private-network", "10.1.2.3", "--proxy", &proxy.url()]);
    failed(&allowed.run(USER).await, "tls");
    assert_eq!(proxy.asked(), ["CONNECT 10.1.2.3:443", LOGIN]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_cannot_be_used_is_told_and_nothing_goes_past_it() {
    let far = Far::new().await;
    let proxy = far.proxy().await;
    let port = proxy.url().rsplit(':').next().unwrap().to_owned();
    let unusable = [
        String::new(),
        "no proxy".to_owned(),
        "http://".to_owned(),
        format!("ftp://127.0.0.1:{port}"),
        format!("socks5://127.0.0.1:{port}"),
    ];
    let mut wrong = Vec::new();
    for url in unusable {
        for variable in [false, true] {
            // An empty variable is none, and words are none that could be meant.
            if variable && !url.contains("://1") {
                continue;
            }
            let run = far.run();
            let run = if variable { run.env("HTTPS_PROXY", &url) } else { run.args(["--proxy", &url]) };
            let ran = run.run(USER).await;
            let told = format!("{}{}", String::from_utf8_lossy(&ran.stdout), ran.stderr);
            if ran.code() == Some(0) || !told.contains("proxy") || told.contains("looked up") {
                wrong.push(format!("`{url}`, by a variable: {variable}: {ran}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! The secret canary: no secret is seen in any output, in whatever form, of any command, at any log level, whether all
//! goes well or anything goes wrong. Servers echo what they are sent wherever a server's words are passed on.
//!
//! An API's bodies are the user's own data and are not looked at here: the mock API echoes in headers only.

mod support;

use std::fs;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use keyway::{
    Account, Credential, CredentialFile, ExpirySource, Failure, Host, Message, OAuthAnswer, Secret, SecretRef, Token,
    TokenError, TokenErrorKind,
};
use keyway_tests::{
    acme,
    mock::{Mock, empty, reply},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use support::{
    Home, Keyway,
    canary::{
        API_KEY, APP_TOKEN, CLIENT_ID, CLIENT_SECRET, CODE, LOGS, LOUD, Leaks, PASSWORD, PROXY_PASSWORD, REFRESH_TOKEN,
        leak, logging, stores_are_closed, with_header,
    },
    echoing::{TOKEN_MODES, servers},
    workspace,
};

/// A way to be an account: grant, client authentication, encoding of token requests.
#[derive(Clone, Copy)]
struct Shape {
    grant: &'static str,
    auth: &'static str,
    encoding: &'static str,
}

/// The component with its token endpoint in this mode.
fn component(shape: Shape, token_endpoint: &str, base_url: &str) -> Value {
    json!({
        "keyway": 1, "name": "acme", "title": "Acme", "version": "1.0.0",
        "environments": {"production": {}, "sandbox": {}}, "default_environment": "production",
        "variables": {
            "app_token": {"title": "App token", "secret": true},
            "vault_key": {"title": "A key beside the token", "secret": true}
        },
        "oauth2": {
            "authorization_endpoint": "http://127.0.0.1:9/authorize",
            "token_endpoint": token_endpoint,
            "token_endpoint_auth_method": shape.auth,
            "scope": {"default": ["all"]},
            "grants": {
                "client_credentials": {}, "password": {}, "refresh_token": {},
                "authorization_code": {"code_challenge_method": "none"}
            },
            "custom_grants": {"app": {"grant_type": "app", "token_params": {"app_token": "{app_token}"}}},
            "token_request": {"encoding": shape.encoding}
        },
        "api": {
            "base_url": base_url,
            "authorization": {"in": "header", "name": "Authorization", "scheme": "Bearer"},
            "headers": {"x-vault-key": "{vault_key}"}
        },
        "retry": {"count": 1, "delay_ms": 1, "backoff": "fixed", "max_wait_ms": 50, "max_elapsed_ms": 5000, "statuses": [500, 502, 503, 504]}
    })
}

/// The account's environment variables.
fn account(shape: Shape) -> Vec<(&'static str, &'static str)> {
    let mut account = vec![
        ("ACME_CLIENT_ID", CLIENT_ID),
        ("ACME_CLIENT_SECRET", CLIENT_SECRET),
        ("ACME_ENVIRONMENT", "production"),
        ("ACME_GRANT", shape.grant),
        ("ACME_VAULT_KEY", API_KEY),
    ];
    match shape.grant {
        "password" => account.extend([("ACME_USERNAME", "ada"), ("ACME_PASSWORD", PASSWORD)]),
        "authorization_code" => {
            account.extend([("ACME_CODE", CODE), ("ACME_REDIRECT_URI", "https://app.example.org/callback")]);
        }
        "refresh_token" => account.push(("ACME_REFRESH_TOKEN", REFRESH_TOKEN)),
        "app" => account.push(("ACME_APP_TOKEN", APP_TOKEN)),
        _ => {}
    }
    account
}

/// `keyway ARGS` with the account and its component.
fn keyway(home: &Home, shape: Shape, component: &Value, args: &[&str]) -> Keyway {
    home.write("components/acme.json", component.to_string());
    let limits = ["--token-timeout-ms", "200", "--components"];
    home.keyway(args.iter().copied()).args(limits).arg(home.file("components")).envs(account(shape))
}

/// Every way in which the API's side may end.
fn messages() -> String {
    [
        r#"{"method":"GET","url":"/ok"}"#,
        r#"{"method":"GET","url":"/404"}"#,
        r#"{"method":"POST","url":"/500","body":{}}"#,
        r#"{"method":"GET","url":"/500"}"#,
        r#"{"method":"GET","url":"/cut"}"#,
        r#"{"method":"POST","url":"/cut","body":{}}"#,
        r#"{"method":"GET","url":"/label"}"#,
        r#"{"method":"GET","url":"/round"}"#,
        r#"{"method":"GET","url":"/loop"}"#,
        r#"{"method":"GET","url":"/hang","timeout_ms":50,"retry":{"count":0}}"#,
        r#"{"method":"GET","url":"/404?access_token=CNRYquery%2B1&q=1"}"#,
        r#"{"method":"GET","url":"/404","query":{"api_key":"CNRYquery2"}}"#,
        r#"{"method":"GET","url":"https://evil.example/steal"}"#,
        r#"{"method":"GET","url":"/../token"}"#,
        r#"{"method":"GET","url":"/{vault_key}"}"#,
        r#"{"method":"GET","url":"/ok","headers":{"authorization":"Bearer CNRYheader"}}"#,
        r#"{"method":"GET","url":"/ok","headers":{"x-vault-key":"CNRYheader2"}}"#,
        r#"{"method":"GET","url":"/401"}"#,
        r#"{"method":"GET","url":"/429"}"#,
        "no json",
        "",
    ]
    .join("\n")
}

/// Every failure of the token endpoint, and every end of the API's side, for one shape of account.
async fn sing(shape: Shape, logs: &[(&[&str], &str)]) {
    let (home, servers) = (Home::new(), servers().await);
    let base = format!("{}/api", servers.url);
    let mut places: Vec<(String, String)> =
        TOKEN_MODES.iter().map(|mode| ((*mode).to_owned(), format!("{}/{mode}/token", servers.url))).collect();
    // TLS to a port that speaks none, and a port where nobody listens.
    places.push(("tls".to_owned(), servers.url.replace("http:", "https:") + "/ok/token"));
    places.push(("nobody".to_owned(), "http://127.0.0.1:9/token".to_owned()));
    let mut leaks = Leaks::default();
    for (mode, place) in &places {
        let component = component(shape, place, &base);
        for (n, logs) in logs.iter().enumerate() {
            let letters = home.file("letters.ndjson");
            let store = home.file(&format!("store-{mode}-{n}"));
            let args = [
                "run",
                "acme",
                "--dead-letter",
                &letters,
                "--token-store",
                &store,
                "--allow-private-network",
                "127.0.0.1",
            ];
            let lines = if mode == "ok" { messages() } else { r#"{"method":"GET","url":"/ok"}"#.to_owned() };
            let ran = logging(keyway(&home, shape, &component, &args), *logs).run(lines).await;
            let good = matches!(mode.as_str(), "ok" | "header");
            assert_eq!(ran.code(), Some(i32::from(!good || mode == "ok")), "{mode} {logs:?}: {ran}");
            assert!(!ran.stdout.is_empty(), "{mode} {logs:?}: {ran}");
            leaks.look(mode, &ran);
            let _ = fs::remove_file(&letters);
        }
        // What a person sees of the same.
        let args = ["request", "acme", "GET", "/ok", "--token-store", "memory"];
        leaks.look(mode, &keyway(&home, shape, &component, &args).run("").await);
    }
    leaks.none();
    stores_are_closed(home.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_in_a_form() {
    let shape = Shape { grant: "client_credentials", auth: "client_secret_post", encoding: "form" };
    sing(shape, &LOGS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_credentials_by_basic_and_json() {
    let shape = Shape { grant: "client_credentials", auth: "client_secret_basic", encoding: "json" };
    sing(shape, &LOUD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn password_by_raw_basic() {
    let shape = Shape { grant: "password", auth: "client_secret_basic_raw", encoding: "form" };
    sing(shape, &LOUD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_its_own_in_the_query() {
    let shape = Shape { grant: "app", auth: "client_secret_post", encoding: "query" };
    sing(shape, &LOUD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authorization_code_as_json() {
    let shape = Shape { grant: "authorization_code", auth: "client_secret_post", encoding: "json" };
    sing(shape, &LOUD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_token_in_a_form() {
    let shape = Shape { grant: "refresh_token", auth: "client_secret_basic", encoding: "form" };
    sing(shape, &LOUD).await;
}

/// The token that a message was signed with comes back in a redirect that is not followed.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_that_carries_the_token() {
    echoed_in_location(&[("GET", "/away"), ("POST", "/away")]).await;
}

/// The same beside an error.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_carries_the_token() {
    echoed_in_location(&[("GET", "/gone"), ("GET", "/refused")]).await;
}

async fn echoed_in_location(requests: &[(&str, &str)]) {
    let (home, servers) = (Home::new(), servers().await);
    let component = component(SHAPE, &format!("{}/ok/token", servers.url), &format!("{}/api", servers.url));
    let mut leaks = Leaks::default();
    for logs in LOUD {
        for (method, url) in requests {
            for form in [&[][..], &["--json"]] {
                let run = keyway(&home, SHAPE, &component, &["request", "acme", method, url]);
                let ran = logging(run, logs).args(form.iter().copied()).run("").await;
                leaks.look(&format!("{method} {url} {form:?}"), &ran);
            }
        }
    }
    leaks.none();
}

/// Links to further pages that carry the token, here and elsewhere, parts of a body, and a recording of both. What the API
/// itself says (`headers` and `body` of results) is the user's; all else is looked at.
#[tokio::test(flavor = "multi_thread")]
async fn pages_parts_and_recordings() {
    let server = Mock::start(|seen| async move {
        let token = "CNRYpageToken+1";
        let sent: String = seen.header("authorization").replace("Bearer ", "").replace('+', "%2B");
        match (seen.path.as_str(), seen.query.as_str()) {
            ("/token", _) => {
                reply(200, &json!({"access_token": token, "refresh_token": "CNRYpageRefresh", "expires_in": 3600}))
            }
            ("/api/list", "") => {
                with_header(reply(200, &json!([1])), "link", format!("</api/list?token={sent}>; rel=next"))
            }
            ("/api/list", _) => {
                with_header(reply(200, &json!([2])), "link", format!("<https://evil.example/?token={sent}>; rel=next"))
            }
            ("/api/upload", _) => reply(400, &json!({"error": "no"})),
            _ => empty(404),
        }
    })
    .await;
    let mut component = component(SHAPE, &format!("{}/token", server.url), &format!("{}/api", server.url));
    component["actions"] = json!({
        "list": { "method": "GET", "url": "/list", "pagination": { "next": "link" } },
        "upload": {
            "method": "POST", "url": "/upload",
            "multipart": { "note": "{note}", "file": { "filename": "{name}" } },
            "params": { "type": "object", "properties": { "note": {}, "name": {} } }
        }
    });
    let lines = [
        json!({ "action": "list", "paginate": { "each": "item" } }),
        json!({ "action": "list", "paginate": { "each": "page" } }),
        json!({ "action": "upload", "params": { "note": "n", "name": "f" }, "text": "t" }),
    ];
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (home, mut leaks) = (Home::new(), Leaks::default());
    for logs in LOGS {
        let ran = logging(keyway(&home, SHAPE, &component, &["run", "acme"]), logs).run(input.as_str()).await;
        leaks.look_at("errors of run", &ran.stderr);
        let outcomes = ran.outcomes();
        assert_eq!(outcomes.len(), 7, "two pages and a refused link, twice, and a refused upload: {ran}");
        for outcome in outcomes {
            leaks.look_at("error of an outcome", &outcome["error"].to_string());
        }
    }
    home.write("acme/component.json", component.to_string());
    let record = ["component", "record", "acme/component.json", "all", "--retry-count", "0"];
    let ran = keyway(&home, SHAPE, &component, &record).run(input.as_str()).await;
    leaks.look("record", &ran);
    leaks.look_at("what is recorded", &fs::read_to_string(home.file("acme/exchanges/all.json")).unwrap());
    leaks.none();
}

const SHAPE: Shape = Shape { grant: "client_credentials", auth: "client_secret_post", encoding: "form" };

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_cannot_be_reached() {
    let (home, servers) = (Home::new(), servers().await);
    let token = format!("{}/ok/token", servers.url);
    let mut leaks = Leaks::default();
    let bases = [servers.url.replace("http:", "https:") + "/api", "http://127.0.0.1:9/api".to_owned()];
    for base in bases {
        for logs in LOGS {
            let args = ["run", "acme", "--allow-private-network", "127.0.0.1"];
            let run = logging(keyway(&home, SHAPE, &component(SHAPE, &token, &base), &args), logs);
            let ran = run.run("{\"method\":\"GET\",\"url\":\"/ok?token=CNRYquery3\"}\n").await;
            assert_eq!(ran.code(), Some(1), "{ran}");
            leaks.look(&base, &ran);
        }
    }
    leaks.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_with_a_password() {
    let (home, servers) = (Home::new(), servers().await);
    let component = component(SHAPE, &format!("{}/ok/token", servers.url), &format!("{}/api", servers.url));
    let proxies = [
        format!("http://user:{PROXY_PASSWORD}@127.0.0.1:9"),
        format!("http://user:{PROXY_PASSWORD}@proxy.invalid:9"),
        format!("{}/?{PROXY_PASSWORD}", servers.url.replace("http://", &format!("http://user:{PROXY_PASSWORD}@"))),
        format!("ftp://user:{PROXY_PASSWORD}@127.0.0.1"),
        format!("user:{PROXY_PASSWORD}@127.0.0.1:99999"),
    ];
    let mut leaks = Leaks::default();
    for proxy in &proxies {
        for logs in LOUD {
            let run = logging(keyway(&home, SHAPE, &component, &["request", "acme", "GET", "/404"]), logs);
            leaks.look(&format!("--proxy {proxy}"), &run.args(["--proxy", proxy]).run("").await);
            let run = logging(keyway(&home, SHAPE, &component, &["request", "acme", "GET", "/404"]), logs);
            let ran = run.env("HTTP_PROXY", proxy).env("HTTPS_PROXY", proxy).run("").await;
            leaks.look(&format!("HTTP_PROXY {proxy}"), &ran);
        }
    }
    leaks.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_other_command_with_an_account_in_the_environment() {
    let home = Home::new();
    let component = component(SHAPE, "https://api.example.com/token", "https://api.example.com");
    home.write("components/acme.json", component.to_string());
    let (folder, file) = (home.file("components"), home.file("components/acme.json"));
    let commands: [&[&str]; 12] = [
        &["component", "list", "--components", &folder],
        &["component", "show", "acme", "--components", &folder],
        &["component", "show", &file],
        &["component", "check", &file],
        &["schema", "credential"],
        &["completions", "bash"],
        &["run", "--help"],
        &["request", "--help"],
        &["run", "acme", "--components", &folder, "--grant", "device"],
        &["run", "acme", "--components", &folder, "--environment", "nowhere"],
        &["run", "acme", "--components", &folder, "--no-such-flag"],
        &["run", "acme"],
    ];
    let mut leaks = Leaks::default();
    for command in commands {
        for logs in LOUD {
            let mut account = account(SHAPE);
            // All grants are possible: the error names them.
            account.retain(|(name, _)| *name != "ACME_GRANT");
            account.extend([("ACME_USERNAME", "ada"), ("ACME_PASSWORD", PASSWORD), ("ACME_APP_TOKEN", APP_TOKEN)]);
            let run = logging(home.keyway(command.iter().copied()), logs).envs(account);
            leaks.look(&format!("{command:?}"), &run.run(messages()).await);
        }
    }
    leaks.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_do_not_fit_are_not_shown_where_they_are_secret() {
    let (home, servers) = (Home::new(), servers().await);
    let mut component = component(SHAPE, &format!("{}/ok/token", servers.url), &format!("{}/api", servers.url));
    component["variables"]["vault_key"]["pattern"] = json!("[a-z]+");
    let mut leaks = Leaks::default();
    for (name, value) in [
        ("ACME_VAULT_KEY", API_KEY),
        // No header can carry it.
        ("ACME_VAULT_KEY", "CNRYline\nbreak"),
    ] {
        let run = keyway(&home, SHAPE, &component, &["request", "acme", "GET", "/ok"]).env(name, value);
        leaks.look(&format!("{name}={value}"), &run.run("").await);
        component["variables"]["vault_key"].as_object_mut().expect("an object").remove("pattern");
    }
    // A mounted file with a secret that cannot be one.
    let (empty, long) = (home.write("empty", ""), home.write("long", CLIENT_SECRET.repeat(9_000)));
    for path in [empty, long] {
        let mut account = account(SHAPE);
        account.retain(|(name, _)| *name != "ACME_CLIENT_SECRET");
        let run = home.keyway(["request", "acme", "GET", "/ok", "--components"]).arg(home.file("components"));
        leaks.look(&path, &run.envs(account).env("ACME_CLIENT_SECRET_FILE", &path).run("").await);
    }
    leaks.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_stands_in_a_credential_file_is_not_drawn() {
    let home = Home::new();
    let faulty = [
        json!({"secrets": {"client_secret": CLIENT_SECRET}}),
        json!({"secrets": {"client_secret": {"value": CLIENT_SECRET}}}),
        json!({"secrets": {"app_token": [APP_TOKEN]}}),
        json!({"client_secret": CLIENT_SECRET}),
        json!({"client_secret": [CLIENT_SECRET]}),
        json!({"password": PASSWORD, "clientSecret": CLIENT_SECRET}),
        json!({"variables": {"app_token": APP_TOKEN}}),
        json!({"variables": {"client_secret": CLIENT_SECRET}}),
    ];
    let mut leaks = Leaks::default();
    for fault in faulty {
        let mut credential =
            json!({"keyway": 1, "component": "podio", "client_id": "x", "grant": "password", "username": "ada"});
        credential.as_object_mut().expect("an object").extend(fault.as_object().cloned().unwrap_or_default());
        for text in [credential.to_string(), serde_json::to_string_pretty(&credential).expect("it is JSON")] {
            // A comma too many is a fault of its own, on the same line as a secret.
            for text in [text.clone(), text.replace("}", ",}")] {
                let file = home.write("account.json", &text);
                let ran = home.keyway(["run", "podio", "-vvv", "--credential", &file]).run("").await;
                assert_eq!(ran.code(), Some(2), "{ran}");
                leaks.look(&text, &ran);
            }
        }
    }
    leaks.none();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_components_with_the_simulator_at_every_level() {
    let home = Home::new();
    for logs in LOGS {
        let input = fs::read_to_string(workspace().join("components/podio/examples/messages.ndjson"))
            .unwrap_or_else(|_| "{\"method\":\"GET\",\"url\":\"/user\"}\n".to_owned());
        let ran = logging(home.keyway(["run", "podio", "--simulator"]), logs).run(input).await;
        // Its demo account is no secret of anybody's; still, logs treat it like one.
        for secret in ["simulator-client-secret", "simulator-password", "simulator-app-token"] {
            assert!(!ran.stderr.contains(secret), "{ran}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn debug_output_of_the_library_shows_none() {
    let servers = servers().await;
    let folder =
        acme::folder(&component(SHAPE, &format!("{}/plain/token", servers.url), &format!("{}/api", servers.url)));
    let host = Host::builder().components_dir(folder.path()).build().expect("the component is sound");
    let all = account(SHAPE).into_iter().chain([("ACME_PASSWORD", PASSWORD), ("ACME_APP_TOKEN", APP_TOKEN)]);
    let credential = Credential::from_vars("acme", all);
    let connection = host.connect(credential.clone()).expect("the account is complete");
    let answer = connection.send(Message::get("/ok")).await.expect("it is there");
    let failures: Vec<Failure> = [
        connection.send(Message::get("/404")).await,
        connection.send(Message::get("/cut")).await,
        connection.send(Message::get("/401")).await,
    ]
    .into_iter()
    .filter_map(Result::err)
    .collect();
    assert_eq!(failures.len(), 3);
    let token: std::sync::Arc<Token> = connection.tokens().current().await.expect("memory").expect("a token");
    let account: &Account = connection.account();
    let made = Token {
        access_token: Secret::new(CLIENT_SECRET),
        refresh_token: Some(Secret::new(REFRESH_TOKEN)),
        obtained_at: std::time::SystemTime::now(),
        expires_at: None,
        expiry_source: ExpirySource::Unknown,
        scope: None,
        extra: [("ref".to_owned(), json!({"token": APP_TOKEN}))].into_iter().collect(),
        dpop_key: None,
        captured: Default::default(),
        begun_with: None,
    };
    let file: CredentialFile = serde_json::from_value(
        json!({"keyway": 1, "component": "acme", "secrets": {"client_secret": {"env": "ACME_CLIENT_SECRET"}}}),
    )
    .expect("a credential");
    let shown = [
        format!("{credential:?} {credential:#?}"),
        format!("{host:?} {host:#?}"),
        format!("{connection:?} {:?} {:?}", connection.tokens(), connection.token_stats()),
        format!("{account:?}"),
        format!("{token:?} {made:?} {made:#?}"),
        format!("{:?} {:?}", Secret::new(CLIENT_SECRET), SecretRef::Env("X".to_owned())),
        format!("{file:?} {:?}", Credential::from_value(file.clone())),
        format!("{answer:?}"),
        format!("{:?}", host.redactor()),
        failures.iter().map(|failure| format!("{failure:?} {failure}")).collect(),
    ];
    let mut leaks = Leaks::default();
    for text in shown {
        leaks.look_at(&text.chars().take(40).collect::<String>(), &text);
    }
    leaks.none();
}

#[test]
fn the_canary_can_sing() {
    for form in [
        format!("x {CLIENT_SECRET} y"),
        json!({"a": PASSWORD}).to_string(),
        utf8_percent_encode(APP_TOKEN, NON_ALPHANUMERIC).to_string(),
        STANDARD_NO_PAD.encode(CODE),
        URL_SAFE_NO_PAD.encode(REFRESH_TOKEN),
        base64::prelude::BASE64_STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")),
        base64::prelude::BASE64_STANDARD.encode(format!("id2:{CLIENT_SECRET}!")),
        format!("{:?}", API_KEY.as_bytes()),
    ] {
        assert!(leak(&form).is_some(), "{form}");
    }
    assert_eq!(leak("no secret here: *** and Bearer ***"), None);
    let quiet = TokenError {
        kind: TokenErrorKind::Denied,
        message: "refused".to_owned(),
        oauth: Some(Box::new(OAuthAnswer::default())),
        retry_after: None,
    };
    assert_eq!(leak(&format!("{quiet:?}")), None);
}

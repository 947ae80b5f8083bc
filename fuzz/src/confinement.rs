//! No message leaves the API of its component, takes the token or a secret where it may not go, or splits a header.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use keyway::{Connection, Credential, Host, Message, Origin, Transport};
use keyway_http::{AttemptEnd, SendFuture, WireAnswer, WireCall};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

/// The secrets of the account, and its token.
const SECRETS: &[&str] = &["canary-api-key", "canary-client-secret", "canary-access-token"];

/// What a message may bring is in the first line, a JSON object of `params`, `query`, `headers` and `body`; the rest
/// is its URL, or `action:` and an action's name.
///
/// # Panics
/// A request goes out that must not.
pub fn check(data: &[u8]) {
    let (head, url) = super::split(data, b"\n");
    let Ok(url) = std::str::from_utf8(url) else { return };
    let given: Map<String, Value> = serde_json::from_slice(head).unwrap_or_default();
    let members = |name: &str| given.get(name).and_then(Value::as_object).into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut message = match url.strip_prefix("action:") {
        Some(name) => Message::action(name),
        None => Message::post(url),
    };
    for (name, value) in members("params") {
        message = message.param(name, value.clone());
    }
    for (name, value) in members("query") {
        message = message.query(name, text(value));
    }
    for (name, value) in members("headers") {
        message = message.header(name, text(value));
    }
    if let Some(body) = given.get("body").and_then(Value::as_str) {
        message = message.text(body);
    }
    let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    let explained = place.connection.explain(&message);
    place.wire.take();
    let sent = place.runtime.block_on(place.connection.send(message));
    let calls = place.wire.take();
    match (&explained, calls.as_slice()) {
        (Ok(explained), [call]) => {
            assert!(sent.is_ok(), "{sent:?}");
            is_confined(place.connection.account(), call);
            for (name, value) in &explained.headers {
                assert!(!format!("{name}{value}").contains(['\r', '\n']), "{name:?}: {value:?}");
            }
            let shown = format!("{explained:?}{}", String::from_utf8_lossy(&explained.body));
            for secret in SECRETS {
                // What a message brings itself is masked too, so this holds for any message.
                assert!(!shown.contains(secret), "{secret} is in {shown}");
            }
        }
        (Err(_), []) => assert!(sent.is_err(), "what is not explained is not sent"),
        (explained, calls) => panic!("{explained:?} and {} calls", calls.len()),
    }
}

fn is_confined(account: &keyway::Account, call: &WireCall) {
    let endpoints = &account.endpoints;
    let url = &call.url;
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
    let origin = Origin::of(url).expect("http or https");
    let known = endpoints.api_origins.iter().find(|(known, _)| *known == origin);
    let (_, with_token) = known.unwrap_or_else(|| panic!("{url} is on no origin of the API"));
    let at_base = endpoints.base_url.as_ref().and_then(Origin::of).as_ref() == Some(&origin);
    for path in decoded_twice(url.path()) {
        if at_base {
            let base = endpoints.base_url.as_ref().map_or("", |url| url.path());
            let rest = path.strip_prefix(base).unwrap_or_else(|| panic!("{url} is not below {base}"));
            assert!(rest.is_empty() || rest.starts_with('/'), "{url} is beside {base}");
        }
        for segment in path.split(['/', '\\']) {
            let name = segment.split(';').next().unwrap_or_default();
            assert!(!matches!(name, "." | ".."), "{url} has a dot segment: {path}");
        }
        for endpoint in endpoints.oauth.iter().filter(|endpoint| Origin::of(endpoint).as_ref() == Some(&origin)) {
            assert_ne!(segments(endpoint.path()), segments(&path), "{url} is an OAuth endpoint");
        }
    }
    for (name, value) in &call.headers {
        assert!(!value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{name}: {value:?}");
    }
    let authorization = call.headers.get_all("authorization").iter().count();
    assert_eq!(authorization, usize::from(*with_token), "the token goes where it may, and once");
    assert_eq!(call.headers.contains_key("x-api-key"), *with_token, "so do the account's other secrets");
    assert!(call.headers.contains_key("x-tenant"), "a message may replace a plain header, not take it out");
}

/// The path as it is, decoded once, and decoded twice: that is how far servers and what stands before them go.
fn decoded_twice(path: &str) -> [String; 3] {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let once = decode(path);
    let twice = decode(&once);
    [path.to_owned(), once, twice]
}

/// Segments as a lenient server reads them: without empty ones, case and `;parameters`.
fn segments(path: &str) -> Vec<String> {
    let name = |segment: &str| segment.split(';').next().unwrap_or_default().to_ascii_lowercase();
    path.split('/').map(name).filter(|segment| !segment.is_empty()).collect()
}

/// An account that is connected, and what it sends.
struct Place {
    runtime: Runtime,
    connection: Connection,
    wire: Wire,
}

static PLACE: LazyLock<Mutex<Place>> = LazyLock::new(|| {
    let component = json!({
        "keyway": 1, "name": "acme", "title": "Acme", "version": "1.0.0",
        "environments": {"production": {"host": "app"}},
        "variables": {
            "host": {"pattern": "[a-z]+"},
            "version": {"default": "v2", "pattern": "v[0-9]+"},
            "tenant": {"pattern": "[a-z]+"},
            "api_key": {"secret": true}
        },
        "oauth2": {
            "token_endpoint": "https://{host}.example.com/api/{version}/oauth/token",
            "alternative_token_endpoints": [{"token_endpoint": "https://files.example.com/token/", "encoding": "form"}],
            "authorization_endpoint": "https://upload.example.com:8443/authorize",
            "revocation_endpoint": "https://{host}.example.com/api/{version}/revoke",
            "token_endpoint_auth_method": "client_secret_post",
            "grants": {"client_credentials": {}}
        },
        "api": {
            "base_url": "https://{host}.example.com/api/{version}",
            "additional_origins": [
                {"origin": "https://files.example.com", "token": false},
                {"origin": "https://upload.example.com:8443", "token": true},
                {"origin": "https://{tenant}.example.net", "token": true}
            ],
            "headers": {"x-api-key": "{api_key}", "x-tenant": "{tenant}"},
            "query": {"v": "{version}"}
        },
        "actions": {
            "one": {"description": "One.", "method": "POST", "url": "/item/{item}"},
            "two": {"description": "Two.", "method": "POST", "url": "/{a}/{b}?c={c}", "query": {"d": "{d}"},
                    "headers": {"x-e": "{e}"},
                    "params": {"type": "object", "properties": {"a": {}, "b": {}, "c": {}, "d": {}, "e": {}}}},
            "file": {"description": "Elsewhere.", "method": "POST", "url": "https://files.example.com/{name}.txt"},
            "own": {"description": "By a label.", "method": "POST", "url": "https://{tenant}.example.net/{name}"}
        }
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("component.json"), component.to_string()).expect("it can be written");
    let wire = Wire::default();
    let builder = Host::builder().components_dir(folder.path()).transport(wire.clone());
    let host = builder.build().unwrap_or_else(|error| panic!("{error}"));
    let account = [
        ("ACME_CLIENT_ID", "acme-client"),
        ("ACME_CLIENT_SECRET", "canary-client-secret"),
        ("ACME_API_KEY", "canary-api-key"),
        ("ACME_TENANT", "north"),
    ];
    let connection = host.connect(Credential::demo("acme", account)).unwrap_or_else(|error| panic!("{error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    // The token is got once, before anything is looked at.
    runtime.block_on(connection.send(Message::get("/x"))).unwrap_or_else(|failure| panic!("{failure}"));
    Mutex::new(Place { runtime, connection, wire })
});

/// Answers every request, and remembers it.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<Vec<WireCall>>>);

// === impl Wire ===

impl Wire {
    /// What has been sent since the last time.
    fn take(&self) -> Vec<WireCall> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Transport for Wire {
    fn send(&self, call: WireCall) -> SendFuture<'_> {
        let token = call.method == Method::POST && call.url.path() == "/api/v2/oauth/token";
        let body = if token { r#"{"access_token":"canary-access-token","token_type":"Bearer"}"# } else { "" };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        Box::pin(async move {
            let body = Bytes::from_static(body.as_bytes()).into();
            AttemptEnd::Answered(WireAnswer { status: StatusCode::OK, headers: HeaderMap::new(), body })
        })
    }
}

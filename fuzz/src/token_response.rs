//! Whatever a token endpoint answers is a token that a header can carry, or a fault without secrets.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use keyway_component::{Component, Redactor, Secret, component::Encoding};
use keyway_http::{AttemptEnd, WireAnswer};
use keyway_oauth::{
    TokenFault,
    dialect::{Hearing, hear, hear_object},
};
use serde_json::json;

/// Secrets that the redactor knows when the answer comes.
pub const KNOWN: &[&str] = &["canary-secret-1", "c+n/ry=Secret\"2\\é"];
/// The longest lifetime that is believed.
const TEN_YEARS_S: u64 = 10 * 365 * 24 * 3600;
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Status, and which component it is for, in the first line; headers up to an empty line; and the body.
///
/// # Panics
/// A token is none, or a fault tells a secret.
pub fn check(data: &[u8]) {
    let (head, body) = super::split(data, b"\n\n");
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let (status, which) = first.split_once(' ').unwrap_or((first, ""));
    let Some(status) = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok()) else { return };
    let headers = super::headers(lines);
    let component = component(which);
    let redactor = Redactor::default();
    for secret in KNOWN {
        redactor.know("an account", &Secret::new(*secret));
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let end = || {
        let body = Bytes::copy_from_slice(body).into();
        AttemptEnd::Answered(WireAnswer { status, headers: headers.clone(), body })
    };
    match hear(end(), &Hearing::of(component, Encoding::Json, &redactor, now)) {
        Ok(heard) => {
            assert!(status.is_success(), "a token of an answer with {status}");
            let token = heard.standard["access_token"].as_str().expect("an access token is a text");
            assert!(!token.is_empty() && token.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{token:?}");
            assert_eq!(heard.standard["token_type"], "bearer");
            if let Some(seconds) = heard.standard.get("expires_in") {
                assert!(seconds.as_u64().is_some_and(|seconds| (1..=TEN_YEARS_S).contains(&seconds)), "{seconds}");
            }
            for name in ["refresh_token", "scope"] {
                assert!(heard.standard.get(name).is_none_or(serde_json::Value::is_string), "{name}");
            }
            assert!(heard.standard.get("refresh_token").is_none_or(|token| token != ""));
        }
        Err(fault) => tells_nothing(&fault),
    }
    if let Err(fault) = hear_object(end(), &Hearing::of(component, Encoding::Form, &redactor, now)) {
        tells_nothing(&fault);
    }
}

fn tells_nothing(fault: &TokenFault) {
    let shown = format!("{fault} {fault:?}");
    let mut texts = vec![fault.message.as_str(), &shown];
    if let Some(oauth) = &fault.oauth {
        texts.extend([&oauth.error, &oauth.error_description, &oauth.error_detail].into_iter().flatten().map(|t| &**t));
    }
    for text in texts {
        for secret in KNOWN {
            assert!(!text.contains(secret), "{secret:?} is in {text:?}");
        }
    }
    for text in [&fault.message].into_iter().chain(fault.oauth.iter().flat_map(|oauth| &oauth.error)) {
        assert!(!text.chars().any(char::is_control), "{text:?} steers a terminal");
    }
    assert!(fault.retry_after.is_none_or(|wait| wait <= YEAR), "{:?}", fault.retry_after);
}

/// A shipped component by its name, or one that has a bit of everything.
fn component(name: &str) -> &'static Component {
    use std::sync::LazyLock;
    static SHIPPED: LazyLock<Vec<(&str, Component)>> = LazyLock::new(|| {
        let read = |text: &str| serde_json::from_str(text).expect("it is a component");
        keyway_components::BUILT_IN.iter().map(|(name, text)| (*name, read(text))).collect()
    });
    static OTHER: LazyLock<Component> = LazyLock::new(|| {
        let component = json!({
            "keyway": 1, "name": "a", "title": "A", "version": "1", "environments": {"p": {}},
            "oauth2": {
                "token_endpoint": "https://a.test/token", "token_endpoint_auth_method": "none",
                "token_response": {
                    "access_token": "/data/access_token", "refresh_token": "/data/0/refresh_token",
                    "expires_in": "/data/expires_in", "expires_at": "/expires_at", "scope": "/scopes",
                    "second_factor": "/nonce"
                }
            },
            "api": {"base_url": "https://a.test", "authorization": {"in": "header", "scheme": "Token"}},
            "throttle": {
                "statuses": [420],
                "reset": {"header": "x-reset", "unit": "epoch_milliseconds"},
                "wait": {"body": {"pointer": "/error/message", "pattern": "wait (\\d+) seconds"}}
            }
        });
        serde_json::from_value(component).expect("it is a component")
    });
    SHIPPED.iter().find(|(known, _)| *known == name).map_or(&OTHER, |(_, component)| component)
}

//! An authorization server that a test writes down, and an API behind it.

use std::collections::HashMap;

use axum::response::Response;
use keyway_tests::{
    acme,
    mock::{Mock, Seen, empty, reply},
};
use serde_json::{Value, json};

/// Starts one that gives `access-1` and `refresh-1`, then `access-2` and so on, and takes all that it is asked, but for
/// what the test answers itself.
pub async fn scripted(answer: impl Fn(&Seen) -> Option<Response> + Clone + Send + Sync + 'static) -> Mock {
    Mock::start(move |seen: Seen| {
        let answered = answer(&seen).unwrap_or_else(|| usual(&seen));
        async move { answered }
    })
    .await
}

/// One that does all as usual.
pub async fn willing() -> Mock {
    scripted(|_| None).await
}

fn usual(seen: &Seen) -> Response {
    match seen.path.as_str() {
        "/token" => reply(200, &token(seen.nth + 1)),
        "/device" => reply(200, &device()),
        "/revoke" => empty(200),
        path if path.starts_with("/api/") => reply(200, &json!({"ok": true})),
        _ => empty(404),
    }
}

/// Its token answer number `n`.
pub fn token(n: usize) -> Value {
    let (access, refresh) = (format!("access-{n}"), format!("refresh-{n}"));
    json!({"access_token": access, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh})
}

/// Its answer to a device, which may then ask once a second.
pub fn device() -> Value {
    json!({
        "device_code": "the-device-code", "user_code": "WDJB-MJHT", "verification_uri": "https://example.com/device",
        "expires_in": 1800, "interval": 1
    })
}

/// A refusal of a token request (RFC 6749 section 5.2).
pub fn refusal(error: &str) -> Response {
    reply(400, &json!({"error": error}))
}

/// Its component, `acme`.
pub fn component(server: &Mock) -> Value {
    let mut component = acme::acme(&server.url);
    let endpoint = |path: &str| json!(format!("{}/{path}", server.url));
    component["oauth2"]["authorization_endpoint"] = endpoint("authorize");
    component["oauth2"]["revocation_endpoint"] = endpoint("revoke");
    component["oauth2"]["device_authorization_endpoint"] = endpoint("device");
    component["oauth2"]["grants"] = json!({
        "authorization_code": {"code_challenge_method": "S256"}, "device_code": {}, "refresh_token": {}
    });
    component
}

/// The fields of a form that it got.
pub fn form(seen: &Seen) -> HashMap<String, String> {
    url::form_urlencoded::parse(&seen.body).into_owned().collect()
}

//! Servers that echo what they are sent wherever a server's words are passed on, and fail in every way.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{body::Body, response::Response};
use keyway_tests::mock::{Mock, Seen, cut, empty, labelled, reply};
use serde_json::{Value, json};

use super::{
    canary::{echo, echo_encoded, plant, values, with_header},
    scripted,
};

/// What goes wrong at the token endpoint.
pub const TOKEN_MODES: [&str; 19] = [
    "ok",
    "denied",
    "code",
    "unauthorized",
    "invalid_grant",
    "server_error",
    "throttled",
    "html",
    "html500",
    "text",
    "form",
    "redirect",
    "cut",
    "hang",
    "members",
    "type",
    "label",
    "number",
    "header",
];

async fn token_endpoint(mode: String, seen: Seen, issued: Arc<Mutex<usize>>) -> Response {
    let echo = echo(&seen);
    let page = format!("<html><body>{echo}</body></html>");
    match mode.as_str() {
        "denied" => reply(400, &json!({"error": "invalid_client", "error_description": echo, "error_detail": echo})),
        "code" => reply(400, &json!({"error": echo, "error_uri": echo})),
        "unauthorized" => {
            let refused = reply(401, &json!({"error": "invalid_client", "error_description": [echo]}));
            with_header(refused, "www-authenticate", format!("Basic realm={}", echo_encoded(&seen)))
        }
        "invalid_grant" => reply(400, &json!({"error": "invalid_grant", "error_description": echo})),
        "server_error" => reply(500, &json!({"error": "server_error", "error_description": echo})),
        "throttled" => {
            with_header(reply(429, &json!({"error": "slow", "error_description": echo})), "retry-after", "900".into())
        }
        "html" => labelled(200, "text/html", page),
        "html500" => labelled(500, "text/html", page),
        "text" => labelled(400, "text/plain", echo),
        "form" => labelled(200, "text/plain", format!("error=bad&error_description={}", echo_encoded(&seen))),
        "redirect" => with_header(empty(307), "location", format!("/other?{}", echo_encoded(&seen))),
        "cut" => cut(),
        "hang" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            empty(200)
        }
        "members" => {
            let members = echo.split(" | ").map(|part| (part.to_owned(), json!(1))).collect();
            reply(200, &Value::Object(members))
        }
        "type" => reply(200, &json!({"access_token": "unused", "token_type": echo, "expires_in": 60})),
        "label" => labelled(200, &format!("text/{}", echo_encoded(&seen)), "no token"),
        "number" => labelled(200, "application/json", Body::from(format!("[\"{}\"", echo.replace('"', "'")))),
        _ => {
            let n = {
                let mut issued = issued.lock().expect("no test panics with it");
                *issued += 1;
                *issued
            };
            let (access, refresh) = (format!("CNRYaccess{n:03}+/=~._tok"), format!("CNRYrefreshed{n:03}+/=~"));
            plant([&access, &refresh]);
            // Scope and further members are passed on in logs and to whoever asks for them.
            let mut answer = json!({
                "access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": 3600,
                "scope": if mode == "plain" { "all".to_owned() } else { format!("all {echo}") }, "ref": {"type": "user", "secret": echo}
            });
            if mode == "keys" {
                // Its further members have names that nobody knows beforehand.
                values(&seen).into_iter().for_each(|value| answer[value] = 1.into());
            }
            with_header(reply(200, &answer), "x-echo", echo_encoded(&seen))
        }
    }
}

async fn api(seen: Seen) -> Response {
    let encoded = echo_encoded(&seen);
    match seen.path.trim_start_matches("/api") {
        "/401" => reply(401, &json!({"error": "invalid_token"})),
        "/404" => reply(404, &json!({})),
        "/500" => labelled(500, "text/html", "<html>"),
        "/429" => with_header(empty(429), "retry-after", "1000".into()),
        "/away" => with_header(empty(302), "location", format!("http://127.0.0.1:9/x?t={encoded}")),
        "/gone" => with_header(reply(410, &json!({})), "location", format!("/x?t={encoded}")),
        "/refused" => with_header(reply(401, &json!({})), "location", format!("/sign-in?t={encoded}")),
        "/round" => with_header(empty(302), "location", format!("/api/404?t={encoded}")),
        "/loop" => with_header(empty(302), "location", "/api/loop".into()),
        "/cut" => cut(),
        "/label" => labelled(200, "application/json", "no JSON"),
        "/hang" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            empty(200)
        }
        _ => reply(200, &json!({"fine": true})),
    }
}

/// A vendor's servers in one: `/MODE/token`, `/MODE/revoke`, `/MODE/device` and `/api/WHAT`.
pub async fn servers() -> Mock {
    let issued = Arc::default();
    Mock::start(move |seen: Seen| {
        let issued = Arc::clone(&issued);
        async move {
            let path = seen.path.trim_start_matches('/').to_owned();
            match path.split_once('/') {
                Some(("api", _)) | None => api(seen).await,
                Some(("ok", "revoke")) => empty(200),
                Some(("ok", "device")) => reply(200, &scripted::device()),
                Some((mode, _)) => token_endpoint(mode.to_owned(), seen, issued).await,
            }
        }
    })
    .await
}

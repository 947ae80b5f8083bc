//! Faults that can be switched on, as real servers have them.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use futures_util::stream;
use serde::{Deserialize, Serialize};

/// A fault for the next requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub fault: FaultKind,
    /// To which requests.
    #[serde(default)]
    pub on: FaultTarget,
    /// To how many of them.
    #[serde(default = "one")]
    pub count: u32,
    /// Seconds to wait, for `throttle` and `unavailable`.
    #[serde(default)]
    pub wait_s: u64,
    /// Milliseconds, for `slow`.
    #[serde(default)]
    pub delay_ms: u64,
}

/// Which requests a fault meets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultTarget {
    /// Calls of the API.
    #[default]
    Api,
    /// Token requests.
    Token,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// 502 with a page of HTML.
    Html502,
    /// 500 with nothing.
    Empty500,
    /// 503 with `Retry-After`.
    Unavailable,
    /// The answer comes late.
    Slow,
    /// Podio's 420 and Podero's 429, with the wait as each tells it.
    Throttle,
    /// The connection ends in mid-body.
    CutBody,
    /// The connection ends without an answer, after the request was carried out.
    Drop,
    /// The answer is right and labelled `text/html`.
    WrongContentType,
    /// At once: every access token dies.
    TokensDie,
    /// At once: every refresh token dies.
    RefreshTokensDie,
}

#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

// === impl Faults ===

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The fault that this request meets, counted down.
    pub(crate) fn next(&self, target: FaultTarget) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = faults.iter().position(|fault| fault.on == target && fault.count > 0)?;
        faults[at].count -= 1;
        let fault = faults[at].clone();
        if faults[at].count == 0 {
            faults.remove(at);
        }
        Some(fault)
    }
}

// === impl Fault ===

impl Fault {
    /// The answer that stands for the real one, where the fault needs none.
    pub(crate) fn instead(&self, is_podio: bool, path: &str, method: &str) -> Option<Response<Body>> {
        match self.fault {
            FaultKind::Html502 => {
                let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n";
                Some((StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, "text/html")], page).into_response())
            }
            FaultKind::Empty500 => Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
            FaultKind::Unavailable => {
                let wait = HeaderValue::from(self.wait_s);
                Some((StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, wait)], "busy").into_response())
            }
            FaultKind::Throttle if is_podio => Some(crate::podio::throttled(self.wait_s, path, method)),
            FaultKind::Throttle => {
                let wait = HeaderValue::from(self.wait_s);
                let body = r#"{"detail": "Too many requests"}"#;
                let headers =
                    [(header::RETRY_AFTER, wait), (header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
                Some((StatusCode::TOO_MANY_REQUESTS, headers, body).into_response())
            }
            _ => None,
        }
    }

    /// What becomes of the real answer.
    pub(crate) fn spoil(&self, response: Response<Body>, body: Bytes) -> Response<Body> {
        let (mut parts, _) = response.into_parts();
        match self.fault {
            FaultKind::CutBody => {
                parts.headers.remove(header::CONTENT_LENGTH);
                let half = body.slice(..body.len() / 2);
                let cut = stream::iter([Ok(half), Err(std::io::Error::other("cut"))]);
                Response::from_parts(parts, Body::from_stream(cut))
            }
            FaultKind::Drop => {
                let nothing = stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
                parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len().max(1)));
                Response::from_parts(parts, Body::from_stream(nothing))
            }
            FaultKind::WrongContentType => {
                parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
                Response::from_parts(parts, Body::from(body))
            }
            _ => Response::from_parts(parts, Body::from(body)),
        }
    }

    pub(crate) async fn wait(&self) {
        if self.fault == FaultKind::Slow {
            tokio::time::sleep(Duration::from_millis(self.delay_ms)).await;
        }
    }
}

fn one() -> u32 {
    1
}

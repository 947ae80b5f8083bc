//! A wire that answers as was recorded, and notes what was sent otherwise.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use keyway_http::{AttemptEnd, SendFuture, Transport, WireAnswer, WireCall, WireFault, WireFaultKind};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{
    compare::{differences, is_match},
    file::{Exchange, RecordedRequest, RecordedResponse},
};

/// Exchanges that are still to come, and what differed so far. Clones are the same.
#[derive(Clone)]
pub(super) struct Recorded(Arc<Mutex<State>>);

struct State {
    left: VecDeque<Exchange>,
    sent: usize,
    differences: Vec<String>,
}

// === impl Recorded ===

impl Recorded {
    pub(super) fn new(exchanges: &[Exchange]) -> Self {
        let left = exchanges.iter().cloned().collect();
        Self(Arc::new(Mutex::new(State { left, sent: 0, differences: Vec::new() })))
    }

    /// What differed, what was recorded and not sent included.
    pub(super) fn differences(&self) -> Vec<String> {
        let mut state = self.state();
        let left: Vec<String> =
            state.left.iter().map(|exchange| format!("{} {}", exchange.request.method, exchange.request.url)).collect();
        if !left.is_empty() {
            state.differences.push(format!("recorded and not sent: {}", left.join(", ")));
        }
        std::mem::take(&mut state.differences)
    }

    fn answer(&self, call: &WireCall) -> AttemptEnd {
        let mut state = self.state();
        state.sent += 1;
        let place = format!("request {}", state.sent);
        let Some(Exchange { request, response }) = state.left.pop_front() else {
            state.differences.push(format!("{place} is not recorded: {} {}", call.method, call.url));
            return unusable("no answer is recorded for this request");
        };
        compare(&place, &request, call, &mut state.differences);
        match answer(&response) {
            Some(answer) => AttemptEnd::Answered(answer),
            None => {
                state.differences.push(format!(
                    "the answer to {place} has a status or header that HTTP does not know, or a body that is not base64"
                ));
                unusable("the recorded answer is none")
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Recorded {
    fn send(&self, call: WireCall) -> SendFuture<'_> {
        Box::pin(async move { self.answer(&call) })
    }
}

fn unusable(detail: &str) -> AttemptEnd {
    AttemptEnd::NeverSent(WireFault::new(WireFaultKind::Unusable, detail))
}

fn compare(place: &str, recorded: &RecordedRequest, call: &WireCall, out: &mut Vec<String>) {
    if recorded.method != call.method.as_str() || !is_match(&recorded.url, call.url.as_str()) {
        out.push(format!("{place} is {} {}; recorded is {} {}", call.method, call.url, recorded.method, recorded.url));
    }
    for (name, wanted) in &recorded.headers {
        match call.headers.get(name.as_str()).map(|value| String::from_utf8_lossy(value.as_bytes())) {
            Some(found) if is_match(wanted, &found) => {}
            Some(found) => out.push(format!("{place}, header `{name}` is `{found}`; recorded is `{wanted}`")),
            None => out.push(format!("{place} has no header `{name}`; recorded is `{wanted}`")),
        }
    }
    if let Some(wanted) = &recorded.body {
        differences(&format!("{place}, body"), wanted, &body_of(call, wanted), out);
    }
}

/// The body that was sent, in the form in which it was recorded.
fn body_of(call: &WireCall, wanted: &Value) -> Value {
    let text = || Value::String(String::from_utf8_lossy(&call.body).into_owned());
    let label = call.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match wanted {
        Value::String(_) => text(),
        Value::Object(_) if label.starts_with("application/x-www-form-urlencoded") => {
            let pairs = form_urlencoded::parse(&call.body).into_owned();
            Value::Object(pairs.map(|(name, value)| (name, Value::String(value))).collect::<Map<_, _>>())
        }
        _ => serde_json::from_slice(&call.body).unwrap_or_else(|_| text()),
    }
}

fn answer(recorded: &RecordedResponse) -> Option<WireAnswer> {
    let mut headers = HeaderMap::new();
    for (name, value) in &recorded.headers {
        headers.append(HeaderName::try_from(name.as_str()).ok()?, HeaderValue::try_from(value.as_str()).ok()?);
    }
    let body = match (&recorded.body, &recorded.body_base64) {
        (None, None) => Bytes::new(),
        (None, Some(text)) => Bytes::from(STANDARD.decode(text).ok()?),
        (Some(Value::String(text)), _) => Bytes::from(text.clone()),
        (Some(json), _) => {
            headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            Bytes::from(json.to_string())
        }
    };
    Some(WireAnswer { status: StatusCode::from_u16(recorded.status).ok()?, headers, body: body.into() })
}

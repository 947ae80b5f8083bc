//! The answer to a message.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use keyway_http::{Body, WireAnswer};
use serde::de::DeserializeOwned;

use crate::sound_json::is_sound_json;

/// An HTTP answer of the API.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// API requests that were sent for it: repeats after a renewal and redirects count, token requests do not.
    pub attempts: u32,
    /// Time from the message's start.
    pub elapsed: Duration,
    pub(crate) body: Body,
    pub(crate) kind: BodyKind,
}

/// What a body is, by its label and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// There is none: HEAD, 204, 304, or no bytes.
    None,
    /// JSON, labelled so, valid, and nested no deeper than 512 levels.
    Json,
    /// Text in UTF-8.
    Text,
    /// Any other bytes.
    Bytes,
}

// === impl Answer ===

impl Answer {
    pub(crate) fn new(wire: WireAnswer, method: &Method) -> Self {
        let kind = kind(&wire, method);
        let WireAnswer { status, headers, body } = wire;
        Self { status, headers, body, kind, attempts: 0, elapsed: Duration::ZERO }
    }

    /// The same answer with a part of its body, which is JSON, as its body.
    pub(crate) fn with_body(&self, part: Bytes) -> Self {
        let headers = self.headers.clone();
        let (body, kind) = (Body::from(part), BodyKind::Json);
        Self { status: self.status, headers, attempts: self.attempts, elapsed: self.elapsed, body, kind }
    }

    /// The same answer without its body.
    pub(crate) fn without_body(self) -> Self {
        Self { body: Body::default(), kind: BodyKind::None, ..self }
    }

    /// What the body is.
    #[must_use]
    pub fn body_kind(&self) -> BodyKind {
        self.kind
    }

    /// The body's bytes as they came, content encoding undone.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        self.body.bytes()
    }

    /// The body as text; `None` where it is no UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// The body is no JSON of that type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// A header's first value, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the answer is labelled as JSON and is none that can be passed on.
    pub(crate) fn breaks_its_label(&self) -> bool {
        matches!(self.kind, BodyKind::Text | BodyKind::Bytes) && says_json(&self.headers)
    }
}

fn kind(wire: &WireAnswer, method: &Method) -> BodyKind {
    let without = *method == Method::HEAD || matches!(wire.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if without || wire.body.is_empty() {
        return BodyKind::None;
    }
    match std::str::from_utf8(&wire.body) {
        Ok(text) if says_json(&wire.headers) && is_sound_json(text) => BodyKind::Json,
        Ok(_) => BodyKind::Text,
        Err(_) => BodyKind::Bytes,
    }
}

/// `application/json` or anything with `+json` (RFC 6839 section 3.1).
fn says_json(headers: &HeaderMap) -> bool {
    let label = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = label.split(';').next().unwrap_or_default().trim();
    let suffix = essence.len().checked_sub(5).and_then(|at| essence.get(at..));
    essence.eq_ignore_ascii_case("application/json") || suffix.is_some_and(|end| end.eq_ignore_ascii_case("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &Method, status: u16, label: &str, body: &'static [u8]) -> (BodyKind, bool) {
        let mut headers = HeaderMap::new();
        if !label.is_empty() {
            headers.insert(header::CONTENT_TYPE, label.parse().unwrap());
        }
        let body = Bytes::from_static(body).into();
        let answer = Answer::new(WireAnswer { status: StatusCode::from_u16(status).unwrap(), headers, body }, method);
        (answer.kind, answer.breaks_its_label())
    }

    #[test]
    fn a_body_is_what_its_label_and_bytes_say() {
        type Case<'a> = (&'a Method, u16, &'a str, &'static [u8], BodyKind, bool);
        let table: [Case<'_>; 12] = [
            (&Method::GET, 200, "application/json", b"{\"a\":1}", BodyKind::Json, false),
            (&Method::GET, 200, "Application/JSON; charset=utf-8", b"[]", BodyKind::Json, false),
            (&Method::GET, 200, "application/problem+json", b"{}", BodyKind::Json, false),
            (&Method::GET, 200, "application/json", b"{\"a\":", BodyKind::Text, true),
            (&Method::GET, 200, "application/json", b"\xff", BodyKind::Bytes, true),
            (&Method::GET, 200, "application/json", b"", BodyKind::None, false),
            (&Method::GET, 200, "text/plain", b"{\"a\":1}", BodyKind::Text, false),
            (&Method::GET, 200, "text/html", b"<p>", BodyKind::Text, false),
            (&Method::GET, 200, "image/png", b"\x89PNG\xff\xfe", BodyKind::Bytes, false),
            (&Method::GET, 200, "", b"x", BodyKind::Text, false),
            (&Method::GET, 204, "application/json", b"", BodyKind::None, false),
            (&Method::HEAD, 200, "application/json", b"", BodyKind::None, false),
        ];
        for (method, status, label, body, kind, breaks) in table {
            assert_eq!(of(method, status, label, body), (kind, breaks), "{method} {status} {label} {body:?}");
        }
    }
}

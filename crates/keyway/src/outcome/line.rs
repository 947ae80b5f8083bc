//! An outcome as one line. Written by hand: the body is passed through as the bytes that it is.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;
use serde::Serialize;

use super::Outcome;
use crate::{
    answer::{Answer, BodyKind},
    failure::Failure,
    raw_json::RawJson,
};

pub(super) fn write(outcome: &Outcome, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"line\":");
    json(out, &outcome.line);
    if let Some(id) = &outcome.id {
        member(out, "id");
        raw(out, id);
    }
    if let Some(answer) = outcome.answer() {
        write_answer(out, answer);
    }
    let (attempts, elapsed) = match &outcome.result {
        Ok(answer) => (answer.attempts, answer.elapsed),
        Err(failure) => (failure.attempts, failure.elapsed),
    };
    member(out, "attempts");
    json(out, &attempts);
    member(out, "elapsed_ms");
    json(out, &(elapsed.as_millis() as u64));
    if let Err(failure) = &outcome.result {
        write_error(out, failure);
    }
    if let Some(passthrough) = &outcome.passthrough {
        member(out, "passthrough");
        raw(out, passthrough);
    }
    out.extend_from_slice(b"}\n");
}

fn write_answer(out: &mut Vec<u8>, answer: &Answer) {
    member(out, "status");
    json(out, &answer.status.as_u16());
    member(out, "headers");
    write_headers(out, &answer.headers);
    match answer.body_kind() {
        BodyKind::None => {}
        BodyKind::Json => {
            member(out, "body");
            one_line(out, answer.bytes().trim_ascii());
        }
        BodyKind::Text => {
            member(out, "body");
            json(out, answer.text().unwrap_or_default());
        }
        BodyKind::Bytes => {
            member(out, "body_base64");
            json(out, &STANDARD.encode(answer.bytes()));
        }
    }
}

/// Names in lower case, as they are held; a name that stands there more than once has a list. Bytes that are no UTF-8
/// are read as Latin-1, which is what HTTP once meant by them (RFC 9110 section 5.5).
fn write_headers(out: &mut Vec<u8>, headers: &HeaderMap) {
    out.push(b'{');
    for (n, name) in headers.keys().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        json(out, name.as_str());
        out.push(b':');
        let text = |value: &http::HeaderValue| {
            let bytes = value.as_bytes();
            std::str::from_utf8(bytes)
                .map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), str::to_owned)
        };
        let mut values = headers.get_all(name).iter().map(text);
        match (values.next(), values.next()) {
            (Some(only), None) => json(out, &only),
            (first, second) => json(out, &first.into_iter().chain(second).chain(values).collect::<Vec<_>>()),
        }
    }
    out.push(b'}');
}

fn write_error(out: &mut Vec<u8>, failure: &Failure) {
    member(out, "error");
    out.extend_from_slice(b"{\"code\":");
    json(out, failure.code.as_str());
    member(out, "message");
    json(out, &failure.message);
    member(out, "retryable");
    json(out, &failure.retryable);
    if let Some(wait) = failure.retry_after {
        member(out, "retry_after_ms");
        json(out, &u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    }
    if let Some(oauth) = &failure.oauth {
        member(out, "oauth");
        out.extend_from_slice(b"{\"status\":");
        json(out, &oauth.status);
        let texts = [
            ("error", &oauth.error),
            ("error_description", &oauth.error_description),
            ("error_detail", &oauth.error_detail),
        ];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            member(out, name);
            json(out, text);
        }
        out.push(b'}');
    }
    if !failure.history.is_empty() {
        member(out, "history");
        json(out, &failure.history);
    }
    out.push(b'}');
    if let Some(request) = &failure.request {
        member(out, "request");
        json(out, request);
    }
}

fn member(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn raw(out: &mut Vec<u8>, value: &RawJson) {
    one_line(out, value.as_bytes());
}

/// Valid JSON has no raw line break inside a string, so those between tokens may become spaces.
fn one_line(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.extend_from_slice(bytes);
    for byte in &mut out[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let before = out.len();
    // Neither texts, numbers nor lists of them can fail to be written into memory.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(before);
        out.extend_from_slice(b"null");
    }
}

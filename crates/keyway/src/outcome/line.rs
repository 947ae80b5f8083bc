//! An outcome as one line. Written by hand: the body is passed through as the bytes that it is, and never stands in memory
//! a second time, however it has to be written.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use base64::{engine::general_purpose::STANDARD, write::EncoderWriter};
use http::{HeaderMap, HeaderValue};
use memchr::memchr2_iter;
use serde::Serialize;

use super::{Outcome, Position};
use crate::{
    answer::{Answer, BodyKind},
    failure::Failure,
    raw_json::RawJson,
};

pub(super) fn write(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{\"line\":")?;
    json(out, &outcome.line)?;
    if let Some(id) = &outcome.id {
        member(out, "id")?;
        raw(out, id)?;
    }
    if let Some(position) = &outcome.position {
        write_position(out, position)?;
    }
    if let Some(answer) = outcome.answer() {
        write_answer(out, answer)?;
    }
    let (attempts, elapsed) = match &outcome.result {
        Ok(answer) => (answer.attempts, answer.elapsed),
        Err(failure) => (failure.attempts, failure.elapsed),
    };
    member(out, "attempts")?;
    json(out, &attempts)?;
    member(out, "elapsed_ms")?;
    json(out, &(elapsed.as_millis() as u64))?;
    if let Err(failure) = &outcome.result {
        write_error(out, failure)?;
    }
    if let Some(passthrough) = &outcome.passthrough {
        member(out, "passthrough")?;
        raw(out, passthrough)?;
    }
    out.write_all(b"}\n")
}

fn write_position(out: &mut impl Write, position: &Position) -> io::Result<()> {
    member(out, "page")?;
    json(out, &position.page)?;
    if let Some(item) = &position.item {
        member(out, "item")?;
        json(out, item)?;
    }
    if position.more {
        member(out, "more")?;
        out.write_all(b"true")?;
    }
    Ok(())
}

fn write_answer(out: &mut impl Write, answer: &Answer) -> io::Result<()> {
    member(out, "status")?;
    json(out, &answer.status.as_u16())?;
    member(out, "headers")?;
    write_headers(out, &answer.headers)?;
    match answer.body_kind() {
        BodyKind::None => {}
        BodyKind::Json => {
            member(out, "body")?;
            one_line(out, answer.bytes().trim_ascii())?;
        }
        BodyKind::Text => {
            member(out, "body")?;
            json(out, answer.text().unwrap_or_default())?;
        }
        BodyKind::Bytes => {
            member(out, "body_base64")?;
            out.write_all(b"\"")?;
            let mut encoder = EncoderWriter::new(&mut *out, &STANDARD);
            encoder.write_all(answer.bytes())?;
            encoder.finish()?;
            drop(encoder);
            out.write_all(b"\"")?;
        }
    }
    Ok(())
}

/// Names in lower case, as they are held; a name that stands there more than once has a list. Bytes that are no UTF-8
/// are read as Latin-1, which is what HTTP once meant by them (RFC 9110 section 5.5).
fn write_headers(out: &mut impl Write, headers: &HeaderMap) -> io::Result<()> {
    out.write_all(b"{")?;
    for (n, name) in headers.keys().enumerate() {
        if n > 0 {
            out.write_all(b",")?;
        }
        json(out, name.as_str())?;
        out.write_all(b":")?;
        let mut values = headers.get_all(name).iter().map(header_text);
        match (values.next(), values.next()) {
            (Some(only), None) => json(out, &only)?,
            (first, second) => json(out, &first.into_iter().chain(second).chain(values).collect::<Vec<_>>())?,
        }
    }
    out.write_all(b"}")
}

fn header_text(value: &HeaderValue) -> Cow<'_, str> {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    }
}

fn write_error(out: &mut impl Write, failure: &Failure) -> io::Result<()> {
    member(out, "error")?;
    out.write_all(b"{\"code\":")?;
    json(out, failure.code.as_str())?;
    member(out, "message")?;
    json(out, &failure.message)?;
    member(out, "retryable")?;
    json(out, &failure.retryable)?;
    if let Some(wait) = failure.retry_after {
        member(out, "retry_after_ms")?;
        json(out, &u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))?;
    }
    if let Some(oauth) = &failure.oauth {
        member(out, "oauth")?;
        out.write_all(b"{\"status\":")?;
        json(out, &oauth.status)?;
        let texts = [
            ("error", &oauth.error),
            ("error_description", &oauth.error_description),
            ("error_detail", &oauth.error_detail),
        ];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
            member(out, name)?;
            json(out, text)?;
        }
        out.write_all(b"}")?;
    }
    if !failure.history.is_empty() {
        member(out, "history")?;
        json(out, &failure.history)?;
    }
    out.write_all(b"}")?;
    if let Some(request) = &failure.request {
        member(out, "request")?;
        json(out, request)?;
    }
    Ok(())
}

fn member(out: &mut impl Write, name: &str) -> io::Result<()> {
    out.write_all(b",\"")?;
    out.write_all(name.as_bytes())?;
    out.write_all(b"\":")
}

fn raw(out: &mut impl Write, value: &RawJson) -> io::Result<()> {
    one_line(out, value.as_bytes())
}

/// Valid JSON has no raw line break inside a string, so those between tokens may become spaces.
fn one_line(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let mut written = 0;
    for at in memchr2_iter(b'\n', b'\r', bytes) {
        out.write_all(&bytes[written..at])?;
        out.write_all(b" ")?;
        written = at + 1;
    }
    out.write_all(&bytes[written..])
}

fn json<T: Serialize + ?Sized>(out: &mut impl Write, value: &T) -> io::Result<()> {
    // Neither texts, numbers nor lists of them can fail but for the writer.
    serde_json::to_writer(out, value).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use bytes::Bytes;
    use http::{HeaderName, Method, StatusCode};
    use keyway_http::WireAnswer;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn written(headers: HeaderMap, status: u16, body: &[u8]) -> Vec<u8> {
        let status = StatusCode::from_u16(status).unwrap();
        let wire = WireAnswer { status, headers, body: Bytes::copy_from_slice(body).into() };
        let result = Ok(Answer::new(wire, &Method::GET));
        let mut out = Vec::new();
        write(&Outcome { line: 1, id: None, passthrough: None, result, position: None, input: None }, &mut out)
            .unwrap();
        out
    }

    /// The object of the one line that an outcome is.
    fn read(out: &[u8]) -> Value {
        let text = std::str::from_utf8(out).unwrap().strip_suffix('\n').unwrap();
        assert!(!text.contains(['\n', '\r']), "{text:?}");
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    }

    fn latin1_or_utf8(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect())
    }

    proptest! {
        #[test]
        fn any_answer_is_one_line_that_gives_headers_and_bytes_back(
            label in prop::sample::select(vec!["", "application/json", "text/plain", "image/png", "a/b+json"]),
            named in proptest::collection::vec(
                ("[a-z][a-z0-9-]{0,4}", proptest::collection::vec(prop_oneof![b' '..=b'~', 128u8..=255], 0..8)),
                0..5,
            ),
            status in 200u16..1000,
            body in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..60),
                "\\PC{0,30}".prop_map(String::into_bytes),
                "[ \\r\\n]{0,2}[{][\\r\\n]{0,2}\"a\":[ \\r\\n]{0,2}(-?[1-9][0-9]{0,15}|\"[a-z]{0,4}\\\\n\")[\\r\\n]{0,2}[}]\\n?"
                    .prop_map(String::into_bytes),
            ],
        ) {
            let mut headers = HeaderMap::new();
            if !label.is_empty() {
                headers.insert("content-type", HeaderValue::from_static(label));
            }
            for (name, value) in &named {
                headers.append(HeaderName::try_from(name).unwrap(), HeaderValue::from_bytes(value).unwrap());
            }
            let outcome = read(&written(headers.clone(), status, &body));
            prop_assert_eq!(outcome["status"].as_u64(), Some(status.into()));
            prop_assert_eq!(outcome["headers"].as_object().unwrap().len(), headers.keys_len());
            for name in headers.keys() {
                let wanted: Vec<Value> =
                    headers.get_all(name).iter().map(|value| latin1_or_utf8(value.as_bytes()).into()).collect();
                let found = &outcome["headers"][name.as_str()];
                prop_assert_eq!(found.as_array().cloned().unwrap_or_else(|| vec![found.clone()]), wanted);
            }
            match (&outcome["body"], &outcome["body_base64"]) {
                (Value::Null, Value::Null) => {
                    let null = body.trim_ascii() == b"null";
                    prop_assert!(body.is_empty() || matches!(status, 204 | 304) || null);
                }
                (Value::Null, bytes) => prop_assert_eq!(STANDARD.decode(bytes.as_str().unwrap()).unwrap(), body),
                (found, Value::Null) => {
                    let json = label.ends_with("json").then(|| serde_json::from_slice::<Value>(&body).ok()).flatten();
                    let wanted = json.unwrap_or_else(|| String::from_utf8(body).unwrap().into());
                    prop_assert_eq!(found, &wanted);
                }
                both => prop_assert!(false, "two bodies: {:?}", both),
            }
        }
    }
}

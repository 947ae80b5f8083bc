//! From a line to a [`Message`]. One pass over the envelope; the body is cut out as it stands.

use std::{borrow::Cow, fmt, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Method;
use keyway_component::{component::RetryOverride, nearest};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Message, Payload, Target};
use crate::raw_json::{DEEPEST, RawJson, is_too_deep};

/// A line that is no message, with the id it has all the same.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidMessage {
    /// What is wrong and what to write instead.
    pub reason: String,
    /// The member `id`, if the line is an object that has one: whoever waits for this message can be told.
    pub id: Option<RawJson>,
    /// The member `passthrough`, likewise.
    pub passthrough: Option<RawJson>,
}

const KEYS: &[&str] = &[
    "method",
    "url",
    "action",
    "params",
    "query",
    "headers",
    "body",
    "form",
    "text",
    "body_base64",
    "id",
    "component",
    "credential",
    "accept",
    "retry",
    "timeout_ms",
    "idempotency_key",
    "paginate",
    "passthrough",
];

/// What people write who come from other tools.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("data", "body"),
    ("json", "body"),
    ("payload", "body"),
    ("uri", "url"),
    ("path", "url"),
    ("endpoint", "url"),
    ("verb", "method"),
    ("qs", "query"),
    ("searchparams", "query"),
    ("timeout", "timeout_ms"),
    ("account", "credential"),
    ("retries", "retry"),
    ("metadata", "passthrough"),
    ("pages", "paginate"),
    ("pagination", "paginate"),
];

/// Reads one line, without its line break.
///
/// # Errors
/// What is wrong with it. The rest of the input is not touched by that.
pub fn parse(line: &Bytes) -> Result<Message, InvalidMessage> {
    let mut members = Members::default();
    let text = std::str::from_utf8(line).map_err(|error| InvalidMessage {
        reason: format!("the line is no UTF-8 from byte {} on; encode it as UTF-8", error.valid_up_to() + 1),
        id: None,
        passthrough: None,
    })?;
    let read = read(text, &mut members);
    // What is echoed stands in a result, which has to be readable. A part is no deeper than its line.
    let too_deep = is_too_deep(line);
    let raw = |part: Option<&RawValue>| {
        part.map(|part| RawJson::part_of(line, part)).filter(|part| !(too_deep && part.is_too_deep()))
    };
    let (id, passthrough) = (raw(members.get("id")), raw(members.get("passthrough")));
    let message = read.and_then(|()| check_depth(too_deep)).and_then(|()| build(line, &members));
    match message {
        Ok(message) => Ok(Message { id, passthrough, ..message }),
        Err(reason) => Err(InvalidMessage { reason, id, passthrough }),
    }
}

/// The members of the line's object, in order.
#[derive(Default)]
struct Members<'l>(Vec<(Cow<'l, str>, &'l RawValue)>);

fn read<'l>(text: &'l str, members: &mut Members<'l>) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("the line is empty; write one JSON object a line".to_owned());
    }
    if !text.trim_start().starts_with('{') {
        return Err(r#"the line is no JSON object; write {"method":"GET","url":"/…"}"#.to_owned());
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = deserializer.deserialize_map(Collect(members)).and_then(|()| deserializer.end());
    read.map_err(|error| {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        format!("the line is no valid JSON: {what}, at byte {}", error.column())
    })
}

struct Collect<'m, 'l>(&'m mut Members<'l>);

impl<'l> Visitor<'l> for Collect<'_, 'l> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'l>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((Key(name), value)) = map.next_entry::<Key<'l>, &'l RawValue>()? {
            self.0.0.push((name, value));
        }
        Ok(())
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'l>(Cow<'l, str>);

impl<'l> Deserialize<'l> for Key<'l> {
    fn deserialize<D: Deserializer<'l>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'l> Visitor<'l> for Text {
            type Value = Key<'l>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'l str) -> Result<Key<'l>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'l>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

// === impl Members ===

impl<'l> Members<'l> {
    fn get(&self, name: &str) -> Option<&'l RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// A member that is there and not `null`: a flow that fills in nothing writes `null`.
    fn given(&self, name: &str) -> Option<&'l RawValue> {
        self.get(name).filter(|value| value.get() != "null")
    }

    fn typed<T: DeserializeOwned>(&self, name: &str, wanted: &str) -> Result<Option<T>, String> {
        let Some(value) = self.given(name) else { return Ok(None) };
        serde_json::from_str(value.get()).map(Some).map_err(|_| format!("`{name}` must be {wanted}"))
    }
}

fn check_depth(too_deep: bool) -> Result<(), String> {
    let deep = || Err(format!("the line is nested deeper than {DEEPEST} levels; send such data as `text`"));
    if too_deep { deep() } else { Ok(()) }
}

fn build(line: &Bytes, members: &Members<'_>) -> Result<Message, String> {
    check_keys(members)?;
    let mut message = Message::to(target(members)?);
    message.params = members.typed("params", "an object")?.unwrap_or_default();
    if let Some(query) = members.given("query") {
        message.query =
            pairs(query).ok_or("`query` must be an object of texts, numbers, booleans or lists of these")?;
    }
    if let Some(headers) = members.given("headers") {
        message.headers = pairs(headers).ok_or("`headers` must be an object of texts or lists of texts")?;
    }
    message.payload = payload(line, members)?;
    if let (Payload::Json(_) | Payload::Form(_) | Payload::Text(_) | Payload::Bytes(_), Target::Request { method, .. }) =
        (&message.payload, &message.target)
        && matches!(*method, Method::GET | Method::HEAD)
    {
        return Err(format!("{method} has no body; use `query`, or another method"));
    }
    message.component = members.typed("component", "a text")?;
    message.credential = members.typed("credential", "a text")?;
    message.accept = members.typed("accept", "a list of statuses such as [404]")?.unwrap_or_default();
    if message.accept.iter().any(|status| !(100..600).contains(status)) {
        return Err("`accept` must be a list of statuses such as [404], from 100 to 599".to_owned());
    }
    message.retry = retry(members)?;
    let timeout_ms: Option<u64> = members.typed("timeout_ms", "a whole number of milliseconds")?;
    if timeout_ms == Some(0) {
        return Err("`timeout_ms` must be more than 0".to_owned());
    }
    message.timeout = timeout_ms.map(Duration::from_millis);
    message.idempotency_key = members.typed("idempotency_key", "a text")?;
    let wanted = "an object such as {\"each\":\"item\",\"limit\":1000}, `each` being \"page\" or \"item\"";
    message.paginate = members.typed("paginate", wanted)?;
    if message.paginate.is_some_and(|paginate| paginate.limit == Some(0)) {
        return Err("`limit` of `paginate` must be more than 0".to_owned());
    }
    Ok(message)
}

fn check_keys(members: &Members<'_>) -> Result<(), String> {
    for (n, (name, _)) in members.0.iter().enumerate() {
        if !KEYS.contains(&&**name) {
            let lower = name.to_ascii_lowercase();
            let other = OTHER_NAMES.iter().find(|(known, _)| *known == lower).map(|(_, meant)| *meant);
            let meant = other.or_else(|| nearest(&lower, KEYS.iter().copied()));
            let name = keyway_component::printable(name, 60);
            return Err(match meant {
                Some(meant) => format!("`{name}` is no key of a message; did you mean `{meant}`?"),
                None => format!("`{name}` is no key of a message; data of your own goes into `passthrough`"),
            });
        }
        // Two values under one name: which one was meant is nobody's to guess.
        if members.0[..n].iter().any(|(earlier, _)| earlier == name) {
            return Err(format!("`{name}` stands there twice; keep one"));
        }
    }
    Ok(())
}

fn target(members: &Members<'_>) -> Result<Target, String> {
    let action: Option<String> = members.typed("action", "a text")?;
    let method: Option<String> = members.typed("method", "a text such as \"GET\"")?;
    let url: Option<String> = members.typed("url", "a text such as \"/user\"")?;
    match (action, method, url) {
        (Some(action), None, None) => Ok(Target::Action(action)),
        (Some(_), _, _) => Err("`action` stands alone; take `method` and `url` out, or `action`".to_owned()),
        (None, Some(method), Some(url)) => {
            let upper = method.trim().to_ascii_uppercase();
            let method = Method::from_bytes(upper.as_bytes()).map_err(|_| {
                format!("`{}` is no method; write one such as \"GET\"", keyway_component::printable(&method, 40))
            })?;
            Ok(Target::Request { method, url })
        }
        (None, None, Some(_)) => Err("`method` is missing; write one such as \"GET\"".to_owned()),
        (None, Some(_), None) => Err("`url` is missing; write one such as \"/user\"".to_owned()),
        (None, None, None) => Err("`method` and `url` are missing, or `action`".to_owned()),
    }
}

fn payload(line: &Bytes, members: &Members<'_>) -> Result<Payload, String> {
    let given: Vec<(&str, &RawValue)> = ["body", "form", "text", "body_base64"]
        .into_iter()
        .filter_map(|name| Some((name, members.given(name)?)))
        .collect();
    match given.as_slice() {
        [] => Ok(Payload::None),
        [("body", value)] => Ok(Payload::Json(RawJson::part_of(line, value))),
        [("form", value)] => pairs(value)
            .map(Payload::Form)
            .ok_or_else(|| "`form` must be an object of texts, numbers, booleans or lists of these".to_owned()),
        [("text", _)] => Ok(Payload::Text(members.typed("text", "a text")?.unwrap_or_default())),
        [_] => {
            let text: String = members.typed("body_base64", "a text in base64")?.unwrap_or_default();
            let bytes = STANDARD.decode(text.trim()).map_err(|_| "`body_base64` is no base64 (RFC 4648 section 4)")?;
            Ok(Payload::Bytes(bytes.into()))
        }
        [(one, _), (other, _), ..] => Err(format!("`{one}` and `{other}` are two bodies; keep one")),
    }
}

/// An object of scalars or lists of scalars, as names and texts; numbers keep their digits.
fn pairs(object: &RawValue) -> Option<Vec<(String, String)>> {
    let mut members = Members::default();
    read(object.get(), &mut members).ok()?;
    let mut pairs = Vec::with_capacity(members.0.len());
    for (name, value) in members.0 {
        if value.get().starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
            for item in items {
                pairs.push((name.clone().into_owned(), scalar(item)?));
            }
        } else if value.get() != "null" {
            pairs.push((name.into_owned(), scalar(value)?));
        }
    }
    Some(pairs)
}

fn scalar(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str(value.get()).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(value.get().to_owned()),
    }
}

fn retry(members: &Members<'_>) -> Result<RetryOverride, String> {
    let wanted = "an object of `count`, `delay_ms`, `max_wait_ms` and `max_elapsed_ms`, each a whole number";
    Ok(members.typed("retry", wanted)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;

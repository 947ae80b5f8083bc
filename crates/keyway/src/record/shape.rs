//! What went over the wire, as exchanges are written: names for secrets, and nothing that changes from run to run. Pure.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use keyway_component::{
    Component, Redactor, SecretNames, StandIns,
    component::{Cursor, NextPage},
};
use keyway_http::{WireAnswer, WireCall};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use crate::{
    outcome::Outcome,
    replay::{RecordedRequest, RecordedResponse},
};

/// Stands for anything.
const ANYTHING: &str = "***";
/// Headers of answers that Keyway itself reads, whatever the component says.
const HEARD: &[&str] = &["content-type", "link", "location", "retry-after", "www-authenticate"];
/// Headers of requests that say who sends, not what.
const NOT_WRITTEN: &[&str] = &["user-agent", "content-length"];
/// Members of an outcome that differ from run to run, or are the answer's once more.
const NOT_COMPARED: &[&str] = &["line", "elapsed_ms", "headers", "input"];
/// What is recorded of an error: what it is, and not how it is told.
const OF_ERRORS: &[&str] = &["code", "retryable", "status"];

/// How what was seen is written.
pub(super) struct Shape<'a> {
    redactor: &'a Redactor,
    names: &'a StandIns,
    secret_names: SecretNames,
    masked: &'a [String],
    heard: BTreeSet<String>,
}

// === impl Shape ===

impl<'a> Shape<'a> {
    pub(super) fn new(
        component: &Component,
        redactor: &'a Redactor,
        names: &'a StandIns,
        masked: &'a [String],
    ) -> Self {
        let secret_names = SecretNames::with(component.secret_names.iter().map(String::as_str));
        Self { redactor, names, secret_names, masked, heard: heard(component) }
    }

    pub(super) fn request(&self, call: &WireCall) -> RecordedRequest {
        let headers = call.headers.keys().filter(|name| !NOT_WRITTEN.contains(&name.as_str()));
        let headers = headers.filter_map(|name| {
            let value = call.headers.get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), self.sent(name.as_str(), value)))
        });
        RecordedRequest {
            method: call.method.to_string(),
            url: self.url(&call.url),
            headers: headers.collect(),
            body: self.sent_body(call),
        }
    }

    pub(super) fn response(&self, answer: &WireAnswer) -> RecordedResponse {
        let headers = answer.headers.keys().filter(|name| self.heard.contains(name.as_str()));
        let headers = headers.filter_map(|name| {
            Some((name.as_str().to_owned(), self.names.text(answer.headers.get(name)?.to_str().ok()?)))
        });
        let headers = headers.collect();
        let (body, body_base64) = match std::str::from_utf8(&answer.body) {
            _ if answer.body.is_empty() => (None, None),
            Ok(text) => (Some(self.heard_body(text, &answer.headers)), None),
            Err(_) => (None, Some(STANDARD.encode(&*answer.body))),
        };
        RecordedResponse { status: answer.status.as_u16(), headers, body, body_base64 }
    }

    pub(super) fn outcome(&self, outcome: &Outcome) -> Value {
        let mut line = Vec::new();
        // Memory takes it, and it is JSON.
        let _ = outcome.write_line(&mut line);
        let Ok(Value::Object(mut written)) = serde_json::from_slice(&line) else { return Value::Null };
        written.retain(|name, _| !NOT_COMPARED.contains(&name.as_str()));
        if let Some(Value::Object(error)) = written.get_mut("error") {
            error.retain(|name, _| OF_ERRORS.contains(&name.as_str()));
        }
        if let Some(body) = written.get_mut("body") {
            *body = self.private(&self.names.json(body));
        }
        Value::Object(written)
    }

    /// Where a known secret stands in what is written, if one does.
    pub(super) fn secret_left(&self, written: &Value) -> Option<String> {
        match written {
            Value::String(text) => {
                // A secret may be a part of its own name, as `token-1` is of `access_token-1`.
                let rest = self.names.without_names(text);
                (self.redactor.values(&rest) != rest.as_str()).then(String::new)
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(n, item)| self.secret_left(item).map(|place| format!("/{n}{place}"))),
            Value::Object(members) => {
                members.iter().find_map(|(name, value)| self.secret_left(value).map(|place| format!("/{name}{place}")))
            }
            _ => None,
        }
    }

    /// A value that was sent under a name. A secret that has no name of its own is anything: it is made anew each time.
    fn sent(&self, name: &str, value: &str) -> String {
        if let Some(pair) = value.strip_prefix("Basic ").filter(|_| name == "authorization") {
            return format!("Basic {}", self.basic(pair).unwrap_or_else(|| ANYTHING.to_owned()));
        }
        let named = self.names.text(value);
        if named != value || !self.secret_names.contains(name) && !name.eq_ignore_ascii_case("dpop") {
            return named;
        }
        match value.split_once(' ') {
            Some((scheme, _)) if name == "authorization" => format!("{scheme} {ANYTHING}"),
            _ => ANYTHING.to_owned(),
        }
    }

    /// Name and password of RFC 7617, where both have names that stand for them.
    fn basic(&self, encoded: &str) -> Option<String> {
        let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (user, password) = pair.split_once(':')?;
        let named = [self.names.text(user), self.names.text(password)];
        let stands = named.iter().all(|name| self.names.stands_for_something(name));
        stands.then(|| STANDARD.encode(named.join(":")))
    }

    fn url(&self, url: &Url) -> String {
        let (place, query) = match url.query() {
            Some(query) => (url.as_str().split('?').next().unwrap_or_default(), Some(query)),
            None => (url.as_str(), None),
        };
        let place = self.names.text(place);
        let Some(query) = query else { return place };
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) => format!("{name}={}", self.sent(name, value)),
            None => pair.to_owned(),
        });
        format!("{place}?{}", pairs.collect::<Vec<_>>().join("&"))
    }

    fn sent_body(&self, call: &WireCall) -> Option<Value> {
        let text = std::str::from_utf8(&call.body).ok().filter(|text| !text.is_empty())?;
        if label(&call.headers).starts_with("application/x-www-form-urlencoded") {
            let pairs: Vec<(String, String)> = form_urlencoded::parse(&call.body).into_owned().collect();
            let fields: BTreeMap<&String, &String> = pairs.iter().map(|(name, value)| (name, value)).collect();
            if fields.len() == pairs.len() {
                let fields = fields.into_iter().map(|(name, value)| (name.clone(), self.sent(name, value).into()));
                return Some(Value::Object(fields.collect()));
            }
        }
        Some(match serde_json::from_str(text) {
            Ok(document @ (Value::Object(_) | Value::Array(_))) => self.sent_json("", &document),
            _ => Value::String(self.names.text(text)),
        })
    }

    fn sent_json(&self, name: &str, document: &Value) -> Value {
        match document {
            Value::String(text) => Value::String(self.sent(name, text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.sent_json(name, item)).collect()),
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| (self.names.text(name), self.sent_json(name, value)));
                Value::Object(members.collect())
            }
            other => other.clone(),
        }
    }

    fn heard_body(&self, text: &str, headers: &HeaderMap) -> Value {
        // A text alone stays as it was written: whether it is JSON is told by its quotes.
        let is_form = label(headers).starts_with("application/x-www-form-urlencoded");
        match serde_json::from_str(text) {
            Ok(Value::String(_)) | Err(_) if is_form => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in form_urlencoded::parse(text.as_bytes()) {
                    form.append_pair(&name, &self.names.text(&value));
                }
                Value::String(form.finish())
            }
            Ok(Value::String(_)) | Err(_) => Value::String(self.names.text(text)),
            Ok(document) => self.private(&self.names.json(&document)),
        }
    }

    /// An answer without what the caller calls private, and without what its name calls a secret.
    fn private(&self, document: &Value) -> Value {
        match document {
            Value::Object(members) => {
                let hide = |name: &str, value: &Value| {
                    let is_named = |text: &str| self.masked.iter().any(|masked| masked == text);
                    // What has a stand-in already fits together with other places. An error's `code` is no secret.
                    let is_secret = name != "code" && self.secret_names.contains(name) && !self.is_stand_in(value);
                    match value {
                        Value::Null | Value::Bool(_) => false,
                        Value::Object(_) | Value::Array(_) => is_named(name),
                        Value::String(_) | Value::Number(_) => is_named(name) || is_secret,
                    }
                };
                let members = members.iter().map(|(name, value)| {
                    let shown = if hide(name, value) { ANYTHING.into() } else { self.private(value) };
                    (name.clone(), shown)
                });
                Value::Object(members.collect::<Map<_, _>>())
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.private(item)).collect()),
            other => other.clone(),
        }
    }

    fn is_stand_in(&self, value: &Value) -> bool {
        value.as_str().is_some_and(|text| self.names.stands_for_something(text))
    }
}

fn label(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The headers of answers that change what is done.
fn heard(component: &Component) -> BTreeSet<String> {
    let throttle = &component.throttle;
    let cursors = component.actions.values().filter_map(|action| match &action.pagination.as_ref()?.next {
        NextPage::Cursor(Cursor { header, .. }) => header.clone(),
        _ => None,
    });
    let own = throttle.wait.headers.iter().chain(&throttle.remaining).cloned();
    let rules = throttle.when.iter().chain(&component.token_rejected.when);
    let own = own.chain(rules.filter_map(|rule| rule.header.clone()));
    let reset = throttle.reset.iter().map(|reset| reset.header.clone());
    let all = HEARD.iter().map(|name| (*name).to_owned()).chain(own).chain(reset).chain(cursors);
    all.map(|name| name.to_ascii_lowercase()).collect()
}

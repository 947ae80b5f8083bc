//! What holds for every case.

use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};

use super::{
    case::Case,
    secrets::{ACCESS_TOKEN, CLIENT_SECRET, PASSWORD, REFRESH_TOKEN, held},
    stage::{Place, Stage},
};

/// The most token requests of one case: retries and a renewal, each with retries of its own.
const MOST_TOKEN_REQUESTS: usize = 8;
const ALL: &[&str] = &[CLIENT_SECRET, PASSWORD, ACCESS_TOKEN, REFRESH_TOKEN];

/// The rules that a case's outcomes break.
pub(super) fn broken(stage: &Stage, case: &Case, place: Place, outcomes: &[String]) -> Vec<String> {
    let [line] = outcomes else { return vec![format!("{} outcomes", outcomes.len())] };
    let Some(outcome) = read(line) else { return vec![format!("no JSON: {}", short(line))] };
    let mut broken = Vec::new();
    if let Some(error) = stage.schema.iter_errors(&outcome).next() {
        broken.push(format!("not of the schema: {error} at {}", error.instance_path()));
    }
    if outcome["id"] != case.name.as_str() {
        broken.push(format!("another's outcome: {}", outcome["id"]));
    }
    broken.extend(not_as_expected(case, &outcome).map(|got| format!("{got}, not {}: {}", case.expected, short(line))));
    let attempts = outcome["attempts"].as_u64().unwrap_or(u64::MAX);
    if attempts > case.most_attempts {
        broken.push(format!("{attempts} attempts, and {} are the most", case.most_attempts));
    }
    // What the user asked for is in `body` and `headers`, and only the place of a redirect is looked after there.
    for member in ["/error", "/request", "/headers/location"] {
        let text = outcome.pointer(member).map(Value::to_string).unwrap_or_default();
        if let Some(secret) = held(&text, ALL) {
            broken.push(format!("`{secret}` is in {member}: {}", short(&text)));
        }
        if member == "/error" && outcome.pointer(member).is_some_and(has_controls) {
            broken.push(format!("control characters are in {member}: {}", short(&text)));
        }
        if member != "/headers/location" && text.len() > 8 << 10 {
            broken.push(format!("{} bytes are in {member}", text.len()));
        }
    }
    broken.extend(too_many(stage, case, place, attempts));
    broken
}

/// The outcome as a tree. A body that is JSON and fits no tree (lone surrogates, numbers beyond any type) is left out.
fn read(line: &str) -> Option<Value> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(line).ok()?;
    let tree = |(name, member): (String, &RawValue)| match serde_json::from_str(member.get()) {
        Ok(value) => Some((name, value)),
        Err(_) => (name == "body").then_some((name, Value::Null)),
    };
    members.into_iter().map(tree).collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
}

/// Whether a text in it would do something to a terminal.
fn has_controls(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().any(char::is_control),
        Value::Array(items) => items.iter().any(has_controls),
        Value::Object(members) => members.values().any(has_controls),
        _ => false,
    }
}

fn not_as_expected(case: &Case, outcome: &Value) -> Option<String> {
    let code = outcome.pointer("/error/code").and_then(Value::as_str).unwrap_or("none");
    let fits = case.expected.split('|').any(|wanted| match wanted.split_once(' ') {
        Some((wanted, status)) => wanted == code && outcome["status"].as_u64() == status.parse().ok(),
        None => wanted == code,
    });
    (!fits).then(|| format!("`{code}` with status {}", outcome["status"]))
}

/// Secrets at places that they have no business at, over all cases of a stage.
pub(super) fn out_of_place(stage: &Stage) -> Vec<String> {
    let mut broken = Vec::new();
    for request in stage.thief.seen() {
        let what = held(&request.text(), ALL).unwrap_or("a request");
        broken.push(format!("- {what} reached a stranger: {}", short(&request.text())));
    }
    let api: &[&str] = &[CLIENT_SECRET, PASSWORD, REFRESH_TOKEN];
    let watched = [(&stage.server, "/api", api), (&stage.listed, "", api), (&stage.files, "", ALL)];
    for (server, path, secrets) in watched.into_iter().chain([(&stage.server, "/token", &[ACCESS_TOKEN] as &[&str])]) {
        for request in server.seen().iter().filter(|request| request.path().starts_with(path)) {
            if let Some(secret) = held(&request.text(), secrets) {
                broken.push(format!("- `{secret}` reached {} {}", request.method, request.path()));
            }
        }
    }
    broken
}

/// Requests that the outcome does not speak of, and too many of the token endpoint.
fn too_many(stage: &Stage, case: &Case, place: Place, attempts: u64) -> Vec<String> {
    let mut broken = Vec::new();
    let sent = stage.server.seen_at(&format!("/api/{}", case.name)).len() as u64;
    if sent > attempts {
        broken.push(format!("the API was asked {sent} times, and the outcome says {attempts}"));
    }
    let tokens = stage.server.seen_at(&format!("/token/{}", case.name)).len();
    if tokens > MOST_TOKEN_REQUESTS {
        broken.push(format!("the token endpoint was asked {tokens} times"));
    }
    if place == Place::Token && tokens == 0 && case.expected != "none" {
        broken.push("the token endpoint was never asked".to_owned());
    }
    broken
}

fn short(text: &str) -> String {
    text.chars().take(600).collect()
}

//! Names for the tokens that came and went. Pure.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keyway_component::{
    Component, Pointer, Secret, SecretNames, StandIns,
    component::{Capture, JwtToken},
};
use keyway_oauth::Token;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::seen::Seen;
use crate::{observe::Purpose, replay::RecordedToken};

/// Names that mark an access token and a refresh token wherever they stand.
const ACCESS_TOKEN: &str = "access_token";
const REFRESH_TOKEN: &str = "refresh_token";

/// Gives every token of the token answers a name: `access_token-1`, `refresh_token-1`, `access_token-2` …
pub(super) fn learn(seen: &[Seen], component: &Component, names: &mut StandIns) {
    let secret_names = SecretNames::with(component.secret_names.iter().map(String::as_str));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for answer in seen.iter().filter(|seen| seen.purpose == Purpose::Token).filter_map(|seen| seen.end.as_ref().ok()) {
        let document = document_of(&answer.body);
        let response = &component.oauth2.token_response;
        let mut found = Vec::new();
        for (name, pointer) in [(ACCESS_TOKEN, &response.access_token), (REFRESH_TOKEN, &response.refresh_token)] {
            found.extend(pointer.find_text(&document).map(|text| (name.to_owned(), text)));
        }
        // What else is secret in such an answer, an `id_token` among them. An error's `code` is none.
        collect(&document, &secret_names, &mut found);
        for (name, text) in found {
            let secret = Secret::new(text);
            if names.text(secret.expose_secret_text()) == secret.expose_secret_text() {
                let count = counts.entry(name.clone()).or_default();
                *count += 1;
                names.add(&secret, &stand_in(&name, *count, &secret, component));
            }
        }
    }
}

/// Secret variables that answers told are called by their own names, as those are that an account gives.
pub(super) fn learn_captured(token: &Token, component: &Component, names: &mut StandIns) {
    let is_secret = |name: &str| component.variables.get(name).is_some_and(|variable| variable.secret);
    token.captured.iter().filter(|(name, _)| is_secret(name)).for_each(|(name, value)| names.add(value, name));
}

/// The token that was there before, with names for what is secret in it.
pub(super) fn stored_token(token: &Token, component: &Component, names: &mut StandIns) -> RecordedToken {
    let access_token = stand_in(ACCESS_TOKEN, 0, &token.access_token, component);
    names.add(&token.access_token, &access_token);
    let refresh_token = token.refresh_token.as_ref().map(|secret| {
        let name = stand_in(REFRESH_TOKEN, 0, secret, component);
        names.add(secret, &name);
        name
    });
    learn_captured(token, component, names);
    let captured = token.captured.iter().map(|(name, value)| (name.to_owned(), value.expose_secret_text().to_owned()));
    RecordedToken {
        access_token,
        refresh_token,
        obtained_at: Some(token.obtained_at),
        expires_at: token.expires_at,
        captured: captured.map(|(name, value)| (name, names.text(&value))).collect(),
    }
}

/// A token answer: JSON, or a form.
fn document_of(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let pairs = form_urlencoded::parse(body).into_owned();
        Value::Object(pairs.map(|(name, value)| (name, Value::String(value))).collect())
    })
}

fn collect(document: &Value, secret_names: &SecretNames, found: &mut Vec<(String, String)>) {
    match document {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if !text.is_empty() && name != "code" && secret_names.contains(name) => {
                        found.push((name.clone(), text.clone()));
                    }
                    _ => collect(value, secret_names, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, secret_names, found)),
        _ => {}
    }
}

/// A name for a token. Where the component reads claims of a JWT, it is an unsigned JWT with these claims and no others.
fn stand_in(name: &str, count: usize, secret: &Secret, component: &Component) -> String {
    let plain = format!("{name}-{count}");
    let token = match name {
        ACCESS_TOKEN => JwtToken::AccessToken,
        "id_token" => JwtToken::IdToken,
        _ => return plain,
    };
    let places = component.variables.values().flat_map(|variable| &variable.from);
    let read: Vec<&Pointer> = places
        .filter_map(|place| match place {
            Capture::JwtClaim(claim) if claim.token == token => Some(&claim.claim),
            _ => None,
        })
        .collect();
    let Some(claims) = claims(secret.expose_secret_text()).filter(|_| !read.is_empty()) else { return plain };
    let mut kept = json!({});
    for pointer in read {
        if let Some(text) = pointer.find_text(&claims) {
            pointer.put(&mut kept, Value::String(text));
        }
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{plain}", part(&json!({ "alg": "none" })), part(&kept))
}

fn claims(token: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?).ok()
}

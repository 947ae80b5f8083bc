//! Canary secrets, and what finds them in whatever form: raw, escaped, encoded, in part.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{LazyLock, Mutex},
};

use axum::response::Response;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use http::HeaderValue;
use keyway_tests::mock::Seen;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::{Keyway, Ran};

/// Every canary has this in it, in letters that no encoding but base64 changes.
pub const MARK: &str = "CNRY";
pub const CLIENT_ID: &str = "canary client:id";
/// Characters that every encoding changes in its own way.
pub const CLIENT_SECRET: &str = "CNRYclientSecret+/=%41&\"\\ \u{fc}1";
pub const PASSWORD: &str = "CNRYpassWord \"quoted\"\\+/=&%2B;\u{e9}";
pub const APP_TOKEN: &str = "CNRYappToken+a/b==&c d'\"";
pub const CODE: &str = "CNRYcode/4+AX4=XfWj_&";
pub const REFRESH_TOKEN: &str = "CNRYrefresh.1+~/=\"tok";
pub const API_KEY: &str = "CNRYapiKey;+/=~\"x";
pub const PROXY_PASSWORD: &str = "CNRYproxyPass";

/// All log settings: flags and environment.
pub const LOGS: [(&[&str], &str); 6] = [
    (&[], ""),
    (&["-v"], ""),
    (&["-vv", "--log-format", "json"], ""),
    (&["-vvv"], ""),
    (&[], "trace"),
    (&["--log-format", "json"], "trace"),
];
/// The loudest of each form.
pub const LOUD: [(&[&str], &str); 3] = [LOGS[0], LOGS[4], LOGS[5]];

/// All secrets that were ever planted or issued.
static PLANTED: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(|| {
    let planted = [CLIENT_SECRET, PASSWORD, APP_TOKEN, CODE, REFRESH_TOKEN, API_KEY, PROXY_PASSWORD];
    Mutex::new(planted.map(str::to_owned).into())
});

/// From now on this is a secret too.
pub fn plant<S: Into<String>>(secrets: impl IntoIterator<Item = S>) {
    PLANTED.lock().expect("no test panics with it").extend(secrets.into_iter().map(Into::into));
}

/// Finds what must not be there.
pub fn leak(text: &str) -> Option<String> {
    let around = |at: usize| {
        let (from, to) = (at.saturating_sub(160), text.len().min(at + 160));
        String::from_utf8_lossy(&text.as_bytes()[from..to]).into_owned()
    };
    // Raw, percent-encoded and JSON-escaped forms all keep the mark; so does half a secret.
    if let Some(at) = text.to_ascii_uppercase().find(MARK) {
        return Some(around(at));
    }
    // As a list of bytes.
    if let Some(at) = text.find("67, 78, 82, 89") {
        return Some(around(at));
    }
    // Base64 at any place of a longer text, a Basic header among them.
    for secret in PLANTED.lock().expect("no test panics with it").iter() {
        for form in [secret.clone(), url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()] {
            for inner in base64_inside(&form) {
                if let Some(at) = text.find(&inner) {
                    return Some(around(at));
                }
            }
        }
    }
    None
}

/// What any base64 of any text has in it that has `secret` in it: one form for each of the three places that it may
/// begin at, in both alphabets.
fn base64_inside(secret: &str) -> Vec<String> {
    let mut found = Vec::new();
    for before in 0..3 {
        let bytes = [&vec![0; before][..], secret.as_bytes()].concat();
        // Characters that neighbours have a part in are left out.
        let first = (before * 8).div_ceil(6);
        let whole = bytes.len() * 8 / 6;
        for text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            found.push(text[first..whole].to_owned());
        }
    }
    found
}

/// All leaks of a test, so that one does not hide the next.
#[derive(Default)]
pub struct Leaks {
    found: BTreeMap<String, String>,
    heard: String,
}

impl Leaks {
    /// Looks at what a run printed.
    pub fn look(&mut self, what: &str, ran: &Ran) {
        for text in [String::from_utf8_lossy(&ran.stdout), ran.stderr.as_str().into()] {
            self.look_at(what, &text);
        }
    }

    pub fn look_at(&mut self, what: &str, text: &str) {
        self.heard.push_str(text);
        if let Some(leak) = leak(text) {
            self.found.insert(what.to_owned(), leak);
        }
    }

    /// All that was looked at, to look for what is no secret of this file's.
    pub fn heard(&self) -> &str {
        &self.heard
    }

    #[track_caller]
    pub fn none(&self) {
        let told: Vec<String> = self.found.iter().map(|(what, leak)| format!("{what}: …{leak}…")).collect();
        assert!(told.is_empty(), "secrets are shown:\n{}", told.join("\n"));
    }
}

/// Every value that a request carried, decoded.
pub fn values(seen: &Seen) -> Vec<String> {
    let form = [seen.query.as_bytes(), &seen.body].into_iter().flat_map(url::form_urlencoded::parse);
    let mut values: Vec<String> = form.map(|(_, value)| value.into_owned()).collect();
    if let Ok(Value::Object(members)) = serde_json::from_slice(&seen.body) {
        values = members.values().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    for (name, value) in &seen.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let basic = value.strip_prefix("Basic ").and_then(|text| base64::prelude::BASE64_STANDARD.decode(text).ok());
        if let Some(basic) = basic.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) {
            // Form-encoded parts have one colon between them.
            if let (Some((_, secret)), 1) = (basic.split_once(':'), basic.matches(':').count()) {
                values.push(percent_decode_str(&secret.replace('+', " ")).decode_utf8_lossy().into_owned());
            }
            values.push(basic);
        }
        if matches!(name.as_str(), "authorization" | "x-vault-key") {
            values.push(value);
        }
    }
    values.retain(|value| !value.is_empty());
    values
}

/// Everything that a request carried, as it came and decoded.
pub fn echo(seen: &Seen) -> String {
    let sent = [seen.query.clone(), String::from_utf8_lossy(&seen.body).into_owned()];
    let parts: Vec<String> = sent.into_iter().filter(|part| !part.is_empty()).chain(values(seen)).collect();
    parts.join(" | ")
}

/// The values as they can stand in a header or a URL.
pub fn echo_encoded(seen: &Seen) -> String {
    utf8_percent_encode(&values(seen).join(" | "), NON_ALPHANUMERIC).to_string()
}

pub fn with_header(mut response: Response, name: &'static str, value: String) -> Response {
    response.headers_mut().insert(name, HeaderValue::try_from(value).expect("it is encoded"));
    response
}

pub fn logging(run: Keyway, (flags, level): (&[&str], &str)) -> Keyway {
    let run = run.args(flags.iter().copied());
    if level.is_empty() { run } else { run.env("KEYWAY_LOG", level) }
}

/// Nothing below the folder shows a secret. The component's files name none.
pub fn stores_are_closed(folder: &Path) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            stores_are_closed(&path);
        } else {
            let content = fs::read(&path).expect("it is ours");
            if let Some(leak) = leak(&String::from_utf8_lossy(&content)) {
                panic!("a secret in {}: …{leak}…", path.display());
            }
        }
    }
}

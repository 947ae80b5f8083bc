//! A known secret does not survive in a text that is masked, in whatever encoding it stands there.

use std::fmt::Write;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use keyway_component::{Redactor, Secret};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986 section 2.3: what stands for itself everywhere.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What JavaScript's `encodeURIComponent` encodes.
const COMPONENT: &AsciiSet = &RESERVED.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');
/// What a URL parser encodes in a query.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');

/// Secret, what stands before it and what after it, with U+001F between them.
///
/// # Panics
/// The secret is found in what was masked.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut parts = text.splitn(3, '\u{1f}');
    let secret = parts.next().unwrap_or_default();
    let (before, after) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    // Less than four bytes are masked nowhere, and what has a `*` can be made by the mask itself.
    if secret.len() < 4 || secret.contains('*') {
        return;
    }
    let redactor = Redactor::default();
    redactor.know("an account", &Secret::new(secret));
    for (name, form) in forms(secret) {
        for masked in [
            redactor.text(&format!("{before}{form}{after}")).into_owned(),
            redactor.values(&format!("{before}{form}{after}")).into_owned(),
        ] {
            assert!(!masked.contains(secret), "{name}: {secret:?} is in {masked:?}");
            assert!(!masked.contains(&form), "{name}: {secret:?} is in {masked:?} as {form:?}");
        }
    }
    if let Ok(mut url) = url::Url::parse("https://api.example.com/a") {
        url.set_path(&format!("{before}{secret}"));
        url.query_pairs_mut().append_pair("q", &format!("{secret}{after}"));
        let shown = redactor.url(&url);
        assert!(!shown.contains(secret), "{secret:?} is in {shown}");
    }
}

/// All ways in which a secret travels.
fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let json = serde_json::to_string(secret).expect("a text is JSON");
    let json = &json[1..json.len() - 1];
    let mut ascii = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let reserved = utf8_percent_encode(secret, RESERVED).to_string();
    vec![
        ("raw", secret.to_owned()),
        ("form", url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()),
        ("percent-encoded", percent),
        ("percent-encoded, lower case", lower_hex(&reserved)),
        ("percent-encoded by RFC 3986", reserved),
        ("percent-encoded by JavaScript", utf8_percent_encode(secret, COMPONENT).to_string()),
        ("percent-encoded as a query", utf8_percent_encode(secret, QUERY).to_string()),
        ("base64", STANDARD.encode(secret)),
        ("base64 without padding", STANDARD_NO_PAD.encode(secret)),
        ("base64 for URLs", URL_SAFE.encode(secret)),
        ("base64 for URLs without padding", URL_SAFE_NO_PAD.encode(secret)),
        ("JSON", json.to_owned()),
        ("JSON with `\\/`", json.replace('/', "\\/")),
        ("JSON in ASCII", ascii),
    ]
}

fn lower_hex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut left = 0;
    for c in text.chars() {
        left = if c == '%' { 3_usize } else { left };
        out.push(if left > 0 { c.to_ascii_lowercase() } else { c });
        left = left.saturating_sub(1);
    }
    out
}

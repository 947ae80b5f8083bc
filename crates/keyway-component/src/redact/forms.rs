//! The forms in which a secret travels: as it is, and as encoders write it.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for itself in any part of a URL (RFC 3986 section 2.3); all else is encoded.
pub(super) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What `encodeURIComponent` leaves is more than that.
pub(super) const JAVASCRIPT: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'\'').remove(b'(').remove(b')').remove(b'*');
/// The least that URL parsers encode in a query.
pub(super) const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'\'');

/// A secret in all of its forms, each once: raw, percent-encoded, as a form, in JSON, in base64.
pub(super) fn forms(secret: &str) -> BTreeSet<String> {
    let percent =
        [NON_ALPHANUMERIC, UNRESERVED, JAVASCRIPT, QUERY].map(|set| utf8_percent_encode(secret, set).to_string());
    let form_encoded = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
    let mut forms: BTreeSet<String> = percent.into_iter().chain([form_encoded]).collect();
    forms.extend(forms.clone().iter().map(|form| lower_hex(form)));
    let quoted = serde_json::to_string(secret).unwrap_or_default();
    let json = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    let ascii = in_ascii(json);
    forms.extend([json.replace('/', "\\/"), ascii.replace('/', "\\/"), ascii, json.to_owned(), secret.to_owned()]);
    forms.extend([general_purpose::STANDARD_NO_PAD.encode(secret), general_purpose::URL_SAFE_NO_PAD.encode(secret)]);
    forms
}

/// The same with `%2f` for `%2F`: RFC 3986 section 2.1 takes them for one.
pub(super) fn lower_hex(form: &str) -> String {
    let mut out = String::with_capacity(form.len());
    let mut digits = 0;
    for c in form.chars() {
        out.push(if digits > 0 { c.to_ascii_lowercase() } else { c });
        digits = if c == '%' { 2 } else { usize::saturating_sub(digits, 1) };
    }
    out
}

/// The inside of a JSON string as encoders write it that leave nothing but ASCII.
pub(super) fn in_ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_token_has_few_forms() {
        assert_eq!(forms("abcdefABCDEF0123").len(), 2, "raw and base64");
    }
}

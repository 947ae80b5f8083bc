//! The redactor: takes known secrets out of any text that is not a user's own data.

mod forms;
mod known;
mod stand_ins;

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use percent_encoding::percent_decode_str;
use regex::{Captures, Regex};
use url::Url;

use self::known::Known;
pub use self::stand_ins::StandIns;
use crate::{secret::Secret, secret_names::SecretNames};

/// What stands where a secret stood.
const MASK: &str = "***";
/// Masks secrets in errors, logs and URLs: by value (raw, percent-encoded, base64, inside JSON strings) and by name.
///
/// Clones share what they know, so one redactor serves a whole host.
#[derive(Clone, Default)]
pub struct Redactor(Arc<Shared>);

#[derive(Default)]
struct Shared {
    names: RwLock<SecretNames>,
    known: RwLock<Known>,
}

// === impl Redactor ===

impl Redactor {
    /// Adds names whose values are masked from now on.
    pub fn add_names<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        let names: Vec<&str> = names.into_iter().collect();
        if !names.is_empty() {
            let mut held = self.0.names.write().unwrap_or_else(PoisonError::into_inner);
            held.extend(names);
        }
    }

    /// Makes a secret known. The oldest of an owner's secrets are forgotten first, so that rotating tokens do not
    /// make this grow for ever.
    pub fn know(&self, owner: &str, secret: &Secret) {
        self.0.known.write().unwrap_or_else(PoisonError::into_inner).add(owner, secret);
    }

    /// Whether the value under this name (header, parameter, member) is a secret.
    #[must_use]
    pub fn is_secret_name(&self, name: &str) -> bool {
        self.0.names.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// The text without any known secret. For sentences of our own, where a name before a colon is no secret's.
    #[must_use]
    pub fn values<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let places = self.0.known.read().unwrap_or_else(PoisonError::into_inner).places(text);
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        for place in places {
            out.push_str(text.get(from..place.start).unwrap_or_default());
            out.push_str(MASK);
            from = place.end;
        }
        out.push_str(text.get(from..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// The text without any known secret, and without the value of any `name=value` or `"name": "value"` whose name
    /// is a secret's.
    #[must_use]
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let out = self.values(text);
        match self.by_name(&out) {
            Some(masked) => Cow::Owned(masked),
            None => out,
        }
    }

    /// A URL that can be shown: no userinfo, no fragment, no value of a secret query parameter, no known secret.
    #[must_use]
    pub fn url(&self, url: &Url) -> String {
        let mut shown = url.clone();
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_fragment(None);
        if let Some(query) = url.query() {
            let masked: Vec<Cow<'_, str>> = query.split('&').map(|pair| self.pair(pair)).collect();
            shown.set_query(Some(&masked.join("&")));
        }
        self.text(shown.as_str()).into_owned()
    }

    fn pair<'p>(&self, pair: &'p str) -> Cow<'p, str> {
        let name = pair.split('=').next().unwrap_or_default();
        if pair.len() > name.len() && self.is_secret_name(&percent_decode_str(name).decode_utf8_lossy()) {
            Cow::Owned(format!("{name}={MASK}"))
        } else {
            Cow::Borrowed(pair)
        }
    }

    fn by_name(&self, text: &str) -> Option<String> {
        let pairs = NAMED_VALUE.as_ref()?;
        let mut any = false;
        let masked = pairs.replace_all(text, |found: &Captures<'_>| {
            if self.is_secret_name(&found["name"]) && &found["value"] != MASK {
                any = true;
                format!("{}{}{MASK}", &found["name"], &found["between"])
            } else {
                found[0].to_owned()
            }
        });
        any.then(|| masked.into_owned())
    }
}

/// `name=value`, `"name":"value"`, `name: value`; the value ends where the next thing begins.
static NAMED_VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?P<name>[A-Za-z][A-Za-z0-9_-]*)(?P<between>\\?["']?\s*[=:]\s*\\?["']?(?:(?:Bearer|Basic|OAuth2|DPoP)\s+)?)(?P<value>[^\s"'&,;\\}]{4,})"#)
        .ok()
});

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose};
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::{
        forms::{JAVASCRIPT, QUERY, UNRESERVED, in_ascii, lower_hex},
        *,
    };

    fn redactor() -> Redactor {
        let redactor = Redactor::default();
        redactor.know("podio", &Secret::new(r#"s+cr%41t/"=&: ü"#));
        redactor.know("podio", &Secret::new("abc"));
        redactor
    }

    /// All ways in which a secret travels.
    fn forms(secret: &str) -> Vec<String> {
        let percent = |set| utf8_percent_encode(secret, set).to_string();
        let json = serde_json::to_string(secret).unwrap();
        let mut forms = vec![
            secret.to_owned(),
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
            percent(NON_ALPHANUMERIC),
            percent(UNRESERVED),
            percent(JAVASCRIPT),
            percent(QUERY),
            general_purpose::STANDARD.encode(secret),
            general_purpose::STANDARD_NO_PAD.encode(secret),
            general_purpose::URL_SAFE.encode(secret),
            general_purpose::URL_SAFE_NO_PAD.encode(secret),
            json.replace('/', "\\/"),
            in_ascii(&json),
            json,
        ];
        forms.extend([percent(NON_ALPHANUMERIC), percent(UNRESERVED)].map(|form| lower_hex(&form)));
        forms
    }

    #[test]
    fn a_known_secret_is_found_in_every_form() {
        let secret = r#"s+cr%41t/"=&: ü"#;
        for form in forms(secret) {
            let shown = redactor().text(&format!("before {form} after")).into_owned();
            assert!(shown.contains("***"), "{form} -> {shown}");
            assert!(shown.starts_with("before ") && shown.ends_with(" after"), "{shown}");
        }
        assert_eq!(redactor().text("abc"), "abc", "too short to be taken out everywhere");
    }

    #[test]
    fn a_secret_is_found_as_other_encoders_write_it() {
        // By RFC 3986, with small hex digits, as PHP writes JSON, as JSON in ASCII, and with a quote at its end.
        let table = [
            ("p w-1.x", "p%20w-1.x"),
            ("a/b+c=", "a%2fb%2bc%3d"),
            ("a/b+c=", r"a\/b+c="),
            ("schlüssel", r"schl\u00fcssel"),
            (r#"quoted""#, r#"quoted\""#),
        ];
        for (secret, form) in table {
            let redactor = Redactor::default();
            redactor.know("a", &Secret::new(secret));
            assert_eq!(redactor.values(&format!("<{form}>")), "<***>", "{secret}");
        }
    }

    proptest! {
        #[test]
        fn no_form_of_any_secret_survives_in_any_text(secret in "[^*]{4,24}", before in "\\PC{0,12}", after in "\\PC{0,12}") {
            let redactor = Redactor::default();
            redactor.know("a", &Secret::new(secret.as_str()));
            let forms = forms(&secret);
            let text: String = forms.iter().map(|form| format!("{before}{form}{after}")).collect();
            for masked in [redactor.text(&text), redactor.values(&text)] {
                for form in &forms {
                    prop_assert!(!masked.contains(form.as_str()), "{:?} in {:?}", form, masked);
                }
            }
        }
    }

    #[test]
    fn values_of_secret_names_go_even_when_unknown() {
        let table = [
            ("client_secret=hunter22&x=1", "client_secret=***&x=1"),
            (r#"{"access_token": "eyJhbGciOi", "n": 1}"#, r#"{"access_token": "***", "n": 1}"#),
            ("Authorization: Bearer abcdef123", "Authorization: Bearer ***"),
            ("the token was refused", "the token was refused"),
        ];
        for (text, wanted) in table {
            assert_eq!(redactor().text(text), wanted);
        }
    }

    #[test]
    fn a_url_keeps_its_shape() {
        let url = Url::parse("https://u:p@api.example.com/a?oauth_token=x1&limit=2&acc%65ss_token=y#z").unwrap();
        assert_eq!(redactor().url(&url), "https://api.example.com/a?oauth_token=***&limit=2&acc%65ss_token=***");
    }

    #[test]
    fn rotating_tokens_do_not_pile_up() {
        let redactor = Redactor::default();
        for n in 0..100 {
            redactor.know("a", &Secret::new(format!("token-{n:04}")));
        }
        assert_eq!(redactor.text("token-0099"), "***");
        assert_eq!(redactor.text("token-0000"), "token-0000");
    }
}

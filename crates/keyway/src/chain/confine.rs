//! Confinement: a message's URL lies in its component's API, or it is refused before any token is asked for.
//!
//! The text is checked first ([`spelling`](super::spelling)); the parsed URL is checked once more.

use keyway_component::Origin;
use url::Url;

use super::spelling::{check_text, refused};
use crate::{connection::Connection, failure::Failure};

/// A request line holds no longer URL than 65,534 bytes, and a token may have to go into it; servers take far less.
const LONGEST_URL: usize = 60_000;

/// What a place that messages may go to gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Confined {
    /// Whether the access token goes there.
    pub(super) token: bool,
}

// === impl Confined ===

impl Confined {
    /// The same for a request that wants the token, or does not.
    pub(super) fn for_one_that(self, wants_token: bool) -> Self {
        Self { token: self.token && wants_token }
    }
}

/// Makes the URL of a message: a relative one is appended to the base URL, an absolute one stands for itself.
pub(super) fn locate(base_url: &Url, text: &str) -> Result<Url, Failure> {
    check_text(text)?;
    match text.split_once("://") {
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            Url::parse(text).map_err(|error| refused(text, &format!("it is no URL ({error})")))
        }
        _ => Ok(append(base_url, text)),
    }
}

/// Appends to the base URL. Only what is new is parsed: the host is known.
fn append(base_url: &Url, text: &str) -> Url {
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let mut url = base_url.clone();
    let base = base_url.path().trim_end_matches('/');
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    url.set_path(&format!("{base}{slash}{path}"));
    url.set_query(query);
    url
}

/// Checks a URL against the account's API.
pub(super) fn confine(connection: &Connection, url: &Url) -> Result<Confined, Failure> {
    let places = connection.places();
    // Made only for a refusal: masking looks through every known secret.
    let refused = |why: &str| refused(&connection.redactor().url(url), why);
    if url.as_str().len() > LONGEST_URL {
        return Err(refused(&format!("it is longer than {LONGEST_URL} bytes; put such data into the body")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it names a user"));
    }
    let Some(origin) = places.origin_of(url) else {
        let why = match Origin::of(url) {
            Some(origin) => format!("`{origin}` is not of this API; it has {}", places.origins()),
            None => "it is neither http nor https".to_owned(),
        };
        return Err(refused(&why));
    };
    if origin.is_base && !places.is_below_base(url) {
        return Err(refused(&format!("it is not below `{}/`", places.base_path())));
    }
    if places.is_oauth_endpoint(url) {
        return Err(refused("it is an OAuth endpoint, which only Keyway itself calls"));
    }
    Ok(Confined { token: origin.token })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::places::decoded;

    fn base() -> Url {
        Url::parse("https://app.podero.com/api/partners/v2.0").unwrap()
    }

    #[test]
    fn relative_urls_are_appended() {
        let table = [
            ("/org/1/users", "https://app.podero.com/api/partners/v2.0/org/1/users"),
            ("org/1", "https://app.podero.com/api/partners/v2.0/org/1"),
            ("?a=b", "https://app.podero.com/api/partners/v2.0?a=b"),
            ("", "https://app.podero.com/api/partners/v2.0"),
            ("/a?next=https://x.test/../y", "https://app.podero.com/api/partners/v2.0/a?next=https://x.test/../y"),
            ("/item/a:b", "https://app.podero.com/api/partners/v2.0/item/a:b"),
            ("https://files.test/x", "https://files.test/x"),
        ];
        for (text, wanted) in table {
            assert_eq!(locate(&base(), text).unwrap().as_str(), wanted, "{text}");
        }
    }

    /// What a path is made of that wants to be somewhere else.
    fn odd_path() -> impl Strategy<Value = String> {
        let parts = [
            "/",
            "//",
            ".",
            "..",
            "%2e",
            "%2E",
            "%252e",
            "%25%32%65",
            "%2f",
            "%252F",
            "%5c",
            "%255c",
            "\\",
            ";",
            "%3b",
            "?",
            "#",
            "@",
            ":",
            "a",
            "é",
            "%c3%a9",
            "%ff",
            "%",
            "%0d%0a",
            "http://",
            "https://",
            "https:///",
            "app.podero.com",
        ];
        let parts =
            proptest::collection::vec(prop::sample::select(parts.to_vec()), 0..10).prop_map(|parts| parts.concat());
        prop_oneof![parts, "[/.%2eE5cC\\\\;?#@:a-z]{0,16}"]
    }

    proptest! {
        /// Appending takes a short way. It has to lead to where a parser's long one does.
        #[test]
        fn what_is_appended_is_as_if_it_was_parsed_whole(text in prop_oneof![odd_path(), "\\PC{0,60}"]) {
            if let Ok(url) = locate(&base(), &text) && !text.contains("://") {
                let slash = if text.is_empty() || text.starts_with(['/', '?']) { "" } else { "/" };
                let whole = Url::parse(&format!("{}{slash}{text}", base()));
                prop_assert_eq!(Ok(url), whole);
            }
        }

        #[test]
        fn no_spelling_has_a_dot_segment_or_leaves_the_base(text in odd_path()) {
            if let Ok(url) = locate(&base(), &text) {
                for path in [url.path().to_owned()].into_iter().chain(decoded(url.path())) {
                    let mut names = path.split(['/', '\\']).map(|part| part.split(';').next().unwrap_or_default());
                    prop_assert!(!names.any(|name| matches!(name, "." | "..")), "{} -> {}", text, url);
                }
                if !text.contains("://") {
                    prop_assert_eq!(Origin::of(&url), Origin::of(&base()));
                    let rest = url.path().strip_prefix("/api/partners/v2.0");
                    prop_assert!(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')), "{} -> {}", text, url);
                }
                prop_assert!(url.fragment().is_none() && !url.as_str().contains(char::is_control));
            }
        }

        #[test]
        fn a_relative_url_never_leaves_the_base(text in "\\PC{0,60}") {
            if let Ok(url) = locate(&base(), &text) && !text.contains("://") {
                prop_assert_eq!(Origin::of(&url), Origin::of(&base()));
                prop_assert!(url.path().starts_with("/api/partners/v2.0"), "{} -> {}", text, url);
            }
        }
    }
}

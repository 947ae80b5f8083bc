//! Confinement: a message's URL lies in its component's API, or it is refused before any token is asked for.
//!
//! The text is checked first, before a URL parser folds dot segments and backslashes away; the parsed URL is checked
//! once more.

use keyway_component::{Origin, printable};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{
    connection::Connection,
    failure::{Code, Failure},
};

/// A request line holds no longer URL than 65,534 bytes, and a token may have to go into it; servers take far less.
const LONGEST_URL: usize = 60_000;

/// What a place that messages may go to gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Confined {
    /// Whether the access token goes there.
    pub(super) token: bool,
}

/// Makes the URL of a message: a relative one is appended to the base URL, an absolute one stands for itself.
pub(super) fn locate(base_url: &Url, text: &str) -> Result<Url, Failure> {
    check_text(text)?;
    let joined = match text.split_once("://") {
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => text.to_owned(),
        _ => append(base_url.as_str(), text)?,
    };
    Url::parse(&joined).map_err(|error| refused(text, &format!("it is no URL ({error})")))
}

/// Checks a URL against the account's API.
pub(super) fn confine(connection: &Connection, url: &Url) -> Result<Confined, Failure> {
    let endpoints = &connection.account().endpoints;
    // Made only for a refusal: masking looks through every known secret.
    let refused = |why: &str| refused(&connection.redactor().url(url), why);
    if url.as_str().len() > LONGEST_URL {
        return Err(refused(&format!("it is longer than {LONGEST_URL} bytes; put such data into the body")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it names a user"));
    }
    let origin = Origin::of(url).ok_or_else(|| refused("it is neither http nor https"))?;
    let Some((_, token)) = endpoints.api_origins.iter().find(|(known, _)| *known == origin) else {
        let known: Vec<String> = endpoints.api_origins.iter().map(|(origin, _)| origin.to_string()).collect();
        return Err(refused(&format!("`{origin}` is not of this API; it has {}", known.join(", "))));
    };
    let at_base = Origin::of(&endpoints.base_url).as_ref() == Some(&origin);
    let base_path = endpoints.base_url.path().trim_end_matches('/');
    let below = url.path().strip_prefix(base_path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if at_base && !below {
        return Err(refused(&format!("it is not below `{base_path}/`")));
    }
    if endpoints.oauth.iter().any(|endpoint| is_same_place(endpoint, url)) {
        return Err(refused("it is an OAuth endpoint, which only Keyway itself calls"));
    }
    Ok(Confined { token: *token })
}

/// What no parser may see: it would be folded into another place, or cut off.
pub(super) fn check_text(text: &str) -> Result<(), Failure> {
    let refuse = |why: &str| Err(refused(text, why));
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refuse("it has spaces or control characters; percent-encode them");
    }
    if text.contains('\\') || text.to_ascii_lowercase().contains("%5c") {
        return refuse("it has a backslash");
    }
    if text.contains('#') {
        return refuse("it has a fragment, which is never sent; take it out, or write %23");
    }
    if text.starts_with("//") {
        return refuse("it names a host without a scheme");
    }
    let before_query = text.split('?').next().unwrap_or_default();
    let (authority, path) = match before_query.split_once("://") {
        Some((scheme, rest)) => {
            if !matches!(scheme, "https" | "http") {
                return refuse("its scheme is neither https nor http");
            }
            rest.split_once('/').unwrap_or((rest, ""))
        }
        None => {
            // `mailto:x` and `javascript:x` are URLs of their own; `item/a:b` is a path.
            let first = before_query.split('/').next().unwrap_or_default();
            if first.contains(':') {
                return refuse("its first segment reads as a scheme; put a `/` before it");
            }
            ("", before_query)
        }
    };
    if authority.contains('@') {
        return refuse("it names a user");
    }
    if !authority.is_ascii() {
        return refuse("its host is not ASCII; names that only look alike are not told apart by eye");
    }
    if path.split('/').any(is_dot_segment) {
        return refuse("it has a dot segment");
    }
    Ok(())
}

/// `.` and `..`, also percent-encoded, also with a `;parameter` behind that some servers cut off.
fn is_dot_segment(segment: &str) -> bool {
    let dots = |text: &str| text.split(['/', '\\']).any(|part| matches!(part.split(';').next(), Some("." | "..")));
    decoded(segment).iter().any(|text| dots(text))
}

/// The text decoded once, and decoded twice: a proxy and the server behind it may each do so.
fn decoded(text: &str) -> [String; 2] {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let once = decode(text);
    let twice = decode(&once);
    [once, twice]
}

fn append(base: &str, text: &str) -> Result<String, Failure> {
    let base = base.trim_end_matches('/');
    let slash = if text.starts_with('/') || text.starts_with('?') || text.is_empty() { "" } else { "/" };
    Ok(format!("{base}{slash}{text}"))
}

/// Whether both lead to the same resource, spelled differently or not.
fn is_same_place(endpoint: &Url, url: &Url) -> bool {
    let path = |decoded: &str| -> Vec<String> {
        let name = |part: &str| part.split(';').next().unwrap_or_default().to_ascii_lowercase();
        decoded.split('/').map(name).filter(|part| !part.is_empty()).collect()
    };
    let [once, _] = decoded(endpoint.path());
    Origin::of(endpoint) == Origin::of(url) && decoded(url.path()).iter().any(|spelled| path(spelled) == path(&once))
}

fn refused(url: &str, why: &str) -> Failure {
    // Neither query nor fragment nor user: any of them may hold a secret.
    let place = url.split(['?', '#']).next().unwrap_or_default();
    let place = match place.split_once('@') {
        Some((_, place)) => place,
        None => place,
    };
    let shown = printable(place, 200);
    Failure::new(Code::UrlNotAllowed, format!("the URL `{shown}` is refused: {why}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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

    #[test]
    fn what_a_parser_would_fold_is_refused_on_the_text() {
        let table = [
            "//evil.test/x",
            "/../admin",
            "/a/../../b",
            "/a/%2e%2e/b",
            "/a/%2E./b",
            "/a/.%2e",
            "/./a",
            "/a/..;x=1/b",
            "/a/%2e%2e%2fb",
            "/a/%252e%252e/b",
            "/a/%25%32e./b",
            "/a%252f..%252fb",
            "/a/..%253bx/b",
            "/a\\..\\b",
            "\\\\evil.test",
            "/a%5c..%5cb",
            "/a#b",
            "/a b",
            "/a\tb",
            "/a\nb",
            "/a\u{0}b",
            "/a\u{85}b",
            "mailto:x",
            "javascript:alert(1)",
            "ftp://a.test/",
            "file:///etc/passwd",
            "https://user@app.podero.com/",
            "https://a@b@c/",
            "https://аpp.podero.com/",
            "data:text/plain,x",
            "HTTP://app.podero.com/x",
            "https:evil.test",
        ];
        for text in table {
            let failure = locate(&base(), text).expect_err(text);
            assert_eq!(failure.code, Code::UrlNotAllowed, "{text}");
        }
    }

    #[test]
    fn the_same_place_in_other_spellings() {
        let endpoint = Url::parse("https://api.podio.com/oauth/token/v2").unwrap();
        for text in [
            "/oauth/token/v2",
            "/oauth/token/v2/",
            "/oauth/%74oken/v2",
            "/oauth/%2574oken/v2",
            "/oauth/token;x=1/v2;y",
            "//oauth//token/v2",
            "/OAuth/Token/v2?x=1",
        ] {
            let url = Url::parse(&format!("https://api.podio.com{text}")).unwrap();
            assert!(is_same_place(&endpoint, &url), "{text}");
        }
        assert!(!is_same_place(&endpoint, &Url::parse("https://api.podio.com/oauth/scope").unwrap()));
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

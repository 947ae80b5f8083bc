//! How a URL may be spelled. Checked on the text, before a URL parser folds dot segments and backslashes away.

use keyway_component::printable;

use crate::{
    failure::{Code, Failure},
    places::decoded,
};

/// What no parser may see: it would be folded into another place, or cut off.
pub(super) fn check_text(text: &str) -> Result<(), Failure> {
    let refuse = |why: &str| Err(refused(text, why));
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) && text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refuse("it has spaces or control characters; percent-encode them");
    }
    if text.contains('\\') || (text.contains('%') && text.to_ascii_lowercase().contains("%5c")) {
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
    // Most segments begin with another letter, and only a few are encoded.
    segment.starts_with('.') && dots(segment) || segment.contains('%') && decoded(segment).iter().any(|text| dots(text))
}

pub(super) fn refused(url: &str, why: &str) -> Failure {
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
    use super::*;

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
            let failure = check_text(text).expect_err(text);
            assert_eq!(failure.code, Code::UrlNotAllowed, "{text}");
        }
    }
}

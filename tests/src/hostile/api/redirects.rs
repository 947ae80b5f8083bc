//! Redirects: every status, to every kind of place.

use crate::hostile::{Case, case, json, page, raw};

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// Where a redirect leads, with the status that a GET ends with; 0 is the redirect's own.
const TARGETS: &[(&str, &str, u16)] = &[
    ("same-origin", "/api/next", 200),
    ("same-origin-whole", "@SELF@/api/next", 200),
    ("relative", "next", 200),
    ("fragment", "/api/next#part", 200),
    ("fragment-with-the-token", "/api/next#access_token=@TOKENPCT@", 200),
    ("listed", "@LISTED@/next", 200),
    ("files", "@FILES@/next", 200),
    ("files-with-the-token", "@FILES@/next?t=@TOKENPCT@", 0),
    ("files-with-the-token-in-the-path", "@FILES@/@TOKENPCT@/next", 0),
    ("files-with-the-secret", "@FILES@/next?s=@SECRETPCT@", 0),
    ("stranger", "@THIEF@/next", 0),
    ("stranger-with-the-token", "@THIEF@/next?t=@TOKENPCT@", 0),
    ("stranger-with-the-secret", "@THIEF@/next?s=@SECRET64@", 0),
    ("stranger-without-a-scheme", "//@THIEFHOST@/next", 0),
    ("self-without-a-scheme", "//@HOST@/api/next", 0),
    ("three-slashes", "///@THIEFHOST@/next", 0),
    ("user", "http://user@@HOST@/api/next", 0),
    ("user-and-password", "http://user:pass@@HOST@/api/next", 0),
    ("user-that-looks-like-the-host", "http://@HOST@@@THIEFHOST@/next", 0),
    ("backslashes", "\\\\@THIEFHOST@\\next", 0),
    ("slash-and-backslash", "/\\@THIEFHOST@/next", 0),
    ("backslash-before-a-user", "@SELF@\\@@THIEFHOST@/next", 0),
    ("encoded-backslash", "/api/%5c..%5cnext", 0),
    ("https", "https://@HOST@/api/next", 0),
    ("scheme-upper-case", "HTTP://@HOST@/api/next", 0),
    ("scheme-alone", "http:", 0),
    ("scheme-without-slashes", "http:@THIEFHOST@/next", 0),
    ("javascript", "javascript:alert(1)", 0),
    ("data", "data:application/json,{}", 0),
    ("file", "file:///etc/passwd", 0),
    ("ftp", "ftp://@HOST@/api/next", 0),
    ("gopher", "gopher://@HOST@/_GET", 0),
    ("metadata-service", "http://169.254.169.254/latest/meta-data", 0),
    ("localhost", "http://localhost:1/api/next", 0),
    ("number-as-host", "http://2130706433:1/api/next", 0),
    ("token-endpoint", "@SELF@/token/next", 0),
    ("outside-the-base-path", "/other", 0),
    ("beside-the-base-path", "/apiary/next", 0),
    ("dots", "/api/../token/next", 0),
    ("encoded-dots", "/api/%2e%2e/token/next", 0),
    ("dots-relative", "../token/next", 0),
    ("empty", "", 0),
    ("space", "/api/ne xt", 0),
    ("tab", "/api/ne\txt", 0),
    ("other-letters", "/api/n\u{e4}xt", 0),
    ("other-letters-with-the-token", "@THIEF@/\u{e4}?t=@TOKEN@", 0),
    ("bad-port", "http://127.0.0.1:99999/api/next", 0),
    ("bad-host", "http://[::1/api/next", 0),
    ("no-host", "http:///api/next", 0),
    ("percent-alone", "/api/%", 200),
    ("nul-encoded", "/api/%00", 200),
    ("break-encoded", "/api/%0d%0aSet-Cookie:%20a=b", 200),
];

/// Every status to every place for GET, and for POST, which follows none.
pub fn cases() -> Vec<Case> {
    let get = |status: u16, (name, location, ends): &(&str, &str, u16)| {
        let ends = if *ends == 0 { status } else { *ends };
        let answer = page(format!("{status} Go\r\nlocation: {location}"), "");
        case(format!("{status}-{name}"), format!("none {ends}"), answer).attempts(2)
    };
    let post = |status: u16, target: &(&str, &str, u16)| {
        let mut case = get(status, target).method("POST").with("body", vec![1, 2, 3]).attempts(1);
        case.name.push_str("-post");
        case.expected = format!("none {status}");
        case
    };
    // What a place means does not depend on the status, so not every pair is tried for POST.
    let gets = STATUSES.iter().flat_map(|status| TARGETS.iter().map(move |target| get(*status, target)));
    let posted = ["same-origin", "listed", "stranger", "token-endpoint", "files-with-the-token"];
    let posts = STATUSES.iter().flat_map(|status| {
        TARGETS.iter().filter(|target| posted.contains(&target.0)).map(move |target| post(*status, target))
    });
    gets.chain(posts).chain(odd()).collect()
}

/// A head above 64 KiB is refused, unless all of it was there at once.
const HEAD_TOO_LONG: &str = "none 302|response_invalid";

/// Places whose names are longer than any URL that can be sent. They stand alone: what a long text costs, others pay.
pub fn long() -> Vec<Case> {
    let go = |location: String| page(format!("302 Go\r\nlocation: {location}"), "");
    let long = "a".repeat(100 << 10);
    vec![
        case("location-of-60-kib", "none 302", go(format!("/api/{}", "a".repeat(60 << 10)))).attempts(1),
        case("location-of-100-kib", HEAD_TOO_LONG, go(format!("/api/{long}"))).attempts(3),
        case("location-of-100-kib-of-a-stranger", HEAD_TOO_LONG, go(format!("@THIEF@/{long}"))).attempts(3),
        case("location-of-100-kib-with-the-token", HEAD_TOO_LONG, go(format!("@THIEF@/{long}?t=@TOKENPCT@")))
            .attempts(3),
        case("location-of-100-kib-of-pairs", HEAD_TOO_LONG, go(format!("@THIEF@/?{}", "a=b&".repeat(25_000))))
            .attempts(3),
    ]
}

/// Ways that go on, and answers with more than one place or none.
fn odd() -> Vec<Case> {
    let go = |location: &str| page(format!("302 Go\r\nlocation: {location}"), "");
    let mut chain = case("chain-of-20", "none 302", go("?hop=0")).attempts(6);
    for hop in 1..20 {
        chain = chain.then(go(&format!("?hop={hop}")));
    }
    let chain = chain.then(json("{\"end\":true}"));
    vec![
        chain,
        case("chain-of-5", "none 200", go("?hop=1"))
            .then(go("?hop=2"))
            .then(go("?hop=3"))
            .then(go("?hop=4"))
            .then(go("?hop=5"))
            .then(json("{}"))
            .attempts(6),
        case("loop-to-itself", "none 302", go("/api/loop-to-itself")).attempts(1),
        case("loop-of-two", "none 302", go("?a"))
            .then(go("?b"))
            .then(go("?a"))
            .then(go("?b"))
            .then(go("?a"))
            .then(go("?b"))
            .then(go("?a"))
            .attempts(6),
        case("no-location", "none 302", page("302 Go", "")).attempts(1),
        case(
            "no-location-body",
            "none 302",
            page("302 Go\r\ncontent-type: application/json", "{\"location\":\"@THIEF@\"}"),
        )
        .attempts(1),
        case("two-locations", "none", page("302 Go\r\nlocation: /api/next\r\nlocation: @THIEF@/next", "")).attempts(2),
        case(
            "two-locations-stranger-first",
            "none 302",
            page("302 Go\r\nlocation: @THIEF@/next\r\nlocation: /api/next", ""),
        )
        .attempts(1),
        case(
            "two-locations-with-the-token",
            "none 302",
            page("302 Go\r\nlocation: @THIEF@/a?t=@TOKENPCT@\r\nlocation: @THIEF@/b?t=@TOKENPCT@", ""),
        )
        .attempts(1),
        case(
            "location-no-utf-8",
            "none 302",
            raw(&b"HTTP/1.1 302 Go\r\nlocation: /api/\xff\xfe\r\ncontent-length: 0\r\n\r\n"[..]),
        )
        .attempts(1),
        case("head-same-origin", "none 200", go("/api/next")).method("HEAD").attempts(2),
        case("head-stranger", "none 302", go("@THIEF@/next")).method("HEAD").attempts(1),
        case("put-same-origin", "none 302", go("/api/next")).method("PUT").attempts(1),
        case("delete-same-origin", "none 302", go("/api/next")).method("DELETE").attempts(1),
        case("options-same-origin", "none 302", go("/api/next")).method("OPTIONS").attempts(1),
        case("300-choices", "none 300", page("300 Choose\r\nlocation: @THIEF@/next", "")).attempts(1),
        case("304-location", "none 304", page("304 Same\r\nlocation: @THIEF@/next", "")).attempts(1),
        case("305-use-proxy", "none 305", page("305 Proxy\r\nlocation: @THIEF@/", "")).attempts(1),
        case("306-switch-proxy", "none 306", page("306 Proxy\r\nlocation: @THIEF@/", "")).attempts(1),
        case("201-location-with-the-token", "none 201", page("201 Made\r\nlocation: @THIEF@/x?t=@TOKENPCT@", ""))
            .attempts(1),
        case("200-location-with-the-token", "none 200", page("200 OK\r\nlocation: @THIEF@/x?t=@TOKEN@", ""))
            .attempts(1),
        case(
            "400-location-with-the-secret",
            "http_status 400",
            page("400 No\r\nlocation: @THIEF@/x?t=@SECRETPCT@", ""),
        )
        .attempts(1),
        case("302-then-401", "token_denied 401", go("?again")).then(page("401 No", "")).attempts(4),
        case("302-then-500", "http_status 500", go("?again")).then(page("500 No", "")).attempts(4),
        case("302-then-closed", "network", go("?again")).then(raw("")).attempts(4),
        case("302-cut-body", "network", raw("HTTP/1.1 302 Go\r\nlocation: /api/next\r\ncontent-length: 9\r\n\r\n")),
        case("302-then-flood-of-429", "rate_limited 429", go("?again"))
            .then(page("429 No\r\nretry-after: 0", ""))
            .attempts(4),
    ]
}

//! Headers of answers, and what they say about the body's length.

use crate::hostile::{Answer, Case, case, raw};

const BODY: &str = "{\"a\":1}";

/// A good answer of seven bytes with these headers, each with its line break.
fn head(headers: &str) -> Answer {
    raw(format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}\r\n{BODY}"))
}

fn with(header: &str) -> Answer {
    head(&format!("content-length: 7\r\n{header}\r\n"))
}

/// With two other headers, so many in all.
fn many(count: usize) -> Answer {
    with(&(2..count).map(|n| format!("x-{n}: {n}")).collect::<Vec<_>>().join("\r\n"))
}

fn chunked(headers: &str) -> Answer {
    raw(format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}\r\n7\r\n{BODY}\r\n0\r\n\r\n"))
}

/// Headers that are wrong, odd, too many or too long, and lengths that contradict each other.
pub fn cases() -> Vec<Case> {
    [names_and_values(), lengths()].concat()
}

fn names_and_values() -> Vec<Case> {
    vec![
        case("headers-none", "none 200", raw(format!("HTTP/1.1 200 OK\r\n\r\n{BODY}"))),
        case("headers-200", "none 200", many(200)),
        case("headers-201", "response_invalid", many(201)),
        case("headers-10000", "response_invalid", many(10_000)),
        case("headers-endless", "response_invalid", raw("HTTP/1.1 200 OK\r\n").repeat("x-more: of it\r\n", 1 << 20)),
        case("headers-same-name-150", "none 200", with(&vec!["set-cookie: a=b"; 150].join("\r\n"))),
        case("headers-value-40-kib", "none 200", with(&format!("x-long: {}", "x".repeat(40 << 10)))),
        case("headers-value-1-mib", "response_invalid", with(&format!("x-long: {}", "x".repeat(1 << 20)))),
        case(
            "headers-value-endless",
            "response_invalid",
            raw("HTTP/1.1 200 OK\r\nx-long: ").repeat(vec![b'x'; 1 << 10], 1 << 16),
        ),
        case("headers-name-70-kib", "none 200|response_invalid", with(&format!("{}: x", "x".repeat(70_000)))),
        case(
            "headers-name-endless",
            "response_invalid",
            raw("HTTP/1.1 200 OK\r\n").repeat(vec![b'x'; 1 << 10], 1 << 16),
        ),
        case(
            "headers-six-of-60-kib",
            "response_invalid",
            with(&vec![format!("x-long: {}", "x".repeat(60 << 10)); 6].join("\r\n")),
        ),
        case("headers-folded", "response_invalid", with("x-a: one\r\n two")),
        case("headers-folded-by-a-tab", "response_invalid", with("x-a: one\r\n\ttwo")),
        case("headers-folded-length", "response_invalid", head("content-length:\r\n 7\r\n")),
        case("headers-folded-first", "response_invalid", raw(format!("HTTP/1.1 200 OK\r\n x-a: one\r\n\r\n{BODY}"))),
        case("headers-nul-in-value", "response_invalid", with("x-a: o\0ne")),
        case("headers-nul-in-name", "response_invalid", with("x-\0a: one")),
        case("headers-escape-in-value", "response_invalid", with("x-a: \x1b[31m")),
        case("headers-bare-return-in-value", "response_invalid", with("x-a: one\rtwo")),
        case("headers-return-smuggles-a-header", "response_invalid", with("x-a: one\rlocation: /x")),
        case("headers-tab-in-value", "none 200", with("x-a: one\ttwo")),
        case(
            "headers-no-utf-8",
            "none 200",
            raw(&b"HTTP/1.1 200 OK\r\nx-a: \xff\xfe\xc3\x28\r\ncontent-length: 7\r\n\r\n{\"a\":1}"[..]),
        ),
        case("headers-utf-8", "none 200", with("x-a: \u{e4}\u{2028}\u{1f600}")),
        case("headers-quotes-and-backslashes", "none 200", with("x-a: \"\\\"},{\"line\":2")),
        case("headers-no-colon", "response_invalid", with("x-a one")),
        case("headers-space-before-colon", "response_invalid", with("x-a : one")),
        case("headers-space-in-name", "response_invalid", with("x a: one")),
        case("headers-empty-name", "response_invalid", with(": one")),
        case("headers-quoted-name", "response_invalid", with("\"x-a\": one")),
        case("headers-bracketed-name", "response_invalid", with("x[a]: one")),
        case("headers-non-ascii-name", "response_invalid", with("x-\u{e4}: one")),
        case("headers-empty-value", "none 200", with("x-a:")),
        case("headers-names-of-languages", "none 200", with("__proto__: x\r\nconstructor: x\r\nnull: x")),
        case("headers-names-of-ours", "none 200", with("line: 7\r\nerror: x\r\nstatus: 500")),
        case("headers-label-twice", "none 200", with("content-type: text/html")),
        case(
            "headers-label-no-utf-8",
            "none 200",
            raw(&b"HTTP/1.1 200 OK\r\ncontent-type: \xff\xfe\r\ncontent-length: 7\r\n\r\n{\"a\":1}"[..]),
        ),
        case(
            "headers-label-long",
            "none 200",
            raw(format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: 7\r\n\r\n{BODY}",
                "a/b;".repeat(20_000)
            )),
        ),
        case("headers-cut", "network", raw("HTTP/1.1 200 OK\r\nx-a: on")),
        case("headers-cut-after-a-line", "network", raw("HTTP/1.1 200 OK\r\nx-a: one\r\n")),
        case("headers-reset", "network", raw("HTTP/1.1 200 OK\r\nx-a: one\r\n").reset()),
        case("headers-stop", "timeout", raw("HTTP/1.1 200 OK\r\nx-a: one\r\n").hold()).within(300),
        case("headers-upgrade", "none 200", with("connection: upgrade\r\nupgrade: h2c, websocket").keep()),
        case("headers-connection-nonsense", "none 200", with("connection: banana, , close, \"").keep()),
        case(
            "headers-keep-alive-nonsense",
            "none 200",
            with("connection: keep-alive\r\nkeep-alive: timeout=-1, max=0").keep(),
        ),
        case("headers-alt-svc", "none 200", with("alt-svc: h2=\":1\"; ma=99999999").keep()),
        case("headers-strict-transport", "none 200", with("strict-transport-security: max-age=99999999").keep()),
        case("headers-refresh", "none 200", with("refresh: 0; url=http://127.0.0.1:1/").keep()),
    ]
}

fn lengths() -> Vec<Case> {
    let length = |value: &str| head(&format!("content-length: {value}\r\n"));
    vec![
        case("length-twice-the-same", "none 200", head("content-length: 7\r\ncontent-length: 7\r\n")),
        case("length-list-of-the-same", "none 200|response_invalid", length("7, 7")),
        case("length-conflict", "response_invalid", head("content-length: 7\r\ncontent-length: 8\r\n")),
        case("length-conflict-in-a-list", "response_invalid", length("7, 8")),
        case("length-negative", "response_invalid", length("-7")),
        case("length-plus", "response_invalid", length("+7")),
        case("length-float", "response_invalid", length("7.0")),
        case("length-hex", "response_invalid", length("0x7")),
        case("length-exponent", "response_invalid", length("7e0")),
        case("length-empty", "response_invalid", length("")),
        case("length-words", "response_invalid", length("seven")),
        case("length-spaced", "none 200", length("   7   ")),
        case("length-zeros-before", "none 200", length("0000000007")),
        case("length-huge", "response_too_large", length("4294967296")).attempts(1),
        case("length-longest", "response_too_large|response_invalid", length("18446744073709551615")),
        case("length-overflows", "response_invalid", length("18446744073709551616")),
        case("length-of-40-digits", "response_invalid", length(&"9".repeat(40))),
        case("length-and-chunked", "none 200", chunked("content-length: 3\r\ntransfer-encoding: chunked\r\n")),
        case(
            "length-and-chunked-the-other-way",
            "none 200",
            chunked("transfer-encoding: chunked\r\ncontent-length: 3\r\n"),
        ),
        case(
            "length-bad-and-chunked",
            "none 200|response_invalid",
            chunked("transfer-encoding: chunked\r\ncontent-length: x\r\n"),
        ),
        case("transfer-chunked-upper-case", "none 200", chunked("Transfer-Encoding: CHUNKED\r\n")),
        case(
            "transfer-chunked-twice",
            "none 200|response_invalid",
            chunked("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"),
        ),
        case(
            "transfer-chunked-listed-twice",
            "none 200|response_invalid",
            chunked("transfer-encoding: chunked, chunked\r\n"),
        ),
        case("transfer-chunked-not-last", "response_invalid", chunked("transfer-encoding: chunked, gzip\r\n")),
        case("transfer-xchunked", "response_invalid", chunked("transfer-encoding: xchunked\r\n")),
        case("transfer-quoted", "response_invalid", chunked("transfer-encoding: \"chunked\"\r\n")),
        case("transfer-identity", "none 200", head("transfer-encoding: identity\r\n")),
        case("transfer-unknown", "none 200|response_invalid", head("transfer-encoding: banana\r\n")),
        case("transfer-empty", "none 200|response_invalid", head("transfer-encoding:\r\n")),
        case("transfer-with-a-vertical-tab", "response_invalid", chunked("transfer-encoding: \x0bchunked\r\n")),
        case(
            "transfer-chunked-for-http-10",
            "none 200|response_invalid",
            raw(format!("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\n{BODY}\r\n0\r\n\r\n")),
        ),
        case("length-for-head-huge", "none 200", length("99999999999").close()).method("HEAD"),
        case(
            "length-for-304-huge",
            "none 304",
            raw("HTTP/1.1 304 Not Modified\r\ncontent-length: 99999999999\r\n\r\n"),
        ),
    ]
}

//! Bodies that are not what they say they are, or hard to read.

use crate::hostile::{Answer, Case, case, json, nested, page};

fn labelled(label: &str, body: impl Into<Vec<u8>>) -> Answer {
    page(format!("200 OK\r\ncontent-type: {label}"), body.into())
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Content that is wrong or odd.
pub fn cases() -> Vec<Case> {
    let invalid = |name: &str, body: &'static [u8]| case(name, "response_invalid 200", json(body)).attempts(1);
    let fine = |name: &str, body: &'static [u8]| case(name, "none 200", json(body)).attempts(1);
    let deep = |levels| nested("[", "", "]", levels);
    vec![
        invalid("json-cut", b"{\"a\":"),
        invalid("json-cut-in-a-text", b"{\"a\":\"b"),
        invalid("json-cut-in-a-character", b"{\"a\":\"\xe2\x80"),
        invalid("json-of-spaces", b"   \r\n  "),
        invalid("json-two", b"{\"a\":1}{\"a\":2}"),
        invalid("json-lines", b"{\"a\":1}\n{\"a\":2}\n"),
        invalid("json-then-nul", b"{\"a\":1}\0"),
        invalid("json-nul-in-a-text", b"{\"a\":\"\0\"}"),
        invalid("json-break-in-a-text", b"{\"a\":\"one\ntwo\"}"),
        invalid("json-return-in-a-text", b"{\"a\":\"one\rtwo\"}"),
        invalid("json-tab-in-a-text", b"{\"a\":\"one\ttwo\"}"),
        invalid("json-escape-in-a-text", b"{\"a\":\"\x1b[31m\"}"),
        invalid("json-single-quotes", b"{'a':1}"),
        invalid("json-bare-names", b"{a:1}"),
        invalid("json-comma-too-much", b"{\"a\":1,}"),
        invalid("json-comment", b"/* a */ {\"a\":1}"),
        invalid("json-nan", b"{\"a\":NaN}"),
        invalid("json-infinity", b"{\"a\":-Infinity}"),
        invalid("json-undefined", b"undefined"),
        invalid("json-zero-before", b"{\"a\":007}"),
        invalid("json-hex", b"{\"a\":0x7}"),
        invalid("json-bad-escape", b"{\"a\":\"\\x41\"}"),
        invalid("json-bad-unicode-escape", b"{\"a\":\"\\u12\"}"),
        invalid("json-no-utf-8", b"{\"a\":\"\xff\xfe\"}"),
        invalid("json-utf-8-overlong", b"{\"a\":\"\xc0\xaf\"}"),
        invalid("json-utf-8-surrogate", b"{\"a\":\"\xed\xa0\x80\"}"),
        invalid("json-byte-order-mark", b"\xef\xbb\xbf{\"a\":1}"),
        invalid("json-hijack-prefix", b")]}',\n{\"a\":1}"),
        invalid("json-padded", b"for(;;);{\"a\":1}"),
        invalid("json-callback", b"callback({\"a\":1})"),
        invalid("json-is-html", b"<html><body>down for maintenance</body></html>"),
        invalid(
            "json-is-xml",
            b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>",
        ),
        invalid("json-is-a-picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        case("json-is-utf-16", "response_invalid 200", json(utf_16("{\"a\":1}"))),
        case("json-deep-arrays", "response_invalid 200", json(deep(100_000))),
        case("json-deep-objects", "response_invalid 200", json(nested("{\"a\":", "1", "}", 100_000))),
        case("json-deep-and-open", "response_invalid 200", json("[".repeat(100_000))),
        case("json-1100-deep", "response_invalid 200", json(deep(1_100))),
        case("json-100-deep", "none 200", json(deep(100))),
        case(
            "json-deep-of-a-failure",
            "http_status 400",
            page("400 No\r\ncontent-type: application/json", deep(100_000)),
        )
        .attempts(1),
        case("json-deep-as-text", "none 200", labelled("text/plain", deep(100_000))),
        case("json-500000-members", "none 200", json(format!("[{}1]", "1,".repeat(500_000)))),
        case("json-digits-100000", "none 200", json("9".repeat(100_000))),
        case("json-text-of-1-mib", "none 200", json(format!("\"{}\"", "x".repeat((1 << 20) - 2)))),
        case("json-name-of-500-kib", "none 200", json(format!("{{\"{}\":1}}", "x".repeat(500 << 10)))),
        case("json-escapes-many", "none 200", json(format!("\"{}\"", "\\u0000".repeat(100_000)))),
        fine("json-lone-surrogate", b"{\"a\":\"\\ud800\"}"),
        fine("json-surrogates-swapped", b"{\"a\":\"\\udc00\\ud800\"}"),
        fine("json-duplicate-names", b"{\"a\":1,\"a\":2}"),
        fine("json-number-beyond", b"{\"a\":1e999999}"),
        fine("json-number-tiny", b"{\"a\":-1e-999999}"),
        fine("json-number-long", b"{\"a\":123456789012345678901234567890.123456789012345678901234567890}"),
        fine("json-minus-zero", b"-0"),
        fine("json-null", b"null"),
        fine("json-text", b"\"text\""),
        fine("json-spaced-by-breaks", b"\r\n{\r\n\t\"a\"\r\n:\r\n1\r\n}\r\n"),
        fine("json-line-separators", "{\"a\":\"\u{2028}\u{2029}\u{85}\"}".as_bytes()),
        fine("json-bidirectional", "{\"a\":\"\u{202e}txt.exe\u{2066}\"}".as_bytes()),
        fine("json-noncharacters", "{\"a\":\"\u{ffff}\u{10ffff}\u{fdd0}\"}".as_bytes()),
        fine("json-names-of-ours", b"{\"line\":9,\"error\":{\"code\":\"internal\"},\"status\":500}"),
        fine("json-names-of-languages", b"{\"__proto__\":{\"x\":1},\"constructor\":null}"),
        fine("json-empty-name", b"{\"\":1}"),
        case("label-html", "none 200", labelled("text/html", "<html>hello</html>")),
        case("label-html-of-json", "none 200", labelled("text/html", "{\"a\":1}")),
        case("label-none", "none 200", page("200 OK", "{\"a\":1}")),
        case("label-empty", "none 200", labelled("", "{\"a\":1}")),
        case("label-nonsense", "none 200", labelled("; ; =;/json//", "{\"a\":1}")),
        case("label-utf-16", "none 200", labelled("application/json; charset=utf-16", "{\"a\":1}")),
        case(
            "label-latin-1",
            "response_invalid",
            labelled("application/json; charset=iso-8859-1", &b"{\"a\":\"\xe4\"}"[..]),
        ),
        case("label-suffix", "response_invalid", labelled("application/vnd.acme+json", "{")),
        case("label-json-lines", "none 200", labelled("application/x-ndjson", "{\"a\":1}\n{\"a\":2}\n")),
        case("label-text-of-bytes", "none 200", labelled("text/plain; charset=utf-8", &b"\xff\xfe\0"[..])),
        case("label-text-of-escapes", "none 200", labelled("text/plain", "\x1b]0;owned\x07\x1b[2J\r\n\u{2028}")),
        case("label-events", "none 200", labelled("text/event-stream", "data: {\"a\":1}\n\n")),
        case("label-multipart", "none 200", labelled("multipart/mixed; boundary=x", "--x\r\n\r\none\r\n--x--")),
        case("failure-cut", "http_status 400", page("400 No\r\ncontent-type: application/json", "{\"a\":")).attempts(1),
        case("failure-html", "http_status 500", page("500 No\r\ncontent-type: text/html", "<h1>500</h1>")),
        case("failure-bytes", "http_status 404", page("404 No\r\ncontent-type: application/json", &b"\xff\xfe"[..]))
            .attempts(1),
        case("failure-empty", "http_status 404", page("404 No", "")).attempts(1),
        case("failure-accepted-cut", "response_invalid 404", page("404 No\r\ncontent-type: application/json", "{"))
            .with("accept", vec![404])
            .attempts(1),
    ]
}

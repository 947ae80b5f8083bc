//! Bodies that are short, long, slow, endless, or in broken pieces.

use crate::hostile::{Answer, Case, case, chunked, raw};

/// The limit of a stage, and more than it.
const LIMIT: usize = 1 << 20;
const PIECE: usize = 16 << 10;
/// As many pieces as nobody takes.
const ENDLESS: usize = 1 << 14;

fn head(headers: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}\r\n")
}

fn of_length(length: usize, body: &str) -> Answer {
    raw(head(&format!("content-length: {length}\r\n")) + body)
}

/// Chunked, with these bytes as its chunks.
fn pieces(chunks: &str) -> Answer {
    raw(head("transfer-encoding: chunked\r\n") + chunks)
}

/// Bodies that are no whole body of what was announced, or too much of one.
pub fn cases() -> Vec<Case> {
    [wholes(), chunks()].concat()
}

fn wholes() -> Vec<Case> {
    let spaces = |bytes: usize| " ".repeat(bytes - 7) + "{\"a\":1}";
    vec![
        case("body-empty", "none 200", of_length(0, "")),
        case("body-short", "network", of_length(100, "{\"a\":1}")),
        case("body-short-by-one", "network", of_length(8, "{\"a\":1}")),
        case("body-missing", "network", of_length(7, "")),
        case("body-reset-before-it", "network", of_length(7, "").reset()),
        case("body-reset-in-it", "network", of_length(100, "{\"a\":1}").reset()),
        case("body-stops", "timeout", of_length(100, "{\"a\":1}").hold()).within(300),
        case("body-never-begins", "timeout", of_length(7, "").hold()).within(300),
        case("body-of-a-post-stops", "timeout", of_length(100, "{\"a\":1}").hold())
            .within(300)
            .method("POST")
            .attempts(1),
        case("body-of-a-post-is-short", "network", of_length(100, "{\"a\":1}")).method("POST").attempts(1),
        case("body-of-a-put-is-short", "network", of_length(100, "{\"a\":1}")).method("PUT"),
        case("body-of-a-patch-is-short", "network", of_length(100, "{\"a\":1}")).method("PATCH").attempts(1),
        case("body-long", "none 200", of_length(7, "{\"a\":1}and more")),
        case("body-long-and-kept", "none 200", of_length(7, "{\"a\":1}and more").keep()),
        case("body-long-by-a-mib", "none 200", of_length(7, &("{\"a\":1}".to_owned() + &"x".repeat(1 << 20)))),
        case("body-longer-than-its-label-by-json", "response_invalid", of_length(6, "{\"a\":1}")),
        case("body-drips", "none 200", of_length(7, "").drip("{\"a\":1}", 5)),
        case("body-drips-too-slowly", "timeout", of_length(7, "").drip("{\"a\":1}", 250)).within(300),
        case("body-head-drips", "none 200", raw("").drip(head("content-length: 7\r\n"), 1).send("{\"a\":1}")),
        case("body-head-drips-too-slowly", "timeout", raw("").drip(head("content-length: 7\r\n"), 20)).within(300),
        case("body-pauses", "none 200", of_length(7, "{\"a\"").pause(100).send(":1}")),
        case("body-until-close", "none 200", raw(head("") + "{\"a\":1}")),
        case("body-until-reset", "network", raw(head("") + "{\"a\":1}").reset()),
        case("body-until-close-never-closed", "timeout", raw(head("") + "{\"a\":1}").hold()).within(300),
        case("body-of-the-limit", "none 200", of_length(LIMIT, &spaces(LIMIT))),
        case("body-over-the-limit-by-one", "response_too_large", of_length(LIMIT + 1, &spaces(LIMIT + 1))).attempts(1),
        case("body-until-close-of-the-limit", "none 200", raw(head("") + &spaces(LIMIT))),
        // Where the system sees the end before the last bytes were read, the first attempt ends as a reset.
        case("body-until-close-over-the-limit", "response_too_large", raw(head("") + &spaces(LIMIT + 1))),
        case("body-endless", "response_too_large", raw(head("")).repeat(vec![b' '; PIECE], ENDLESS)).attempts(1),
        case(
            "body-endless-of-a-failure",
            "response_too_large",
            raw("HTTP/1.1 500 No\r\n\r\n").repeat(vec![b' '; PIECE], ENDLESS),
        )
        .attempts(1),
        case(
            "body-endless-of-a-throttle",
            "response_too_large|rate_limited",
            raw("HTTP/1.1 429 No\r\n\r\n").repeat(vec![b' '; PIECE], ENDLESS),
        ),
        case(
            "body-endless-of-a-refusal",
            "response_too_large|token_denied",
            raw("HTTP/1.1 401 No\r\n\r\n").repeat(vec![b' '; PIECE], ENDLESS),
        ),
        case(
            "body-endless-of-a-redirect",
            "response_too_large",
            raw("HTTP/1.1 302 No\r\nlocation: /api/x\r\n\r\n").repeat(vec![b' '; PIECE], ENDLESS),
        )
        .attempts(1),
        case("body-endless-and-slow", "timeout", raw(head("")).drip(vec![b' '; 4096], 10)).within(300),
        case("body-reset-after-its-end", "none 200|network", of_length(7, "{\"a\":1}").reset()),
        case("body-of-head-never-comes", "none 200", of_length(100, "").keep()).method("HEAD"),
    ]
}

fn chunks() -> Vec<Case> {
    let good = "7\r\n{\"a\":1}\r\n";
    let size = |size: &str| pieces(&format!("{size}\r\n{{\"a\":1}}\r\n0\r\n\r\n"));
    vec![
        case("chunks-good", "none 200", raw(chunked("0\r\n\r\n"))),
        case("chunks-of-one-byte", "none 200", pieces("").repeat("1\r\n \r\n", 5_000).send(format!("{good}0\r\n\r\n"))),
        case("chunks-zeros-before-the-size", "none 200", size("000000007")),
        case("chunks-size-upper-case", "none 200", pieces("A\r\n   {\"a\":1}\r\n0\r\n\r\n")),
        case("chunks-size-with-extension", "none 200", size("7;name=\"value\"")),
        case("chunks-size-with-space", "none 200|response_invalid", size("7 ")),
        case("chunks-size-words", "response_invalid", size("zz")),
        case("chunks-size-negative", "response_invalid", size("-7")),
        case("chunks-size-plus", "response_invalid", size("+7")),
        case("chunks-size-hex-prefix", "response_invalid", size("0x7")),
        case("chunks-size-float", "response_invalid", size("7.0")),
        case("chunks-size-empty", "response_invalid", size("")),
        case("chunks-size-with-underscore", "response_invalid", size("0_7")),
        case("chunks-size-huge", "network|response_too_large", size("7fffffffffffffff")),
        case("chunks-size-longest", "network|response_too_large|response_invalid", size("ffffffffffffffff")),
        case("chunks-size-overflows", "response_invalid", size("1ffffffffffffffff")),
        case("chunks-size-too-small", "response_invalid", pieces("3\r\n{\"a\":1}\r\n0\r\n\r\n")),
        case("chunks-size-too-large", "network|response_invalid", pieces("20\r\n{\"a\":1}\r\n0\r\n\r\n")),
        case("chunks-no-break-after-data", "response_invalid", pieces("7\r\n{\"a\":1}0\r\n\r\n")),
        case("chunks-line-feeds-only", "none 200|response_invalid", pieces("7\n{\"a\":1}\n0\n\n")),
        case("chunks-extension-endless", "response_invalid", pieces("7;").repeat(vec![b'x'; 1 << 10], ENDLESS)),
        case(
            "chunks-extensions-of-many",
            "response_invalid",
            pieces("").repeat(format!("1;{}\r\n \r\n", "x".repeat(1000)), ENDLESS),
        ),
        case("chunks-extension-bare-return", "none 200|response_invalid", size("7;a=b\rc")),
        case("chunks-end-missing", "network", pieces(good)),
        case("chunks-end-half", "network", pieces(&format!("{good}0\r\n"))),
        case("chunks-end-reset", "network", pieces(good).reset()),
        case("chunks-end-never", "timeout", pieces(good).hold()).within(300),
        case("chunks-stop-in-one", "timeout", pieces("7\r\n{\"a").hold()).within(300),
        case(
            "chunks-endless",
            "response_too_large",
            pieces("").repeat(format!("1000\r\n{}\r\n", " ".repeat(0x1000)), ENDLESS),
        )
        .attempts(1),
        case(
            "chunks-endless-of-one-byte",
            "response_too_large|timeout",
            pieces("").repeat("1\r\n \r\n".repeat(1000), ENDLESS),
        )
        .within(1500),
        case(
            "chunks-over-the-limit-by-one",
            "response_too_large",
            pieces(&format!("100001\r\n{}\r\n0\r\n\r\n", " ".repeat(0x10_0001))),
        )
        .attempts(1),
        case("chunks-more-after-the-end", "none 200", pieces(&format!("{good}0\r\n\r\n{good}0\r\n\r\n")).keep()),
        case(
            "chunks-answer-after-the-end",
            "none 200",
            pieces(&format!("{good}0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\npoisoned")).keep(),
        ),
        case("trailers", "none 200", raw(chunked("0\r\nx-a: b\r\n\r\n"))),
        case(
            "trailers-that-name-secrets",
            "none 200",
            raw(chunked("0\r\nauthorization: Bearer x\r\nset-cookie: a=b\r\nlocation: /x\r\n\r\n")),
        ),
        case(
            "trailers-that-set-the-length",
            "none 200",
            raw(chunked("0\r\ncontent-length: 1\r\ntransfer-encoding: gzip\r\n\r\n")),
        ),
        case(
            "trailers-that-label",
            "none 200",
            raw(chunked("0\r\ncontent-type: text/html\r\ncontent-encoding: gzip\r\n\r\n")),
        ),
        case(
            "trailers-300",
            "none 200|response_invalid",
            raw(chunked(&format!("0\r\n{}\r\n", "x-a: b\r\n".repeat(300)))),
        ),
        case("trailers-no-colon", "none 200|response_invalid", raw(chunked("0\r\nhello\r\n\r\n"))),
        case("trailers-endless", "response_invalid", raw(chunked("0\r\n")).repeat("x-more: of it\r\n", 1 << 20)),
        case("trailers-never-end", "timeout", raw(chunked("0\r\nx-a: b\r\n")).hold()).within(300),
        case("trailers-cut", "network", raw(chunked("0\r\nx-a: b\r\n"))),
    ]
}

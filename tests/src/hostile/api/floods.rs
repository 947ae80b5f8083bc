//! Answers that go on and on without ever becoming one.

use crate::hostile::{Answer, gzip, gzip_bomb, raw};

/// As often as nobody takes it.
const ENDLESS: usize = 1 << 30;
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

fn chunked(bytes: &str) -> Answer {
    raw(format!("{OK}transfer-encoding: chunked\r\n\r\n{bytes}"))
}

fn gzipped(bytes: impl Into<Vec<u8>>) -> Answer {
    raw(format!("{OK}content-encoding: gzip\r\n\r\n")).send(bytes.into())
}

/// Floods that cost the client work and give it nothing.
pub fn endless() -> Vec<(&'static str, Answer)> {
    let head = &gzip("")[..10];
    let named = [&head[..3], &[8], &head[4..]].concat();
    vec![
        ("interim-100", raw("").repeat("HTTP/1.1 100 Continue\r\n\r\n".repeat(500), ENDLESS)),
        (
            "interim-103",
            raw("").repeat("HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n".repeat(200), ENDLESS),
        ),
        ("breaks-before-the-first-line", raw("").repeat("\r\n".repeat(5_000), ENDLESS)),
        ("headers", raw(OK).repeat("x-more: of it\r\n".repeat(500), ENDLESS)),
        ("header-value", raw(format!("{OK}x-long: ")).repeat(vec![b'x'; 8 << 10], ENDLESS)),
        ("header-in-small-pieces", raw(format!("{OK}x-long: ")).repeat("xxxxxxxxxxxxxxxx", ENDLESS)),
        ("chunk-size", chunked("").repeat(vec![b'0'; 8 << 10], ENDLESS)),
        ("chunks-of-one-byte", chunked("").repeat("1\r\n \r\n".repeat(1_000), ENDLESS)),
        ("chunk-extension", chunked("7;").repeat(vec![b'x'; 8 << 10], ENDLESS)),
        ("trailers", chunked("0\r\n").repeat("x-more: of it\r\n".repeat(500), ENDLESS)),
        ("gzip-empty-blocks", gzipped(head).repeat(b"\0\0\0\xff\xff".repeat(1_000), ENDLESS)),
        ("gzip-empty-members", gzipped("").repeat(gzip("").repeat(400), ENDLESS)),
        ("gzip-name", gzipped(named).repeat(vec![b'x'; 8 << 10], ENDLESS)),
    ]
}

/// Bodies that are far longer than the limit, of every kind.
pub fn large() -> Vec<(&'static str, Answer)> {
    vec![
        ("bomb", gzipped(gzip_bomb(64))),
        (
            "bomb-in-chunks",
            raw(format!("{OK}content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"))
                .repeat([b"400\r\n".as_slice(), &gzip_bomb(64)[..1024], b"\r\n"].concat(), ENDLESS),
        ),
        ("until-close", raw(format!("{OK}\r\n")).repeat(vec![b' '; 64 << 10], ENDLESS)),
        ("in-chunks", chunked("").repeat(format!("10000\r\n{}\r\n", " ".repeat(64 << 10)), ENDLESS)),
        ("of-a-failure", raw("HTTP/1.1 500 No\r\n\r\n").repeat(vec![b' '; 64 << 10], ENDLESS)),
        ("under-the-limit", raw(format!("{OK}content-length: 1048570\r\n\r\n{}", " ".repeat(1_048_570))).keep()),
    ]
}

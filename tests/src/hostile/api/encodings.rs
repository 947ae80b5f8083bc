//! Content encodings.

use crate::hostile::{Answer, Case, case, deflate, gzip, gzip_bomb, page, raw, zlib};

const JSON: &str = "{\"a\":1}";

fn encoded(encoding: &str, body: impl Into<Vec<u8>>) -> Answer {
    page(format!("200 OK\r\ncontent-type: application/json\r\ncontent-encoding: {encoding}"), body.into())
}

/// A gzip member with one of its bytes changed.
fn spoilt(at: isize) -> Vec<u8> {
    let mut bytes = gzip(JSON);
    let at = if at < 0 { bytes.len().checked_add_signed(at).expect("it is longer") } else { at.unsigned_abs() };
    bytes[at] ^= 0xff;
    bytes
}

/// A gzip header with this flag, and a field behind it that is so long.
fn with_field(flag: u8, length: usize) -> Vec<u8> {
    let plain = gzip(JSON);
    let mut bytes = plain[..10].to_vec();
    bytes[3] |= flag;
    bytes.extend(vec![b'x'; length]);
    bytes.push(0);
    bytes.extend(&plain[10..]);
    bytes
}

/// Encodings that are wrong, unasked, broken, or far more than they look.
pub fn cases() -> Vec<Case> {
    let (name, comment) = (8, 16);
    vec![
        case("gzip", "none 200", encoded("gzip", gzip(JSON))),
        case("gzip-upper-case", "none 200|response_invalid", encoded("GZIP", gzip(JSON))),
        case("gzip-x", "none 200|response_invalid", encoded("x-gzip", gzip(JSON))),
        case("gzip-bomb", "response_too_large", encoded("gzip", gzip_bomb(64))).attempts(1),
        case("gzip-bomb-of-a-failure", "response_too_large", page("500 No\r\ncontent-encoding: gzip", gzip_bomb(64)))
            .attempts(1),
        case("gzip-bomb-of-the-limit", "response_invalid", encoded("gzip", gzip(" ".repeat(1 << 20)))).attempts(1),
        case("gzip-bomb-in-a-bomb", "response_invalid|response_too_large", encoded("gzip", gzip(gzip_bomb(16))))
            .attempts(1),
        case("gzip-in-gzip", "response_invalid", encoded("gzip", gzip(gzip(JSON)))),
        case("gzip-twice", "none 200|response_invalid", encoded("gzip, gzip", gzip(gzip(JSON)))),
        case("gzip-many-times", "response_invalid", encoded(&vec!["gzip"; 50].join(", "), gzip(JSON))),
        case("gzip-labelled-twice", "none 200|response_invalid", encoded("gzip\r\ncontent-encoding: gzip", gzip(JSON))),
        case("gzip-cut", "network|response_invalid", encoded("gzip", &gzip(JSON)[..20])),
        case("gzip-cut-in-its-head", "network|response_invalid", encoded("gzip", &gzip(JSON)[..5])),
        case(
            "gzip-cut-before-its-sum",
            "network|response_invalid",
            encoded("gzip", &gzip(JSON)[..gzip(JSON).len() - 8]),
        ),
        case("gzip-not", "response_invalid", encoded("gzip", JSON)),
        case("gzip-not-at-all", "response_invalid", encoded("gzip", vec![0xff; 4096])),
        case("gzip-nothing", "none 200|response_invalid|network", encoded("gzip", "")),
        case("gzip-wrong-magic", "response_invalid", encoded("gzip", spoilt(0))),
        case("gzip-wrong-method", "response_invalid", encoded("gzip", spoilt(2))),
        case("gzip-wrong-sum", "response_invalid", encoded("gzip", spoilt(-8))),
        case("gzip-wrong-size", "response_invalid", encoded("gzip", spoilt(-1))),
        case("gzip-wrong-block", "response_invalid|network", encoded("gzip", spoilt(10))),
        case("gzip-long-name", "none 200|response_invalid", encoded("gzip", with_field(name, 100 << 10))),
        case("gzip-long-comment", "none 200|response_invalid", encoded("gzip", with_field(comment, 100 << 10))),
        case(
            "gzip-name-endless",
            "response_too_large|response_invalid|timeout",
            raw("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n")
                .send(&b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03"[..])
                .repeat(vec![b'x'; 16 << 10], 1 << 20),
        )
        .within(500),
        case("gzip-two-members", "none 200", encoded("gzip", [gzip("{\"a\""), gzip(":1}")].concat())),
        case("gzip-fifty-members", "none 200", encoded("gzip", [vec![gzip(" "); 49].concat(), gzip(JSON)].concat())),
        case("gzip-empty-member-first", "none 200", encoded("gzip", [gzip(""), gzip(JSON)].concat())),
        case(
            "gzip-second-member-broken",
            "response_invalid|network",
            encoded("gzip", [gzip(JSON), spoilt(-8)].concat()),
        ),
        case(
            "gzip-second-member-a-bomb",
            "response_too_large|response_invalid",
            encoded("gzip", [gzip(JSON), gzip_bomb(64)].concat()),
        ),
        case(
            "gzip-garbage-behind",
            "none 200|response_invalid",
            encoded("gzip", [gzip(JSON), vec![b'x'; 100]].concat()),
        ),
        case("gzip-zeros-behind", "none 200|response_invalid", encoded("gzip", [gzip(JSON), vec![0; 100]].concat())),
        case("gzip-of-nothing-for-204", "none 204", page("204 No\r\ncontent-encoding: gzip", "")),
        case("gzip-of-nothing-for-304", "none 304", page("304 No\r\ncontent-encoding: gzip", "")),
        case("gzip-for-head", "none 200", encoded("gzip", gzip(JSON))).method("HEAD"),
        case(
            "gzip-of-a-redirect",
            "none 302",
            page("302 No\r\nlocation: @THIEF@/x\r\ncontent-encoding: gzip", gzip(JSON)),
        ),
        case("deflate-zlib", "none 200", encoded("deflate", zlib(JSON))),
        case("deflate-raw", "none 200|response_invalid", encoded("deflate", deflate(JSON))),
        case("deflate-not", "response_invalid", encoded("deflate", JSON)),
        case("deflate-cut", "network|response_invalid", encoded("deflate", &zlib(JSON)[..6])),
        case("deflate-bomb", "response_too_large", encoded("deflate", zlib(" ".repeat(2 << 20)))).attempts(1),
        case("deflate-that-is-gzip", "response_invalid", encoded("deflate", gzip(JSON))),
        case("gzip-that-is-deflate", "response_invalid", encoded("gzip", zlib(JSON))),
        case("brotli-unasked", "response_invalid", encoded("br", &b"\x0b\x03\x80{\"a\":1}\x03"[..])),
        case("brotli-large-window", "response_invalid", encoded("br", &b"\x11\x9f\xff\xff\xff\xff"[..])),
        case(
            "zstd-unasked",
            "response_invalid",
            encoded("zstd", &b"\x28\xb5\x2f\xfd\x04\x00\x39\x00\x00{\"a\":1}"[..]),
        ),
        case("compress-unasked", "response_invalid", encoded("compress", &b"\x1f\x9d\x90\x7b\x44"[..])),
        case("encoding-unknown", "none 200|response_invalid", encoded("banana", JSON)),
        case("encoding-empty", "none 200", encoded("", JSON)),
        case("encoding-identity", "none 200", encoded("identity", JSON)),
        case(
            "encoding-no-utf-8",
            "none 200|response_invalid",
            raw(&b"HTTP/1.1 200 OK\r\ncontent-encoding: \xff\r\ncontent-length: 7\r\n\r\n{\"a\":1}"[..]),
        ),
    ]
}

//! First lines of answers.

use crate::hostile::{Answer, Case, case, raw};

const REST: &str = "content-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}";

fn first(line: &str) -> Answer {
    raw(format!("{line}\r\n{REST}"))
}

fn after(interim: &str) -> Answer {
    raw(format!("{interim}HTTP/1.1 200 OK\r\n{REST}"))
}

/// First lines that are wrong, odd, or one too many.
pub fn cases() -> Vec<Case> {
    let ok = || first("HTTP/1.1 200 OK");
    vec![
        case("line-garbage", "response_invalid", first("hello")),
        case("line-http-09", "response_invalid", raw("<html>hello</html>")),
        case("line-http-10", "none 200", first("HTTP/1.0 200 OK")),
        case("line-http-12", "response_invalid", first("HTTP/1.2 200 OK")),
        case("line-http-20", "response_invalid", first("HTTP/2.0 200 OK")),
        case("line-http-30", "response_invalid", first("HTTP/3.0 200 OK")),
        case("line-http-lower-case", "response_invalid", first("http/1.1 200 OK")),
        case("line-icy", "response_invalid", first("ICY 200 OK")),
        case("line-rtsp", "response_invalid", first("RTSP/1.0 200 OK")),
        case("line-ssh", "response_invalid", raw("SSH-2.0-OpenSSH_9.6\r\n").hold()),
        case("line-smtp", "response_invalid", raw("220 mail.acme.example ESMTP\r\n").hold()),
        case("line-tls-alert", "response_invalid", raw(&b"\x15\x03\x01\x00\x02\x02\x28"[..])),
        case("line-h2-settings", "response_invalid", raw(&b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"[..])),
        case("line-zeros", "response_invalid", raw(vec![0; 4096])),
        case("line-high-bytes", "response_invalid", raw(vec![0xff; 4096])),
        case("line-two-spaces", "response_invalid", first("HTTP/1.1  200 OK")),
        case("line-leading-space", "response_invalid", first(" HTTP/1.1 200 OK")),
        case("line-tab", "response_invalid", first("HTTP/1.1\t200\tOK")),
        case("line-twice", "response_invalid", first("HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK")),
        case("line-empty-lines-before", "none 200", after("\r\n\r\n")),
        case("line-feeds-only", "none 200", raw("HTTP/1.1 200 OK\ncontent-length: 7\n\n{\"a\":1}")),
        case("line-carriage-returns-only", "response_invalid", raw("HTTP/1.1 200 OK\rcontent-length: 7\r\r{\"a\":1}")),
        case("line-cut", "network", raw("HTTP/1.")),
        case("line-cut-after-it", "network", raw("HTTP/1.1 200 OK\r\n")),
        case("line-nothing-else", "none 200", raw("HTTP/1.1 200 OK\r\n\r\n")),
        case("status-000", "response_invalid", first("HTTP/1.1 000 Zero")),
        case("status-099", "response_invalid", first("HTTP/1.1 099 Low")),
        case("status-99", "response_invalid", first("HTTP/1.1 99 Short")),
        case("status-1000", "response_invalid", first("HTTP/1.1 1000 Long")),
        case("status-20x", "response_invalid", first("HTTP/1.1 20x OK")),
        case("status-negative", "response_invalid", first("HTTP/1.1 -200 OK")),
        case("status-plus", "response_invalid", first("HTTP/1.1 +20 OK")),
        case("status-missing", "response_invalid", first("HTTP/1.1 OK")),
        case("status-arabic-digits", "response_invalid", first("HTTP/1.1 ٢٠٠ OK")),
        case("status-299", "none 299", first("HTTP/1.1 299 Fine")),
        case("status-399", "none 399", first("HTTP/1.1 399 Odd")),
        case("status-499", "http_status 499", first("HTTP/1.1 499 Gone")).attempts(1),
        case("status-599", "http_status 599", first("HTTP/1.1 599 Bad")).attempts(1),
        case("status-600", "http_status 600", first("HTTP/1.1 600 Beyond")).attempts(1),
        case("status-999", "http_status 999", first("HTTP/1.1 999 Denied")).attempts(1),
        case("reason-none", "none 200", first("HTTP/1.1 200")),
        case("reason-empty", "none 200", first("HTTP/1.1 200 ")),
        case("reason-40-kib", "none 200", first(&format!("HTTP/1.1 200 {}", "x".repeat(40 << 10)))),
        case("reason-1-mib", "response_invalid", first(&format!("HTTP/1.1 200 {}", "x".repeat(1 << 20)))),
        case("reason-nul", "response_invalid", first("HTTP/1.1 200 O\0K")),
        case("reason-escape", "response_invalid", first("HTTP/1.1 200 \x1b[31mOK")),
        case("reason-high-bytes", "none 200", first("HTTP/1.1 200 \u{e4}\u{f6}")),
        case("reason-of-a-failure-escape", "response_invalid", first("HTTP/1.1 404 \x1b]0;x\x07")),
        case("interim-101-unasked", "response_invalid", first("HTTP/1.1 101 Switching Protocols")),
        case(
            "interim-101-websocket",
            "response_invalid",
            raw("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").hold(),
        ),
        case(
            "interim-101-then-answer",
            "response_invalid",
            raw(
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            ),
        ),
        case("interim-100", "none 200", after("HTTP/1.1 100 Continue\r\n\r\n")),
        case("interim-102", "none 200", after("HTTP/1.1 102 Processing\r\n\r\n")),
        case("interim-103", "none 200", after("HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n")),
        case("interim-199", "none 200", after("HTTP/1.1 199 Odd\r\n\r\n")),
        case(
            "interim-100-with-length",
            "none 200|response_invalid",
            after("HTTP/1.1 100 Continue\r\ncontent-length: 5\r\n\r\n"),
        ),
        case("interim-100-for-http-10", "none 200|response_invalid", after("HTTP/1.0 100 Continue\r\n\r\n")),
        case("interim-many", "none 200", after(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(50))),
        case("interim-5000", "none 200|response_invalid", after(&"HTTP/1.1 102 Processing\r\n\r\n".repeat(5000))),
        case("interim-for-ever-silent", "timeout", raw("HTTP/1.1 100 Continue\r\n\r\n").hold()).within(300),
        case("interim-then-closed", "network", raw("HTTP/1.1 100 Continue\r\n\r\n")),
        case("interim-then-reset", "network", raw("HTTP/1.1 100 Continue\r\n\r\n").reset()),
        case("bodyless-204-with-body", "none 204", first("HTTP/1.1 204 No Content")),
        case("bodyless-304-with-body", "none 304", first("HTTP/1.1 304 Not Modified")),
        case("bodyless-204-with-body-kept", "none 204", first("HTTP/1.1 204 No Content").keep()),
        case("bodyless-304-with-body-kept", "none 304", first("HTTP/1.1 304 Not Modified").keep()),
        case("bodyless-205-with-body", "none 205", first("HTTP/1.1 205 Reset Content")),
        case("bodyless-head-with-body", "none 200", ok()).method("HEAD"),
        case("bodyless-head-with-body-kept", "none 200", ok().keep()).method("HEAD"),
        case(
            "bodyless-204-chunked",
            "none 204",
            raw("HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n").keep(),
        ),
        case(
            "bodyless-204-that-is-an-answer",
            "none 204",
            raw("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\npoisoned").keep(),
        ),
        case("made-201-empty", "none 201", raw("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n")),
        case("made-202-empty", "none 202", raw("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")),
        case("made-206-unasked", "none 206", first("HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-6/9999")),
        case("made-226", "none 226", first("HTTP/1.1 226 IM Used")),
    ]
}

//! What is done with a connection, whatever is said on it.

use crate::hostile::{Answer, Case, OnAccept, case, json, page, raw};

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a\":1}";
const POISON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"poison\":1}";
const TIMED_OUT: &str = "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Connections that end too early, too late, or say too much.
pub fn cases() -> Vec<Case> {
    let large = |answer: Answer, name: &str, expected: &str| {
        case(name, expected, answer.early()).method("POST").with("text", "x".repeat(900_000)).attempts(1)
    };
    vec![
        case("silent", "timeout", raw("").hold()).within(300),
        case("silent-for-a-post", "timeout", raw("").hold()).within(300).method("POST").attempts(1),
        case("closed", "network", raw("")),
        case("closed-for-a-post", "network", raw("")).method("POST").attempts(1),
        case("closed-for-a-patch", "network", raw("")).method("PATCH").attempts(1),
        case("closed-for-a-delete", "network", raw("")).method("DELETE"),
        case("reset", "network", raw("").reset()),
        case("reset-for-a-post", "network", raw("").reset()).method("POST").attempts(1),
        case("reset-late", "network", raw("").pause(50).reset()),
        case("closed-once", "none 200", raw("")).then(json("{}")).attempts(2),
        case("reset-once", "none 200", raw("").reset()).then(json("{}")).attempts(2),
        case("silent-once", "none 200", raw("").hold()).then(json("{}")).within(500).attempts(2),
        case("one-space", "network|response_invalid", raw(" ")),
        case("one-break", "network|response_invalid", raw("\r\n")),
        case("two-answers", "none 200", raw(format!("{GOOD}{POISON}")).keep()),
        case("two-answers-and-closed", "none 200", raw(format!("{GOOD}{POISON}"))),
        case("two-answers-the-second-cut", "none 200", raw(format!("{GOOD}HTTP/1.1 200 OK\r\nx: ")).keep()),
        case("fifty-answers", "none 200", raw(format!("{GOOD}{}", POISON.repeat(50))).keep()),
        case("answers-endless", "none 200", raw(GOOD).repeat(POISON, 100_000)),
        case("answer-then-timed-out", "none 200", raw(format!("{GOOD}{TIMED_OUT}"))),
        case("answer-then-garbage", "none 200", raw(format!("{GOOD}\0\0\0\0")).keep()),
        case("answer-then-breaks", "none 200", raw(format!("{GOOD}\r\n\r\n")).keep()),
        case("answer-then-closed", "none 200", raw(GOOD)),
        case("answer-then-reset", "none 200|network", raw(GOOD).reset()),
        case("answer-says-close-and-stays", "none 200", page("200 OK\r\nconnection: close", "{}").hold()),
        case("answer-says-keep-alive-and-closes", "none 200", page("200 OK\r\nconnection: keep-alive", "{}").close()),
        case(
            "answer-of-http-10-kept",
            "none 200",
            raw("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}").keep(),
        ),
        large(
            page("413 Too large\r\nconnection: close", "").close(),
            "early-413-and-closed",
            "http_status 413|network",
        ),
        large(page("200 OK", "{}").close(), "early-200-and-closed", "none 200|network"),
        large(page("401 No", "").close(), "early-401-and-closed", "token_denied|network").attempts(2),
        large(page("307 Go\r\nlocation: @THIEF@/next", "").close(), "early-307-and-closed", "none 307|network"),
        large(raw(GOOD).reset(), "early-200-and-reset", "none 200|network"),
        large(raw("").reset(), "early-reset", "network"),
        large(raw("").close(), "early-closed", "network"),
        large(raw("").hold(), "early-silent", "timeout").within(500),
        large(raw("HTTP/1.1 100 Continue\r\n\r\n").send(GOOD).close(), "early-100-and-200", "none 200|network"),
    ]
}

/// Answers that something follows when the connection is idle already. What comes after the next request was sent is its
/// answer for anybody who reads it, so each has a server of its own, and the next request waits for the end.
pub fn lingering() -> Vec<Case> {
    vec![
        case("two-answers-apart", "none 200", raw(GOOD).pause(30).send(POISON).keep()),
        case("two-answers-the-second-later", "none 200", raw(GOOD).pause(200).send(POISON).hold()),
        case("answer-then-timed-out-later", "none 200", raw(GOOD).pause(100).send(TIMED_OUT)),
        case("answer-then-reset-later", "none 200", raw(GOOD).pause(30).reset()),
        case("answer-then-silent", "none 200", raw(GOOD).hold()),
        case("answer-of-http-10-not-kept", "none 200", raw("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}").hold()),
    ]
}

/// What connections meet before they have said anything, with the codes that are right. Each needs a server of its own,
/// since what a connection will ask for is not known yet.
pub fn on_accept() -> Vec<(&'static str, OnAccept, &'static str)> {
    vec![
        ("closed", OnAccept::Close, "network"),
        ("reset", OnAccept::Reset, "network"),
        ("silent", OnAccept::Silence, "timeout"),
        ("answered", OnAccept::Say(GOOD.into()), "none|network|response_invalid"),
        ("timed-out", OnAccept::Say(TIMED_OUT.into()), "http_status|network|response_invalid"),
        ("garbage", OnAccept::Say("\0\0\0\0".into()), "network|response_invalid"),
        ("banner", OnAccept::Say("220 ready\r\n".into()), "network|response_invalid"),
        ("greeted-with-an-answer", OnAccept::Greet(POISON.into()), "none|network|response_invalid"),
        ("greeted-with-a-break", OnAccept::Greet("\r\n".into()), "none|network|response_invalid"),
        ("greeted-with-100", OnAccept::Greet("HTTP/1.1 100 Continue\r\n\r\n".into()), "none|network|response_invalid"),
    ]
}

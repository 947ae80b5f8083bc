//! Throttling, and what tells how long it takes.

use serde_json::json;

use crate::hostile::{Answer, Case, case, gzip_bomb, json as good, nested, page, raw};

/// What stands in `Retry-After`, and whether that is a wait of nothing, a long one, or tells nothing.
const WAITS: &[(&str, &str, Told)] = &[
    ("zero", "0", Told::Nothing),
    ("zeros", "0000", Told::Nothing),
    ("spaced", "   0   ", Told::Nothing),
    ("an-hour", "3600", Told::Long),
    ("absurd", "99999999999999999999999999", Told::Long),
    ("longest", "18446744073709551615", Told::Long),
    ("negative", "-5", Told::No),
    ("plus", "+3600", Told::No),
    // RFC 9110 knows whole seconds only; some servers know no better.
    ("float", "3600.5", Told::Long),
    ("exponent", "36e2", Told::No),
    ("hex", "0xe10", Told::No),
    ("empty", "", Told::No),
    ("words", "soon", Told::No),
    ("infinity", "Infinity", Told::No),
    ("with-a-unit", "3600s", Told::No),
    ("iso-date", "2099-01-01T00:00:00Z", Told::No),
    ("list", "0, 3600", Told::No),
    ("arabic-digits", "\u{663}\u{666}", Told::No),
    ("json", "{\"seconds\":3600}", Told::No),
    ("past-date", "Mon, 01 Jan 1990 00:00:00 GMT", Told::Nothing),
    ("future-date", "Thu, 01 Jan 2099 00:00:00 GMT", Told::Long),
    ("last-date", "Fri, 31 Dec 9999 23:59:59 GMT", Told::Long),
    ("first-date", "Thu, 01 Jan 1970 00:00:00 GMT", Told::Nothing),
    ("date-of-a-day-that-is-none", "Mon, 99 Foo 2099 00:00:00 GMT", Told::No),
    ("date-of-another-zone", "Thu, 01 Jan 2099 00:00:00 +0200", Told::No),
    ("date-rfc-850", "Thursday, 01-Jan-99 00:00:00 GMT", Told::Any),
    ("date-asctime", "Thu Jan  1 00:00:00 2099", Told::Long),
    ("date-by-a-far-off-clock", "Thu, 01 Jan 2099 00:00:00 GMT\r\ndate: Thu, 01 Jan 2099 00:00:00 GMT", Told::Nothing),
    ("date-by-a-clock-long-ago", "Mon, 01 Jan 1990 01:00:00 GMT\r\ndate: Mon, 01 Jan 1990 00:00:00 GMT", Told::Long),
    ("date-by-a-clock-of-nonsense", "Thu, 01 Jan 2099 00:00:00 GMT\r\ndate: yesterday", Told::Long),
    ("twice", "0\r\nretry-after: 3600", Told::Long),
    ("twice-the-other-way", "3600\r\nretry-after: 0", Told::Long),
    ("twice-with-nonsense", "soon\r\nretry-after: 0", Told::Nothing),
];

#[derive(Clone, Copy)]
enum Told {
    Nothing,
    Long,
    No,
    /// Either: two-digit years are read by the century of today.
    Any,
}

/// Waits of every form for 429 and 503, numbers of requests that are left, and throttles with odd bodies.
pub fn cases() -> Vec<Case> {
    let told = |status: u16, (name, value, told): &(&str, &str, Told)| {
        let expected = match (told, status) {
            (Told::Long, _) | (_, 429) => "rate_limited",
            (Told::Any, _) => "rate_limited|http_status",
            _ => "http_status",
        };
        let most = if matches!(told, Told::Long) { 1 } else { 3 };
        quick(format!("{status}-{name}"), expected, page(format!("{status} Slow\r\nretry-after: {value}"), ""), most)
    };
    let waits = [429, 503].into_iter().flat_map(|status| WAITS.iter().map(move |wait| told(status, wait)));
    waits.chain(left()).chain(odd()).collect()
}

/// A message that waits for 200 ms at the most.
fn quick(name: impl Into<String>, expected: &str, answer: Answer, most: u64) -> Case {
    case(name, expected, answer).with("retry", json!({"max_wait_ms": 200})).attempts(most)
}

/// What answers say about how many requests are left.
fn left() -> Vec<Case> {
    let says = |name: &str, headers: &str| {
        quick(format!("left-{name}"), "none 200", page(format!("200 OK\r\n{headers}"), "x"), 1)
    };
    vec![
        says("none", "x-remaining: 0"),
        says("none-until-2099", "x-remaining: 0\r\nx-reset: 4070908800"),
        says("none-until-1990", "x-remaining: 0\r\nx-reset: 631152000"),
        says("none-until-the-end", "x-remaining: 0\r\nx-reset: 18446744073709551615"),
        says("none-until-nonsense", "x-remaining: 0\r\nx-reset: soon"),
        says("none-until-before", "x-remaining: 0\r\nx-reset: -1"),
        says("less-than-none", "x-remaining: -1"),
        says("words", "x-remaining: few"),
        says("float", "x-remaining: 0.0"),
        says("huge", "x-remaining: 99999999999999999999999999"),
        says("empty", "x-remaining:"),
        says("twice", "x-remaining: 5\r\nx-remaining: 0"),
        says("no-utf-8", "x-remaining: \u{e4}"),
        says("wait-with-a-success", "retry-after: 3600"),
        says("reset-alone", "x-reset: 4070908800"),
        quick("left-reset-of-a-throttle", "rate_limited 429", page("429 Slow\r\nx-reset: 4070908800", ""), 1),
        quick("left-reset-of-a-throttle-past", "rate_limited 429", page("429 Slow\r\nx-reset: 1", ""), 3),
        quick(
            "left-reset-of-a-throttle-beyond",
            "rate_limited 429",
            page("429 Slow\r\nx-reset: 18446744073709551615", ""),
            3,
        ),
        quick("left-reset-of-a-throttle-nonsense", "rate_limited 429", page("429 Slow\r\nx-reset: NaN", ""), 3),
    ]
}

fn odd() -> Vec<Case> {
    let slow = |body: Vec<u8>| page("429 Slow\r\ncontent-type: application/json\r\nretry-after: 0", body);
    let now = || page("429 Slow\r\nretry-after: 0", "");
    vec![
        quick("429-bare", "rate_limited 429", page("429 Slow", ""), 3),
        quick("503-bare", "http_status 503", page("503 Down", ""), 3),
        quick("420-unlisted", "http_status 420", page("420 Calm", ""), 1),
        quick("429-then-good", "none 200", now(), 2).then(good("{}")),
        quick("429-429-then-good", "none 200", now(), 3).then(now()).then(good("{}")),
        quick("429-then-closed", "network|gate_closed", now(), 3).then(raw("")),
        quick("429-then-401", "token_denied 401", now(), 4).then(page("401 No", "")),
        quick("429-of-a-post", "rate_limited 429", now(), 3).method("POST"),
        quick("429-of-a-post-once", "none 200", now(), 2).method("POST").then(good("{}")),
        quick("503-of-a-post", "http_status 503", page("503 Down", ""), 1).method("POST"),
        quick("503-of-a-post-that-waits", "http_status 503", page("503 Down\r\nretry-after: 0", ""), 3).method("POST"),
        quick("500-of-a-post-that-waits", "http_status 500", page("500 Down\r\nretry-after: 0", ""), 1).method("POST"),
        quick("500-that-waits-for-an-hour", "http_status 500", page("500 Down\r\nretry-after: 3600", ""), 3),
        quick("200-that-waits-for-an-hour", "none 200", page("200 OK\r\nretry-after: 3600", ""), 1),
        quick(
            "302-that-waits-for-an-hour",
            "none 302",
            page("302 Go\r\nretry-after: 3600\r\nlocation: @THIEF@/", ""),
            1,
        ),
        quick("429-accepted", "none 429", now(), 1).with("accept", vec![429]),
        quick("429-accepted-long", "none 429", page("429 Slow\r\nretry-after: 3600", ""), 1).with("accept", vec![429]),
        quick("429-cut-json", "rate_limited 429", slow(b"{\"wait\":".to_vec()), 3),
        quick("429-deep-json", "rate_limited 429", slow(nested("[", "", "]", 100_000).into_bytes()), 3),
        quick(
            "429-html",
            "rate_limited 429",
            page("429 Slow\r\ncontent-type: text/html", "<h1>wait 9999999 seconds</h1>"),
            3,
        ),
        quick(
            "429-bomb",
            "response_too_large|rate_limited",
            page("429 Slow\r\ncontent-encoding: gzip\r\nretry-after: 0", gzip_bomb(16)),
            3,
        ),
        quick(
            "429-without-a-body-that-it-announces",
            "network",
            raw("HTTP/1.1 429 Slow\r\nretry-after: 0\r\ncontent-length: 9\r\n\r\n"),
            3,
        ),
        quick(
            "429-chunked",
            "rate_limited 429",
            raw(
                "HTTP/1.1 429 Slow\r\nretry-after: 0\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nretry-after: 3600\r\n\r\n",
            ),
            3,
        ),
        quick(
            "429-no-utf-8",
            "rate_limited 429",
            raw(&b"HTTP/1.1 429 Slow\r\nretry-after: \xff\r\ncontent-length: 0\r\n\r\n"[..]),
            3,
        ),
        quick(
            "429-says-it-150-times",
            "rate_limited|response_invalid",
            page(format!("429 Slow\r\n{}x: y", "retry-after: 0\r\n".repeat(150)), ""),
            3,
        ),
    ]
}

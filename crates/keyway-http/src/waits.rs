//! The waits that servers ask for. Pure: headers, body and time go in, a duration comes out.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use keyway_component::{
    Pointer,
    component::{AnswerMatch, ResetHeader, ResetUnit, Throttle},
};

use crate::clock::LONGEST_WAIT;

/// Reads one value in the form of `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.
///
/// A date counts against the answer's own `Date`, so that a clock that is wrong here does no harm. A date in the past
/// is no wait; a negative or unreadable value tells nothing.
#[must_use]
pub fn retry_after(value: &str, answer_date: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Some(seconds) = number(value) {
        return Some(Duration::from_secs(seconds).min(LONGEST_WAIT));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    Some(until.duration_since(answer_date.unwrap_or(now)).unwrap_or_default().min(LONGEST_WAIT))
}

/// Whether an answer is what a rule looks for. `text_at` looks its body up.
#[must_use]
pub fn fits(
    rule: &AnswerMatch,
    status: u16,
    headers: &HeaderMap,
    text_at: impl FnOnce(&Pointer) -> Option<String>,
) -> bool {
    let matches = |text: &str| rule.matches.as_ref().is_none_or(|pattern| pattern.matches_within(text));
    if rule.status != status {
        return false;
    }
    match (&rule.pointer, &rule.header) {
        (Some(pointer), _) => text_at(pointer).is_some_and(|text| matches(&text)),
        (None, Some(name)) => headers.get_all(name.as_str()).iter().any(|value| value.to_str().is_ok_and(matches)),
        (None, None) => true,
    }
}

/// The wait that a throttled answer asks for: the longest of its wait headers, else its reset header, else the text
/// in its body, which `text_at` looks up.
#[must_use]
pub fn throttle_wait(
    throttle: &Throttle,
    headers: &HeaderMap,
    text_at: impl FnOnce(&Pointer) -> Option<String>,
    now: SystemTime,
) -> Option<Duration> {
    let answer_date =
        headers.get(http::header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let told = throttle
        .wait
        .headers
        .iter()
        .flat_map(|name| headers.get_all(name.as_str()))
        .filter_map(|value| retry_after(value.to_str().ok()?, answer_date, now))
        .max();
    let wait = told
        .or_else(|| reset_wait(throttle.reset.as_ref()?, headers, now))
        .or_else(|| body_wait(throttle, text_at, now));
    // Whatever it was told by: a clock that is moved on by more would overflow.
    wait.map(|wait| wait.min(LONGEST_WAIT))
}

/// How many requests are left, by the component's header for it.
#[must_use]
pub fn remaining(throttle: &Throttle, headers: &HeaderMap) -> Option<u64> {
    headers.get(throttle.remaining.as_deref()?)?.to_str().ok()?.trim().parse().ok()
}

fn reset_wait(reset: &ResetHeader, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    told_wait(headers.get(reset.header.as_str())?.to_str().ok()?, reset.unit, now)
}

/// How long what is told in this unit means from now on; nothing for what is no such thing.
fn told_wait(text: &str, unit: ResetUnit, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let until = |since_1970: Duration| {
        let then = SystemTime::UNIX_EPOCH.checked_add(since_1970);
        then.map_or(LONGEST_WAIT, |then| then.duration_since(now).unwrap_or_default())
    };
    match unit {
        ResetUnit::Seconds => number(text).map(Duration::from_secs),
        ResetUnit::Milliseconds => number(text).map(Duration::from_millis),
        ResetUnit::EpochSeconds => number(text).map(Duration::from_secs).map(until),
        ResetUnit::EpochMilliseconds => number(text).map(Duration::from_millis).map(until),
        ResetUnit::Date => date(text, now),
    }
}

/// How long it is from now on to a date, of RFC 3339 or of HTTP; nothing for what is none.
fn date(text: &str, now: SystemTime) -> Option<Duration> {
    let date = chrono::DateTime::parse_from_rfc3339(text).map(SystemTime::from).ok();
    let then = date.or_else(|| httpdate::parse_http_date(text).ok())?;
    Some(then.duration_since(now).unwrap_or_default())
}

/// A number, rounded up. RFC 9110 knows whole seconds only, and some servers send `2.0`.
fn number(text: &str) -> Option<u64> {
    match text.split_once('.') {
        Some((whole, fraction)) => whole_number(fraction).and(whole_number(whole)).map(|whole| whole.saturating_add(1)),
        None => whole_number(text),
    }
}

/// Digits and nothing else. More of them than a u64 holds still mean "very long".
fn whole_number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

fn body_wait(
    throttle: &Throttle,
    text_at: impl FnOnce(&Pointer) -> Option<String>,
    now: SystemTime,
) -> Option<Duration> {
    let rule = throttle.wait.body.as_ref()?;
    let text = text_at(&rule.pointer)?;
    told_wait(rule.pattern.first_group(&text)?, rule.unit, now)
}

#[cfg(test)]
mod tests {
    use keyway_component::{
        Pattern,
        component::{BodyWait, ThrottleWait},
    };
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn h02_retry_after_in_every_form() {
        let now = at(1_700_000_000);
        let date = |seconds: u64| httpdate::fmt_http_date(at(1_700_000_000 + seconds));
        let table: [(&str, Option<u64>); 9] = [
            ("3", Some(3)),
            (" 120 ", Some(120)),
            ("0", Some(0)),
            ("-5", None),
            ("soon", None),
            ("", None),
            ("1.5", Some(2)),
            ("99999999999999999999999", Some(LONGEST_WAIT.as_secs())),
            ("Mon, 01 Jan 1990 00:00:00 GMT", Some(0)),
        ];
        for (value, seconds) in table {
            assert_eq!(retry_after(value, None, now), seconds.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(retry_after(&date(60), None, now), Some(Duration::from_secs(60)));
        // This machine's clock is an hour slow; the answer's own date says so.
        assert_eq!(retry_after(&date(3_660), Some(at(1_700_003_600)), now), Some(Duration::from_secs(60)));
    }

    #[test]
    fn the_longest_header_then_reset_then_body() {
        let throttle = Throttle {
            wait: ThrottleWait {
                headers: vec!["retry-after".into()],
                body: Some(BodyWait {
                    pointer: Pointer::new("/error_description"),
                    pattern: Pattern::from(r"wait (\d+) seconds".to_owned()),
                    unit: ResetUnit::Seconds,
                }),
            },
            reset: Some(ResetHeader { header: "x-reset".into(), unit: ResetUnit::EpochSeconds }),
            remaining: Some("x-rate-limit-remaining".into()),
            ..Throttle::default()
        };
        let now = at(1_000);
        let body = json!({"error_description": "You have hit the rate limit. Please wait 300 seconds before"});
        let mut headers = HeaderMap::new();
        assert_eq!(throttle_wait(&throttle, &headers, |_| None, now), None);
        assert_eq!(throttle_wait(&throttle, &headers, |at| at.find_text(&body), now), Some(Duration::from_secs(300)));
        headers.insert("x-reset", "1060".parse().unwrap());
        assert_eq!(throttle_wait(&throttle, &headers, |at| at.find_text(&body), now), Some(Duration::from_secs(60)));
        headers.append("retry-after", "2".parse().unwrap());
        headers.append("retry-after", "7".parse().unwrap());
        assert_eq!(throttle_wait(&throttle, &headers, |at| at.find_text(&body), now), Some(Duration::from_secs(7)));
        headers.insert("x-rate-limit-remaining", "0".parse().unwrap());
        assert_eq!(remaining(&throttle, &headers), Some(0));
    }

    #[test]
    fn a_wait_may_be_told_as_a_date() {
        let throttle: Throttle = serde_json::from_value(json!({
            "reset": {"header": "x-reset", "unit": "date"},
            "wait": {"body": {"pointer": "/error", "pattern": "until (\\S+)$", "unit": "date"}}
        }))
        .unwrap();
        let now = at(1_700_000_000);
        let of_header = |value: &str| {
            let headers = [(http::HeaderName::from_static("x-reset"), value.parse().unwrap())].into_iter().collect();
            throttle_wait(&throttle, &headers, |_| None, now)
        };
        let table = [
            ("2023-11-14T22:14:20Z", Some(60)),
            ("2023-11-14T23:14:20.000+01:00", Some(60)),
            ("Tue, 14 Nov 2023 22:14:20 GMT", Some(60)),
            ("2023-11-14T22:13:00Z", Some(0)),
            ("60", None),
            ("soon", None),
        ];
        for (value, seconds) in table {
            assert_eq!(of_header(value), seconds.map(Duration::from_secs), "{value}");
        }
        let body = json!({"error": "no more until 2023-11-14T22:14:20Z"});
        let wait = throttle_wait(&throttle, &HeaderMap::new(), |at| at.find_text(&body), now);
        assert_eq!(wait, Some(Duration::from_secs(60)));
    }

    #[test]
    fn no_wait_is_longer_than_a_year_whoever_tells_it() {
        let told = |unit: ResetUnit, header: &str, text: &str| {
            let body = BodyWait {
                pointer: Pointer::new("/error"),
                pattern: Pattern::from("(\\d+)".to_owned()),
                unit: ResetUnit::Seconds,
            };
            let throttle = Throttle {
                wait: ThrottleWait { headers: vec!["retry-after".into()], body: Some(body) },
                reset: Some(ResetHeader { header: "x-reset".into(), unit }),
                ..Throttle::default()
            };
            let mut headers = HeaderMap::new();
            headers.insert("x-reset", header.parse().unwrap());
            throttle_wait(&throttle, &headers, |at| at.find_text(&json!({"error": text})), at(1_000))
        };
        for number in ["18446744073709551615", "9223372036854775807", "99999999999999999999999"] {
            for unit in
                [ResetUnit::Seconds, ResetUnit::Milliseconds, ResetUnit::EpochSeconds, ResetUnit::EpochMilliseconds]
            {
                assert_eq!(told(unit, number, "none"), Some(LONGEST_WAIT), "{number} {unit:?}");
            }
            assert_eq!(told(ResetUnit::Seconds, "none", number), Some(LONGEST_WAIT));
        }
    }

    proptest! {
        #[test]
        fn no_value_panics(value in "\\PC*", now in 0u64..4_000_000_000) {
            let _ = retry_after(&value, None, at(now));
        }

        #[test]
        fn seconds_are_seconds(seconds in 0u64..1_000_000) {
            prop_assert_eq!(retry_after(&seconds.to_string(), None, at(0)), Some(Duration::from_secs(seconds)));
        }
    }
}

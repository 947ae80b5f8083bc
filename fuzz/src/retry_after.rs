//! No header, body or clock makes a wait of more than a year, or a panic.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use keyway_component::{
    Pattern, Pointer,
    component::{BodyWait, ResetHeader, ResetUnit, Throttle, ThrottleWait},
};
use keyway_http::{remaining, retry_after, throttle_wait};
use serde_json::Value;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Seconds since 1970 in the first line, headers up to an empty line, and the body of an answer.
///
/// # Panics
/// A wait is too long.
pub fn check(data: &[u8]) {
    let (head, body) = super::split(data, b"\n\n");
    let mut lines = head.split(|byte| *byte == b'\n');
    let now = lines.next().and_then(|line| std::str::from_utf8(line).ok()?.trim().parse::<i64>().ok()).unwrap_or(0);
    let ago = Duration::from_secs(now.unsigned_abs());
    let now = if now < 0 { SystemTime::UNIX_EPOCH.checked_sub(ago) } else { SystemTime::UNIX_EPOCH.checked_add(ago) };
    let Some(now) = now else { return };
    let headers = super::headers(lines);
    let date = headers.get("date").and_then(|date| date.to_str().ok()).map(|date| retry_after(date, None, now));
    let date = date.flatten().and_then(|wait| now.checked_add(wait));
    for value in headers.values().filter_map(|value| value.to_str().ok()) {
        for date in [None, date, Some(SystemTime::UNIX_EPOCH)] {
            let wait = retry_after(value, date, now);
            assert!(wait.is_none_or(|wait| wait <= YEAR), "{value:?}: {wait:?}");
            // RFC 9110 section 10.2.3: digits alone are seconds, and a sign is none of them.
            let digits = value.trim();
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                let seconds = digits.parse().map_or(YEAR, |seconds| Duration::from_secs(seconds).min(YEAR));
                assert_eq!(wait, Some(seconds), "{value:?}");
            }
        }
    }
    let text = String::from_utf8_lossy(body);
    let body = serde_json::from_slice::<Value>(body).unwrap_or_else(|_| serde_json::json!({"error_description": text}));
    for unit in [ResetUnit::Seconds, ResetUnit::Milliseconds, ResetUnit::EpochSeconds, ResetUnit::EpochMilliseconds] {
        let told = BodyWait {
            pointer: Pointer::new("/error_description"),
            pattern: Pattern::from(r"wait (\d+) seconds".to_owned()),
            unit,
        };
        let throttle = Throttle {
            wait: ThrottleWait { headers: vec!["retry-after".into(), "x-wait".into()], body: Some(told) },
            reset: Some(ResetHeader { header: "x-reset".into(), unit }),
            remaining: Some("x-left".into()),
            ..Throttle::default()
        };
        for body in [None, Some(&body)] {
            let wait = throttle_wait(&throttle, &headers, |at| at.find_text(body?), now);
            assert!(wait.is_none_or(|wait| wait <= YEAR), "{wait:?}");
            let mut only = HeaderMap::new();
            only.extend(headers.get("x-reset").map(|v| (HeaderName::from_static("x-reset"), HeaderValue::clone(v))));
            let wait = throttle_wait(&throttle, &only, |at| at.find_text(body?), now);
            assert!(wait.is_none_or(|wait| wait <= YEAR), "{wait:?}");
        }
        let _ = remaining(&throttle, &headers);
    }
}

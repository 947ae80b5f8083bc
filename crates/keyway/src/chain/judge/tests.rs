//! Every end of an attempt with its verdict, as tables.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::json;

use super::*;

fn component() -> Component {
    serde_json::from_value(json!({
        "keyway": 1, "name": "a", "title": "A", "version": "1", "environments": {"p": {}},
        "oauth2": {"token_endpoint": "https://a.test/token", "token_endpoint_auth_method": "none"},
        "api": {"base_url": "https://a.test", "failure": {"pointer": "/ok", "equals": false}},
        "token_rejected": {"when": [
            {"status": 401, "pointer": "/error_description", "matches": "^expired_token$"},
            {"status": 403, "pointer": "/expired"},
            {"status": 400, "header": "www-authenticate", "matches": "invalid_token"}
        ]},
        "throttle": {"statuses": [420], "when": [
                         {"status": 403, "header": "x-left", "matches": "^0$"},
                         {"status": 200, "pointer": "/error", "matches": "^slow$"}
                     ], "remaining": "x-left", "reset": {"header": "x-reset", "unit": "seconds"},
                     "wait": {"body": {"pointer": "/error_description", "pattern": "wait (\\d+) seconds"}}}
    }))
    .unwrap()
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> AttemptEnd {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let body = Bytes::copy_from_slice(body.as_bytes()).into();
    AttemptEnd::Answered(WireAnswer { status: StatusCode::from_u16(status).unwrap(), headers: map, body })
}

fn fault(kind: WireFaultKind) -> WireFault {
    WireFault::new(kind, "x")
}

const FACTS: AttemptFacts = AttemptFacts {
    repeatable: true,
    accepted: false,
    signed: true,
    waits_for_limits: false,
    renewed: false,
    retries: 0,
    elapsed: Duration::ZERO,
    scheduled_wait: Duration::from_millis(100),
};

fn verdict(end: &AttemptEnd, facts: &AttemptFacts) -> (Action, &'static str) {
    let retry = Retry { count: 2, max_wait_ms: 60_000, max_elapsed_ms: 300_000, ..Retry::default() };
    let verdict = judge(end, facts, &component(), &retry, SystemTime::UNIX_EPOCH);
    (verdict.action, verdict.reason.as_str())
}

fn failed(code: Code, retryable: bool, retry_after_s: Option<u64>) -> Action {
    Action::Fail { code, retryable, retry_after: retry_after_s.map(Duration::from_secs) }
}

#[test]
fn every_end_has_its_verdict() {
    use Action::{Done, Renew, Wait};
    let soon = Wait(Duration::from_millis(100));
    let write = AttemptFacts { repeatable: false, ..FACTS };
    let last = AttemptFacts { retries: 2, ..FACTS };
    let late = AttemptFacts { elapsed: Duration::from_secs(300), ..FACTS };
    let renewed = AttemptFacts { renewed: true, ..FACTS };
    let accepted = AttemptFacts { accepted: true, ..FACTS };
    let patient = AttemptFacts { waits_for_limits: true, retries: 2, ..FACTS };
    let unsigned = AttemptFacts { signed: false, ..FACTS };
    let expired = r#"{"error_description":"expired_token"}"#;
    let wait_3 = r#"{"error_description":"Please wait 3 seconds"}"#;
    let wait_3600 = r#"{"error_description":"Please wait 3600 seconds"}"#;
    let table = [
        (answer(200, &[], ""), &FACTS, Done, "answered"),
        (answer(302, &[], ""), &FACTS, Done, "answered"),
        (answer(200, &[], r#"{"ok":false}"#), &FACTS, failed(Code::HttpStatus, false, None), "says_failure"),
        (answer(200, &[], r#"{"ok":true}"#), &FACTS, Done, "answered"),
        (answer(404, &[], ""), &FACTS, failed(Code::HttpStatus, false, None), "refused"),
        (answer(404, &[], ""), &accepted, Done, "accepted"),
        (answer(401, &[], expired), &FACTS, Renew, "token_rejected"),
        (answer(401, &[], expired), &renewed, failed(Code::TokenDenied, false, None), "token_rejected_again"),
        (answer(401, &[], expired), &last, Renew, "token_rejected"),
        (answer(401, &[], expired), &accepted, Renew, "token_rejected"),
        (answer(401, &[], expired), &unsigned, failed(Code::HttpStatus, false, None), "refused"),
        (answer(420, &[], wait_3600), &patient, Wait(Duration::from_secs(3600)), "throttled"),
        (
            answer(401, &[], r#"{"error_description":"invalid_request"}"#),
            &FACTS,
            failed(Code::HttpStatus, false, None),
            "refused",
        ),
        (answer(401, &[], "<html>"), &FACTS, failed(Code::HttpStatus, false, None), "refused"),
        (answer(403, &[], r#"{"expired":1}"#), &FACTS, Renew, "token_rejected"),
        (answer(403, &[], "{}"), &FACTS, failed(Code::HttpStatus, false, None), "refused"),
        (answer(420, &[], wait_3), &write, Wait(Duration::from_secs(3)), "throttled"),
        (answer(420, &[("retry-after", "7")], wait_3), &FACTS, Wait(Duration::from_secs(7)), "throttled"),
        (answer(420, &[], ""), &FACTS, soon.clone(), "throttled"),
        (answer(420, &[], wait_3600), &FACTS, failed(Code::RateLimited, true, Some(3600)), "throttled"),
        (answer(420, &[], wait_3), &last, failed(Code::RateLimited, true, Some(3)), "throttled"),
        (answer(503, &[("retry-after", "7")], ""), &write, Wait(Duration::from_secs(7)), "unavailable_with_wait"),
        (
            answer(503, &[("retry-after", "7")], ""),
            &last,
            failed(Code::HttpStatus, true, Some(7)),
            "unavailable_with_wait",
        ),
        (answer(503, &[], ""), &FACTS, soon.clone(), "server_error"),
        (answer(503, &[], ""), &write, failed(Code::HttpStatus, false, None), "server_error"),
        (answer(500, &[], ""), &last, failed(Code::HttpStatus, true, None), "server_error"),
        (answer(500, &[], ""), &late, failed(Code::HttpStatus, true, None), "server_error"),
        (answer(501, &[], ""), &FACTS, failed(Code::HttpStatus, true, None), "refused"),
        (answer(600, &[], ""), &FACTS, failed(Code::HttpStatus, true, None), "refused"),
        (answer(999, &[], ""), &write, failed(Code::HttpStatus, false, None), "refused"),
        (AttemptEnd::NeverSent(fault(WireFaultKind::Connect)), &write, soon.clone(), "never_sent"),
        (AttemptEnd::NeverSent(fault(WireFaultKind::Connect)), &last, failed(Code::Network, true, None), "never_sent"),
        (AttemptEnd::NeverSent(fault(WireFaultKind::Tls)), &FACTS, failed(Code::Tls, false, None), "never_sent"),
        (
            AttemptEnd::NeverSent(fault(WireFaultKind::AddressRefused)),
            &FACTS,
            failed(Code::AddressNotAllowed, false, None),
            "never_sent",
        ),
        (AttemptEnd::MaybeProcessed(fault(WireFaultKind::Reset)), &FACTS, soon.clone(), "lost"),
        (AttemptEnd::MaybeProcessed(fault(WireFaultKind::Reset)), &write, failed(Code::Network, false, None), "lost"),
        (AttemptEnd::MaybeProcessed(fault(WireFaultKind::Timeout)), &write, failed(Code::Timeout, false, None), "lost"),
        (
            AttemptEnd::MaybeProcessed(fault(WireFaultKind::TooLarge)),
            &FACTS,
            failed(Code::ResponseTooLarge, false, None),
            "lost",
        ),
    ];
    for (end, facts, action, reason) in table {
        assert_eq!(verdict(&end, facts), (action, reason), "{end:?} {facts:?}");
    }
}

#[test]
fn the_gate_hears_of_throttles_and_trouble_only() {
    let effect = |end: &AttemptEnd| {
        let verdict = judge(end, &FACTS, &component(), &Retry::default(), SystemTime::UNIX_EPOCH);
        gate_effect(end, &verdict, &component(), SystemTime::UNIX_EPOCH)
    };
    let seconds = Duration::from_secs;
    let table = [
        (answer(200, &[], ""), Effect::Fine),
        (answer(404, &[], ""), Effect::Fine),
        (answer(401, &[], ""), Effect::Fine),
        (answer(200, &[("x-left", "5")], ""), Effect::Fine),
        (answer(200, &[("x-left", "0")], ""), Effect::UsedUp(None)),
        (answer(200, &[("x-left", "0"), ("x-reset", "9")], ""), Effect::UsedUp(Some(seconds(9)))),
        (answer(420, &[], r#"{"error_description":"wait 300 seconds"}"#), Effect::Throttled(seconds(300))),
        (answer(420, &[], ""), Effect::Throttled(Duration::from_millis(100))),
        (answer(502, &[], ""), Effect::Trouble),
        (AttemptEnd::NeverSent(fault(WireFaultKind::Dns)), Effect::Trouble),
        (AttemptEnd::MaybeProcessed(fault(WireFaultKind::Timeout)), Effect::Trouble),
        (AttemptEnd::MaybeProcessed(fault(WireFaultKind::TooLarge)), Effect::Fine),
    ];
    for (end, wanted) in table {
        assert_eq!(effect(&end), wanted, "{end:?}");
    }
}

#[test]
fn rules_look_at_headers_and_bodies() {
    let reason = |end: AttemptEnd| judge(&end, &FACTS, &component(), &Retry::default(), SystemTime::UNIX_EPOCH).reason;
    let table = [
        (answer(403, &[("x-left", "0")], ""), Reason::Throttled),
        (answer(403, &[("x-left", "10")], ""), Reason::Refused),
        (answer(403, &[], ""), Reason::Refused),
        (answer(200, &[], r#"{"error":"slow"}"#), Reason::Throttled),
        (answer(200, &[], r#"{"error":"slower"}"#), Reason::Answered),
        (
            answer(400, &[("www-authenticate", "Basic"), ("www-authenticate", "Bearer error=invalid_token")], ""),
            Reason::TokenRejected,
        ),
        (answer(400, &[("www-authenticate", "Bearer")], ""), Reason::Refused),
    ];
    for (end, wanted) in table {
        let shown = format!("{end:?}");
        assert_eq!(reason(end), wanted, "{shown}");
    }
}

#[test]
fn a_member_says_failure_by_its_value_or_by_being_there() {
    let reason = |rule: serde_json::Value, body: &str| {
        let mut component = component();
        component.api.failure = serde_json::from_value(rule).unwrap();
        let end = answer(200, &[], body);
        judge(&end, &FACTS, &component, &Retry::default(), SystemTime::UNIX_EPOCH).reason
    };
    let failed = Reason::SaysFailure;
    let table = [
        (json!({"pointer": "/ok", "equals": false}), r#"{"ok":false}"#, failed),
        (json!({"pointer": "/ok", "equals": false}), r#"{"ok":true}"#, Reason::Answered),
        (json!({"pointer": "/code", "unless": 0}), r#"{"code":40105}"#, failed),
        (json!({"pointer": "/code", "unless": 0}), r#"{"code":0}"#, Reason::Answered),
        (json!({"pointer": "/code", "unless": 0}), "", Reason::Answered),
        (json!({"pointer": "/error"}), r#"{"error":{"message":"no"}}"#, failed),
        (json!({"pointer": "/errors"}), r#"{"errors":["no"]}"#, failed),
        (json!({"pointer": "/error"}), r#"{"error":null}"#, Reason::Answered),
        (json!({"pointer": "/error"}), r#"{"error":""}"#, Reason::Answered),
        (json!({"pointer": "/errors"}), r#"{"errors":[]}"#, Reason::Answered),
        (json!({"pointer": "/error"}), r#"{"error":false}"#, Reason::Answered),
        (json!({"pointer": "/error"}), "[1]", Reason::Answered),
    ];
    for (rule, body, wanted) in table {
        assert_eq!(reason(rule.clone(), body), wanted, "{rule} {body}");
    }
}

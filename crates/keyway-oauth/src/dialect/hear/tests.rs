//! Token answers of every kind and what each is heard as, as tables and properties.

use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;
use http::HeaderMap;
use keyway_http::{WireFault, WireFaultKind};
use proptest::prelude::*;
use serde_json::json;

use super::*;

static COMPONENT: LazyLock<Component> = LazyLock::new(|| {
    serde_json::from_value(json!({
        "keyway": 1, "name": "a", "title": "A", "version": "1", "environments": {"p": {}},
        "oauth2": {
            "token_endpoint": "https://a.test/token", "token_endpoint_auth_method": "none",
            "token_response": {"expires_at": "/expires_at"}
        },
        "api": {"base_url": "https://a.test", "authorization": {"in": "header", "scheme": "OAuth2"}},
        "throttle": {"statuses": [420], "wait": {"body": {"pointer": "/error_description", "pattern": "wait (\\d+) seconds"}}}
    }))
    .unwrap()
});

/// As [`listen`], with another `token_response`.
fn listen_by(rules: Value, status: u16, body: &str) -> Result<Map<String, Value>, TokenFault> {
    let mut component = COMPONENT.clone();
    component.oauth2.token_response = serde_json::from_value(rules).unwrap();
    let body = Bytes::copy_from_slice(body.as_bytes()).into();
    let answer = WireAnswer { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), body };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    hear(AttemptEnd::Answered(answer), &Hearing::of(&component, Encoding::Json, &Redactor::default(), now))
        .map(|heard| heard.standard)
}

#[test]
fn lifetimes_are_told_in_many_ways() {
    let ms = json!({"expires_in": "/data/ttl", "expiry_unit": "milliseconds", "expires_at": "/end"});
    let table = [
        (r#"{"access_token":"t","data":{"ttl":60000}}"#, json!(60)),
        (r#"{"access_token":"t","data":{"ttl":"90500"}}"#, json!(90)),
        (r#"{"access_token":"t","data":{"ttl":900}}"#, json!(null)),
        (r#"{"access_token":"t","end":1000060000}"#, json!(60)),
        (r#"{"access_token":"t","end":"1970-01-12T13:47:40.000+00:00"}"#, json!(60)),
    ];
    for (body, wanted) in table {
        let standard = listen_by(ms.clone(), 200, body).unwrap();
        assert_eq!(standard.get("expires_in").unwrap_or(&Value::Null), &wanted, "{body}");
    }
    assert!((since_1970(1_790_000_000_000.0) - 1_790_000_000.0).abs() < 1.0, "thirteen digits are milliseconds");
    assert!((since_1970(1_790_000_000.0) - 1_790_000_000.0).abs() < 1.0);
}

#[test]
fn a_good_status_may_be_a_failure() {
    use TokenFaultKind::{Denied, InvalidGrant};
    let rules = json!({
        "access_token": "/data/access_token", "success": {"pointer": "/code", "equals": 0}, "error": "/code",
        "error_description": "/message", "invalid_grant": ["40105", "bad_refresh_token"]
    });
    let good = listen_by(rules.clone(), 200, r#"{"code":0,"message":"OK","data":{"access_token":"t"}}"#).unwrap();
    assert_eq!(good["access_token"], "t");
    let table = [
        (r#"{"code":40105,"message":"revoked","data":{}}"#, InvalidGrant, "revoked"),
        (r#"{"code":40002,"message":"no such app","data":{"access_token":"t"}}"#, Denied, "no such app"),
        (r#"{"data":{"access_token":"t"}}"#, Denied, "nothing at `/code`"),
    ];
    for (body, kind, says) in table {
        let fault = listen_by(rules.clone(), 200, body).unwrap_err();
        assert_eq!(fault.kind, kind, "{body}");
        assert!(fault.message.contains(says), "{}", fault.message);
    }
    let github = json!({"invalid_grant": ["bad_refresh_token"]});
    let fault = listen_by(github, 200, r#"{"error":"bad_refresh_token"}"#).unwrap_err();
    assert_eq!(fault.kind, InvalidGrant);
}

fn listen(status: u16, headers: &[(&'static str, &str)], body: &str) -> Result<Map<String, Value>, TokenFault> {
    listen_as(&COMPONENT, status, headers, body)
}

fn listen_as(
    component: &Component,
    status: u16,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Result<Map<String, Value>, TokenFault> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let body = Bytes::copy_from_slice(body.as_bytes()).into();
    let answer = WireAnswer { status: StatusCode::from_u16(status).unwrap(), headers: map, body };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    hear(AttemptEnd::Answered(answer), &Hearing::of(component, Encoding::Json, &Redactor::default(), now))
        .map(|heard| heard.standard)
}

#[test]
fn h01_every_odd_token_answer_becomes_the_standard_one() {
    let table = [
        (200, r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#, json!(3600), json!(null)),
        (201, r#"{"access_token":"t","expires_in":"3600"}"#, json!(3600), json!(null)),
        (200, r#"{"access_token":"t","expires_in":3599.9,"token_type":"BEARER"}"#, json!(3599), json!(null)),
        (200, r#"{"access_token":"t","token_type":"OAuth2","scope":["a","b"]}"#, json!(null), json!("a b")),
        (200, r#"{"access_token":"t","expires_in":-5}"#, json!(null), json!(null)),
        (200, r#"{"access_token":"t","expires_in":0}"#, json!(null), json!(null)),
        (200, r#"{"access_token":"t","expires_in":1e30}"#, json!(LONGEST_LIFETIME_S), json!(null)),
        (200, r#"{"access_token":"t","expires_in":"soon"}"#, json!(null), json!(null)),
        (200, r#"{"access_token":"t","expires_at":1000060}"#, json!(60), json!(null)),
        (200, r#"{"access_token":"t","expires_at":"1970-01-12T13:47:40Z"}"#, json!(60), json!(null)),
        (200, "access_token=t&expires_in=60&scope=a+b", json!(60), json!("a b")),
        (200, r#"{"access_token":"t","error":null}"#, json!(null), json!(null)),
    ];
    for (status, body, expires_in, scope) in table {
        let standard = listen(status, &[("content-type", "text/html")], body).unwrap_or_else(|f| panic!("{body}: {f}"));
        assert_eq!(standard["access_token"], "t", "{body}");
        assert_eq!(standard["token_type"], "bearer", "{body}");
        assert_eq!(standard.get("expires_in").unwrap_or(&Value::Null), &expires_in, "{body}");
        assert_eq!(standard.get("scope").unwrap_or(&Value::Null), &scope, "{body}");
    }
}

/// The component with another `token_response`.
fn with_response(token_response: Value) -> Component {
    let mut component = serde_json::to_value(&*COMPONENT).unwrap();
    component["oauth2"]["token_response"] = token_response;
    serde_json::from_value(component).unwrap()
}

#[test]
fn lifetimes_and_times_may_be_in_milliseconds() {
    let component = with_response(json!({"expires_at": "/expires_at", "expiry_unit": "milliseconds"}));
    for body in [
        r#"{"access_token":"t","expires_in":60000}"#,
        r#"{"access_token":"t","expires_in":"60999"}"#,
        r#"{"access_token":"t","expires_at":1000060000}"#,
        r#"{"access_token":"t","expires_at":"1970-01-12T13:47:40Z"}"#,
    ] {
        assert_eq!(listen_as(&component, 200, &[], body).unwrap()["expires_in"], 60, "{body}");
    }
}

#[test]
fn a_success_that_is_none_by_the_components_rule_is_a_refusal() {
    let component = with_response(json!({
        "access_token": "/data/token", "success": {"pointer": "/code", "equals": 0}
    }));
    let good = listen_as(&component, 200, &[], r#"{"code":0,"data":{"token":"t"}}"#).unwrap();
    assert_eq!(good["access_token"], "t");
    let table = [
        (r#"{"code":40105,"message":"no such app","data":{}}"#, "40105 at `/code`"),
        (r#"{"code":"0","data":{"token":"t"}}"#, "\"0\" at `/code`"),
        (r#"{"data":{"token":"t"}}"#, "nothing at `/code`"),
    ];
    for (body, said) in table {
        let fault = listen_as(&component, 200, &[], body).unwrap_err();
        assert_eq!(fault.kind, TokenFaultKind::Denied, "{body}");
        assert!(fault.message.contains(said), "{fault}");
    }
}

#[test]
fn c11_further_members_are_kept() {
    let body = r#"{"access_token":"t","ref":{"type":"user","id":9000001},"transfer_token":"x"}"#;
    let standard = listen(200, &[], body).unwrap();
    assert_eq!(standard["ref"], json!({"type": "user", "id": 9_000_001}));
    let long = "x".repeat(8192);
    assert_eq!(listen(200, &[], &format!(r#"{{"access_token":"{long}"}}"#)).unwrap()["access_token"], long);
}

#[test]
fn refusals_outages_and_nonsense_are_told_apart() {
    use TokenFaultKind::{Denied, Invalid, InvalidClient, InvalidGrant, MaybeProcessed, NotProcessed};
    let table = [
        (400, r#"{"error":"invalid_grant"}"#, InvalidGrant),
        (200, r#"{"error":"invalid_grant"}"#, InvalidGrant),
        (401, r#"{"error":"invalid_client"}"#, InvalidClient),
        (401, "", InvalidClient),
        (400, r#"{"error":"unauthorized_client"}"#, InvalidClient),
        (400, r#"{"error":"made_up_by_vendor"}"#, Denied),
        (400, r#"{"error":{"message":"x"}}"#, Denied),
        (420, r#"{"error":"rate_limit","error_description":"wait 300 seconds"}"#, NotProcessed),
        (429, "slow down", NotProcessed),
        (400, r#"{"error":"temporarily_unavailable"}"#, NotProcessed),
        (500, "", MaybeProcessed),
        (503, "<html>", MaybeProcessed),
        (502, r#"{"error":"invalid_grant"}"#, MaybeProcessed),
        (404, "<html>not here</html>", Invalid),
        (301, "", Invalid),
        (200, "<html>welcome</html>", Invalid),
        (200, "[]", Invalid),
        (200, r#"{"server_nonce":"abc"}"#, Invalid),
        (200, r#"{"access_token":""}"#, Invalid),
        (200, r#"{"access_token":"t","token_type":"mac"}"#, Invalid),
        (200, r#"{"access_token":true}"#, Invalid),
        (200, r#"{"access_token":"t\r\nX: y"}"#, Invalid),
        (200, r#"{"access_token":"t\u00e9"}"#, Invalid),
        (600, r#"{"access_token":"t"}"#, MaybeProcessed),
    ];
    for (status, body, kind) in table {
        let fault = listen(status, &[], body).unwrap_err();
        assert_eq!(fault.kind, kind, "{status} {body}: {fault}");
    }
    let fault = listen(503, &[("retry-after", "7")], "").unwrap_err();
    assert_eq!((fault.kind, fault.retry_after), (NotProcessed, Some(Duration::from_secs(7))));
    let fault = listen(420, &[], r#"{"error":"rate_limit","error_description":"wait 300 seconds"}"#).unwrap_err();
    assert_eq!(fault.retry_after, Some(Duration::from_secs(300)));
}

#[test]
fn c12_c18_the_endpoints_words_are_passed_on_and_made_fit_for_a_terminal() {
    let body = r#"{"error":"made_up","error_description":"a\u001b[31mb client_secret=hunter22"}"#;
    let fault = listen(400, &[], body).unwrap_err();
    let oauth = fault.oauth.unwrap();
    assert_eq!(oauth.error.as_deref(), Some("made_up"));
    assert_eq!(oauth.error_description.as_deref(), Some("a [31mb client_secret=***"));
    let fault = listen(
        400,
        &[],
        r#"{"error":"invalid_value","error_description":"Invalid value null (null): must be object"}"#,
    );
    assert!(fault.unwrap_err().message.contains("`oauth2.token_request.encoding`"));
}

#[test]
fn a_fault_on_the_wire_is_no_refusal() {
    let table = [
        (AttemptEnd::NeverSent(WireFault::new(WireFaultKind::Connect, "no connection")), TokenFaultKind::NotProcessed),
        (AttemptEnd::MaybeProcessed(WireFault::new(WireFaultKind::Timeout, "slow")), TokenFaultKind::MaybeProcessed),
        (AttemptEnd::MaybeProcessed(WireFault::new(WireFaultKind::TooLarge, "long")), TokenFaultKind::Invalid),
    ];
    for (end, kind) in table {
        let fault =
            hear(end, &Hearing::of(&COMPONENT, Encoding::Form, &Redactor::default(), SystemTime::now())).unwrap_err();
        assert_eq!(fault.kind, kind);
    }
}

/// Any JSON that is made of names which mean something in a token answer.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["", "Bearer", "3600", "1e400", "2030-01-12T13:47:40Z", "t\r\n", "invalid_grant"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((any_name(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    let names = ["access_token", "refresh_token", "token_type", "expires_in", "expires_at", "scope", "error"];
    prop_oneof![4 => prop::sample::select(names.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

fn is_token(token: &Value) -> bool {
    token.as_str().is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
}

proptest! {
    #[test]
    fn a_token_comes_only_of_a_success_with_an_access_token(
        status in 100u16..1000,
        members in proptest::collection::vec((any_name(), any_json()), 0..6),
    ) {
        let body = Value::Object(members.into_iter().collect());
        if let Ok(standard) = listen(status, &[], &body.to_string()) {
            prop_assert!((200..300).contains(&status));
            prop_assert!(is_token(&standard["access_token"]), "{:?}", standard);
            let text = match &body["access_token"] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            prop_assert_eq!(&standard["access_token"], &Value::from(text));
            let lifetime = standard.get("expires_in").map(|seconds| seconds.as_u64().unwrap());
            prop_assert!(lifetime.is_none_or(|seconds| (1..=LONGEST_LIFETIME_S).contains(&seconds)));
        }
    }

    #[test]
    fn a_form_is_heard_like_json(
        status in 100u16..1000,
        members in proptest::collection::btree_map(any_name(), any::<String>(), 0..6),
    ) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&members).finish();
        match listen(status, &[], &body) {
            Ok(standard) => {
                prop_assert!((200..300).contains(&status) && is_token(&standard["access_token"]));
                prop_assert_eq!(standard["access_token"].as_str(), members.get("access_token").map(String::as_str));
            }
            Err(fault) => prop_assert!(!fault.message.chars().any(char::is_control), "{:?}", fault.message),
        }
    }

    #[test]
    fn no_bytes_are_a_token_by_chance(status in 100u16..1000, body in proptest::collection::vec(any::<u8>(), 0..80)) {
        let body = String::from_utf8_lossy(&body);
        if let Ok(standard) = listen(status, &[], &body) {
            prop_assert!(is_token(&standard["access_token"]) && body.contains("access_token"), "{:?}", standard);
        }
    }
}

//! Component and credential files through the whole check: JSON, schema, lint.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use keyway_component::{Component, Faults, Severity, check_component, check_credential};
use serde_json::{Value, json};

fn sample() -> Value {
    json!({
        "keyway": 1, "name": "acme", "title": "Acme", "version": "1.0.0",
        "environments": { "production": {} },
        "variables": {
            "region": { "pattern": "[a-z]{2}", "default": "eu" },
            "key": { "secret": true }
        },
        "oauth2": {
            "token_endpoint": "https://{region}.acme.example/token",
            "token_endpoint_auth_method": "client_secret_basic",
            "grants": { "client_credentials": {} }
        },
        "api": { "base_url": "https://{region}.acme.example/v1" }
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut document = sample();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
    document
}

fn faults(document: &Value) -> Faults {
    let text = serde_json::to_string_pretty(document).unwrap();
    match check_component("acme.json", &text) {
        Ok(checked) => checked.warnings,
        Err(faults) => faults,
    }
}

#[test]
fn the_sample_and_the_built_in_components_are_sound() {
    assert!(faults(&sample()).faults.is_empty(), "{}", faults(&sample()));
    for (name, text) in keyway_components::BUILT_IN {
        let checked = check_component(name, text).unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(checked.value.name, *name);
        let by_serde_alone: Component = serde_json::from_str(text).unwrap();
        assert_eq!(by_serde_alone.name, *name);
        let warnings: Vec<_> = checked.warnings.faults.iter().map(|fault| fault.code).collect();
        assert!(warnings.iter().all(|code| ["password_grant", "pkce_off"].contains(code)), "{name}: {warnings:?}");
    }
}

#[test]
fn each_fault_has_its_code_pointer_line_and_hint() {
    let table = [
        ("/colour", json!("red"), "unknown_key", "/colour"),
        ("/api/base_ulr", json!("x"), "unknown_key", "/api/base_ulr"),
        ("/keyway", json!(2), "newer_format", "/keyway"),
        ("/name", json!("Acme!"), "schema", "/name"),
        (
            "/oauth2/token_endpoint",
            json!("https://{regoin}.acme.example/"),
            "undeclared_placeholder",
            "/oauth2/token_endpoint",
        ),
        ("/oauth2/token_endpoint", json!("http://acme.example/token"), "http_to_public_host", "/oauth2/token_endpoint"),
        ("/oauth2/token_endpoint", json!("https://acme.example/token#x"), "bad_url", "/oauth2/token_endpoint"),
        ("/oauth2/token_endpoint", json!("https://acme.example/{key}"), "secret_in_url", "/oauth2/token_endpoint"),
        ("/oauth2/token_endpoint", json!("a{b"), "schema", "/oauth2/token_endpoint"),
        ("/oauth2/grants", json!({}), "no_grant", "/oauth2/grants"),
        ("/oauth2/grants", json!({"authorization_code": {}}), "missing_endpoint", "/oauth2/grants/authorization_code"),
        (
            "/oauth2/token_endpoint_auth_method",
            json!("none"),
            "unauthenticated_client",
            "/oauth2/token_endpoint_auth_method",
        ),
        ("/oauth2/token_endpoint_auth_method", json!("guess"), "schema", "/oauth2/token_endpoint_auth_method"),
        (
            "/oauth2/custom_grants",
            json!({"x": {"grant_type": "x", "token_params": {"a": "{code}"}}}),
            "unknown_grant_input",
            "/oauth2/custom_grants/x",
        ),
        (
            "/oauth2/token_request",
            json!({"encoding": "json", "accepted_encodings": ["form"]}),
            "encoding_refused",
            "/oauth2/token_request/encoding",
        ),
        ("/variables/region", json!({"default": "eu"}), "open_host", "/oauth2/token_endpoint"),
        ("/variables/region", json!({"pattern": "(", "default": "eu"}), "bad_pattern", "/variables/region/pattern"),
        (
            "/variables/region",
            json!({"pattern": "[a-z]{2}", "default": "europe"}),
            "pattern_mismatch",
            "/variables/region/default",
        ),
        ("/variables/client_secret", json!({}), "reserved_name", "/variables/client_secret"),
        ("/environments/production", json!({"regoin": "eu"}), "undeclared_variable", "/environments/production/regoin"),
        ("/default_environment", json!("prod"), "unknown_environment", "/default_environment"),
        ("/verify", json!("check"), "unknown_action", "/verify"),
        ("/actions", json!({"a": {"method": "get", "url": "/a"}}), "bad_method", "/actions/a/method"),
        ("/actions", json!({"a": {"method": "GET", "url": "/a/{key}"}}), "secret_in_action", "/actions/a/url"),
        ("/api/headers", json!({"Host": "x"}), "own_header", "/api/headers/Host"),
        ("/api/authorization", json!({"in": "query", "name": "token"}), "token_in_query", "/api/authorization"),
        (
            "/throttle",
            json!({"wait": {"body": {"pointer": "/m", "pattern": "wait"}}}),
            "bad_pattern",
            "/throttle/wait/body/pattern",
        ),
        ("/retry", json!({"delay_ms": 100, "max_wait_ms": 10}), "delay_above_limit", "/retry/delay_ms"),
    ];
    for (pointer, value, code, at) in table {
        let found = faults(&with(pointer, value.clone()));
        let fault = found.faults.iter().find(|fault| fault.code == code && fault.pointer == at);
        let fault = fault.unwrap_or_else(|| panic!("{pointer} = {value}: no {code} at {at} in\n{found}"));
        assert!(fault.line > 1 && !fault.message.is_empty(), "{fault}");
        assert!(!found.source[fault.span.clone()].is_empty(), "{fault} has no place");
    }
}

#[test]
fn every_fault_at_once_and_spelling_hints() {
    let mut document = with("/api/base_ulr", json!("x"));
    document["verify"] = json!("check");
    document["oauth2"]["token_endpoint"] = json!("https://{regoin}.acme.example/token");
    document["oauth2"]["token_endpoint_auth_method"] = json!("private_key");
    document["retry"] = json!({"count": "five"});
    let found = faults(&document);
    let codes: Vec<_> = found.faults.iter().map(|fault| fault.code).collect();
    assert_eq!(codes, ["undeclared_placeholder", "schema", "unknown_key", "unknown_action", "schema"], "{found}");
    assert!(found.to_string().contains("must be one of \"client_secret_basic\""), "{found}");
    assert!(found.to_string().contains("did you mean `{region}`?"), "{found}");
    assert!(found.to_string().contains("did you mean `base_url`?"), "{found}");
}

#[test]
fn broken_json_is_told_what_it_may_not_have() {
    for (text, said) in [
        ("\u{feff}{}", "byte order mark"),
        ("{\n  // a comment\n  \"keyway\": 1\n}", "no comments"),
        ("{ \"keyway\": 1, }", "take the comma before it out"),
        ("{ \"list\": [1, ] }", "take the comma before it out"),
    ] {
        let faults = check_component("acme.json", text).unwrap_err().to_string();
        assert!(faults.contains(said), "{text}: {faults}");
    }
}

#[test]
fn broken_json_names_its_line() {
    let found = check_component("acme.json", "{\n  \"keyway\": 1,\n  oops\n}").unwrap_err();
    assert_eq!((found.faults[0].code, found.faults[0].line), ("json", 3), "{found}");
    assert!(check_component("empty.json", "").is_err());
    assert!(check_component("list.json", "[]").is_err());
}

fn credential(document: &Value) -> Faults {
    let components: Vec<Component> =
        keyway_components::BUILT_IN.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
    let text = serde_json::to_string_pretty(document).unwrap();
    let find = |name: &str| components.iter().find(|component| component.name == name);
    match check_credential("me.json", &text, find) {
        Ok(checked) => checked.warnings,
        Err(faults) => faults,
    }
}

#[test]
fn credentials_fit_their_component() {
    let good =
        json!({"keyway": 1, "component": "podio", "client_id": "id", "secrets": {"client_secret": {"env": "S"}}});
    assert!(credential(&good).faults.is_empty(), "{}", credential(&good));
    let table = [
        (json!({"component": "nodio"}), "unknown_component"),
        (json!({"grant": "magic"}), "unknown_grant"),
        (json!({"environment": "sandbox"}), "unknown_environment"),
        (json!({"component": "podero"}), "missing_environment"),
        (json!({"variables": {"app_token": "x"}}), "literal_secret"),
        (json!({"variables": {"app_id": "twelve"}}), "pattern_mismatch"),
        (json!({"variables": {"appid": "1"}}), "undeclared_variable"),
        (json!({"secrets": {"client_secret": "hunter2-in-the-clear"}}), "literal_secret"),
        (json!({"secrets": {"app_tokne": {"env": "X"}}}), "undeclared_secret"),
        (json!({"oauth2": {"token_endpoint": "https://evil.test/oauth/token"}}), "foreign_endpoint"),
        (json!({"redirect_uri": "/callback"}), "bad_redirect_uri"),
        (json!({"redirect_uri": "https://a.test/callback#x"}), "bad_redirect_uri"),
        (json!({"authorization_params": {"state": "mine"}}), "reserved_name"),
        (json!({"client": "acme"}), "two_clients"),
        (json!({"oauth2": {"token_request": {"encoding": "form"}}}), "encoding_refused"),
        (
            json!({"oauth2": {"token_endpoint": "https://api.podio.com/oauth/token", "token_request": {"encoding": "json"}}}),
            "encoding_refused",
        ),
    ];
    for (change, code) in table {
        let mut document = good.clone();
        document.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let found = credential(&document);
        let fault = found.faults.iter().find(|fault| fault.code == code);
        let fault = fault.unwrap_or_else(|| panic!("{change}: no {code} in\n{found}"));
        assert_eq!(fault.severity, Severity::Error);
        assert!(!found.to_string().contains("hunter2"), "a fault never shows the secret: {found}");
    }
    let form = json!({"oauth2": {"token_endpoint": "https://api.podio.com/oauth/token"}});
    let mut document = good;
    document.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
    assert!(credential(&document).faults.is_empty(), "{}", credential(&document));
}

#[test]
fn a_host_that_an_answer_tells_by_way_of_a_default_is_open_too() {
    let with = |pattern: &str, default: Option<&str>| {
        let mut component = sample();
        component["variables"] = json!({
            "referer": { "from": [{ "callback": "referer" }] },
            "site": { "default": "https://{referer}", "pattern": pattern }
        });
        if let Some(default) = default {
            component["variables"]["referer"]["default"] = json!(default);
        }
        component["oauth2"]["authorization_endpoint"] = json!("https://id.acme.test/authorize");
        component["oauth2"]["grants"]["authorization_code"] = json!({});
        component["oauth2"]["token_endpoint"] = json!("{site}/token");
        component["api"]["base_url"] = json!("{site}/api");
        let checked = check_component("acme.json", &component.to_string());
        checked.err().map(|faults| faults.faults.iter().map(|fault| fault.code.to_owned()).collect::<Vec<_>>())
    };
    let own = "https://[a-z-]+\\.acme\\.test";
    let any = with("https://[A-Za-z0-9.-]+", Some("www.acme.test")).unwrap();
    assert!(any.iter().any(|code| code == "open_host"), "{any:?}");
    assert_eq!(with(own, Some("www.acme.test")), None);
    // What nobody knows yet cannot be where the code is sent.
    let untold = with(own, None).unwrap();
    assert!(untold.iter().any(|code| code == "told_too_late"), "{untold:?}");
}

/// What a newcomer writes in the first hour, and what each of them is told.
#[test]
fn faults_say_what_to_write_instead() {
    let action = |more: Value| {
        let mut action = json!({ "method": "GET", "url": "/x", "query": { "limit": "{limit}" } });
        action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "list": action })
    };
    let params = |properties: Value| json!({ "params": { "type": "object", "properties": properties } });
    let table = [
        ("/oauth2/scope", json!("read write"), "write `{\"default\": …, \"separator\": …}`"),
        ("/oauth2/scope", json!({ "default": "read" }), "write a list, `[…]`"),
        ("/token_endpoint", json!("https://a.example"), "it is a member of `/oauth2`"),
        ("/oauth2/grant", json!({}), "did you mean `grants`?"),
        ("/api/authorization", json!({ "in": "headers" }), "must be one of \"header\", \"query\""),
        ("/actions", action(json!({ "params": ["limit"] })), "`params` is a JSON Schema"),
        ("/actions", action(json!({ "params": { "limit": {} } })), "`params` is a JSON Schema"),
        ("/actions", action(params(json!({ "limt": {} }))), "did you mean `limt`?"),
        ("/actions", action(params(json!({ "limit": {}, "more": {} }))), "nothing of the request names `more`"),
        (
            "/actions",
            action(json!({ "params": { "properties": { "limit": {} }, "required": ["limitt"] } })),
            "`limitt` is required and not declared",
        ),
        ("/actions", action(json!({ "method": "POST", "body": { "filter": "{filterGroups}" } })), "lower-case letters"),
        (
            "/actions",
            action(
                json!({ "params": { "properties": { "limit": {} } }, "pagination": { "items": "/x", "next": "cursor" } }),
            ),
            "must be one of \"link\", `{\"url\": …}`, `{\"cursor\": …}`",
        ),
        ("/actions", json!({ "list": { "method": "GET" } }), "`url`: The URL, appended to `base_url`."),
        ("/oauth2/second_exchange", json!({}), "no parameter and no header is the token"),
    ];
    for (pointer, value, said) in table {
        let text = faults(&with(pointer, value.clone())).to_string();
        assert!(text.contains(said), "{pointer} {value}: `{said}` is not said in\n{text}");
    }
}

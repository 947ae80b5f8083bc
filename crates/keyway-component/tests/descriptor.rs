//! The lint of what few APIs need: what has no effect is refused, with a hint.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use keyway_component::{Faults, check_component};
use serde_json::{Value, json};

fn sample() -> Value {
    json!({
        "keyway": 1, "name": "acme", "title": "Acme", "version": "1.0.0",
        "environments": { "production": {} }, "variables": {},
        "oauth2": {
            "token_endpoint": "https://acme.example/token",
            "token_endpoint_auth_method": "client_secret_basic",
            "grants": { "client_credentials": {} }
        },
        "api": { "base_url": "https://acme.example/v1" }
    })
}

fn faults(document: &Value) -> Faults {
    match check_component("acme.json", &serde_json::to_string_pretty(document).unwrap()) {
        Ok(checked) => checked.warnings,
        Err(faults) => faults,
    }
}

/// Writes values at pointers, members that are missing on the way included.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut document = sample();
    for (pointer, value) in changes {
        let mut place = &mut document;
        for step in pointer.split('/').skip(1) {
            place = &mut place[step];
        }
        *place = value.clone();
    }
    document
}

/// What is changed in the sample; the fault's code and place, or nothing.
type Row<'a> = (&'a [(&'a str, Value)], &'a str, &'a str);

fn check(table: &[Row<'_>]) {
    for (changes, code, at) in table {
        let found = faults(&with(changes));
        if code.is_empty() {
            assert!(found.faults.is_empty(), "{changes:?}: {found}");
            continue;
        }
        let fault = found.faults.iter().find(|fault| fault.code == *code && fault.pointer == *at);
        assert!(
            fault.is_some_and(|fault| fault.hint.is_some()),
            "{changes:?}: no {code} with a hint at {at} in\n{found}"
        );
    }
}

#[test]
fn captured_variables() {
    let site = |from: Value| json!({ "site": { "pattern": "https://[a-z]+\\.acme\\.example", "from": from } });
    let by_answer = || site(json!([{ "token_response": "/site" }]));
    let by_callback = || site(json!([{ "callback": "site" }]));
    let code = || json!({ "authorization_code": { "token_params": { "site": "{site}" } } });
    let authorize = || json!("https://acme.example/authorize");
    check(&[
        (&[("/variables", by_answer()), ("/api/base_url", json!("{site}/v1"))], "", ""),
        (&[("/variables", by_callback())], "no_effect", "/variables/site/from/0/callback"),
        (
            &[
                ("/variables", by_callback()),
                ("/oauth2/authorization_endpoint", authorize()),
                ("/oauth2/grants", code()),
            ],
            "",
            "",
        ),
        (
            &[("/variables", by_answer()), ("/oauth2/authorization_endpoint", authorize()), ("/oauth2/grants", code())],
            "told_too_late",
            "/oauth2/grants/authorization_code/token_params/site",
        ),
        (
            &[
                ("/variables", site(json!([{ "callback": "code" }]))),
                ("/oauth2/authorization_endpoint", authorize()),
                ("/oauth2/grants", code()),
            ],
            "reserved_name",
            "/variables/site/from/0/callback",
        ),
        (
            &[("/variables", by_answer()), ("/oauth2/token_endpoint", json!("{site}/token"))],
            "told_too_late",
            "/oauth2/token_endpoint",
        ),
        (
            &[("/variables", by_answer()), ("/environments/production/site", json!("https://a.acme.example"))],
            "no_effect",
            "/variables/site/from",
        ),
        (
            &[
                ("/variables", json!({ "site": { "from": [{ "token_response": "/s" }] } })),
                ("/api/base_url", json!("{site}")),
            ],
            "open_host",
            "/api/base_url",
        ),
    ]);
}

#[test]
fn assertions_and_targets() {
    let method = |name: &str| ("/oauth2/token_endpoint_auth_method", json!(name));
    let assertion = |value: Value| ("/oauth2/client_assertion", value);
    let at = "/oauth2/client_assertion";
    let bearer = |value: Value| ("/oauth2/grants/jwt_bearer", json!({ "assertion": value }));
    check(&[
        (&[method("private_key_jwt")], "", ""),
        (&[method("private_key_jwt"), assertion(json!({ "algorithm": "ES256", "header": { "kid": "1" } }))], "", ""),
        (&[method("client_secret_jwt"), assertion(json!({ "algorithm": "HS256" }))], "", ""),
        (&[method("tls_client_auth")], "", ""),
        (&[assertion(json!({}))], "no_effect", at),
        (&[method("tls_client_auth"), assertion(json!({}))], "no_effect", at),
        (
            &[method("private_key_jwt"), assertion(json!({ "algorithm": "HS256" }))],
            "wrong_algorithm",
            "/oauth2/client_assertion/algorithm",
        ),
        (
            &[method("client_secret_jwt"), assertion(json!({ "algorithm": "EdDSA" }))],
            "wrong_algorithm",
            "/oauth2/client_assertion/algorithm",
        ),
        (
            &[method("private_key_jwt"), assertion(json!({ "header": { "kid": "{key}" } }))],
            "undeclared_placeholder",
            at,
        ),
        (
            &[method("private_key_jwt"), assertion(json!({ "header": { "alg": "none" } }))],
            "reserved_name",
            "/oauth2/client_assertion/header/alg",
        ),
        (
            &[method("private_key_jwt"), assertion(json!({ "claims": { "exp": 1 } }))],
            "reserved_name",
            "/oauth2/client_assertion/claims/exp",
        ),
        (&[bearer(json!({ "claims": { "sub": "{client_id}" } }))], "", ""),
        (&[bearer(json!({ "claims": { "sub": null, "scope": "{scope}" } }))], "", ""),
        (&[bearer(json!({}))], "no_subject", "/oauth2/grants/jwt_bearer/assertion/claims"),
        (&[("/oauth2/grants/token_exchange", json!({}))], "", ""),
        (
            &[("/oauth2/audience", json!("api")), ("/oauth2/resource", json!(["https://api.example/x", "urn:a"]))],
            "",
            "",
        ),
        (&[("/oauth2/resource", json!(["api"]))], "bad_resource", "/oauth2/resource/0"),
        (&[("/oauth2/resource", json!(["https://api.example/#x"]))], "bad_resource", "/oauth2/resource/0"),
    ]);
}

#[test]
fn requests_for_tokens() {
    let second =
        |params: Value| json!({ "grant_type": "long", "encoding": "query", "method": "GET", "token_params": params });
    check(&[
        (&[("/oauth2/token_request", json!({ "method": "GET" }))], "get_with_body", "/oauth2/token_request/method"),
        (
            &[("/oauth2/grants", json!({ "refresh_token": { "with": "access_token" } }))],
            "no_grant",
            "/oauth2/grants/refresh_token/with",
        ),
        (&[("/oauth2/grants/refresh_token", json!({ "with": "access_token", "grant_type": "renew" }))], "", ""),
        (
            &[("/oauth2/grants/client_credentials", json!({ "token_request": { "method": "GET" } }))],
            "get_with_body",
            "/oauth2/grants/client_credentials/token_request/method",
        ),
        (
            &[
                ("/oauth2/grants/client_credentials", json!({ "token_request": { "encoding": "query" } })),
                ("/oauth2/token_endpoint_auth_method", json!("client_secret_post")),
            ],
            "secret_in_query",
            "/oauth2/grants/client_credentials/token_request/encoding",
        ),
        (
            &[("/oauth2/second_exchange", second(json!({ "old": "{access_token}" })))],
            "secret_in_query",
            "/oauth2/second_exchange/encoding",
        ),
        (&[("/oauth2/second_exchange", second(json!({ "old": "x" })))], "no_effect", "/oauth2/second_exchange"),
        (
            &[(
                "/oauth2/second_exchange",
                json!({ "grant_type": "x", "method": "GET", "token_params": { "t": "{access_token}" } }),
            )],
            "get_with_body",
            "/oauth2/second_exchange/method",
        ),
        (&[("/oauth2/second_exchange", json!({ "headers": { "Authorization": "Bearer {access_token}" } }))], "", ""),
        // With the secret in a header there is none in the query.
        (&[("/oauth2/token_request", json!({ "encoding": "query" }))], "", ""),
        (
            &[
                ("/oauth2/token_request", json!({ "encoding": "query" })),
                ("/oauth2/token_endpoint_auth_method", json!("client_secret_post")),
            ],
            "secret_in_query",
            "/oauth2/token_request/encoding",
        ),
        (&[("/oauth2/scope", json!({ "separator": "+" }))], "encoded_separator", "/oauth2/scope/separator"),
        (
            &[("/oauth2/second_exchange", json!({ "headers": { "host": "{access_token}" } }))],
            "own_header",
            "/oauth2/second_exchange/headers/host",
        ),
        (&[("/oauth2/token_response", json!({ "success": { "pointer": "/ok", "equals": true } }))], "", ""),
    ]);
}

#[test]
fn keys_passwords_and_places() {
    let key = || ("/variables/key", json!({ "secret": true }));
    let plain = || ("/variables/key", json!({}));
    let header = |name: &str| json!({ "in": "header", "name": name, "scheme": "" });
    let api_key =
        |value: Value| ("/oauth2", json!({ "token_endpoint_auth_method": "none", "grants": { "api_key": value } }));
    let basic =
        |value: Value| ("/oauth2", json!({ "token_endpoint_auth_method": "none", "grants": { "basic": value } }));
    let more = |value: Value| ("/api/additional_authorizations", value);
    check(&[
        (&[key(), api_key(json!({ "token": "{key}", "authorization": header("X-Api-Key") }))], "", ""),
        (&[plain(), api_key(json!({ "token": "{key}" }))], "no_secret", "/oauth2/grants/api_key/token"),
        (&[api_key(json!({ "token": "{key}" }))], "undeclared_placeholder", "/oauth2/grants/api_key/token"),
        (
            &[key(), api_key(json!({ "token": "{key}", "authorization": header("Host") }))],
            "own_header",
            "/oauth2/grants/api_key/authorization",
        ),
        (&[basic(json!({}))], "", ""),
        (&[key(), basic(json!({ "username": "{key}", "password": "x" }))], "", ""),
        (&[plain(), basic(json!({ "username": "{key}", "password": "x" }))], "no_secret", "/oauth2/grants/basic"),
        (
            &[("/oauth2", json!({ "token_endpoint_auth_method": "none", "grants": { "password": {} } }))],
            "missing_endpoint",
            "/oauth2",
        ),
        (&[more(json!([header("X-Token")]))], "", ""),
        (&[more(json!([header("authorization")]))], "no_effect", "/api/additional_authorizations/0"),
        (
            &[more(json!([header("X-Token")])), ("/api/headers", json!({ "x-token": "a" }))],
            "own_header",
            "/api/headers/x-token",
        ),
    ]);
}

#[test]
fn endpoints_that_the_issuer_tells() {
    let oauth2 = |grants: Value, issuer: Value| json!({ "issuer": issuer, "token_endpoint_auth_method": "client_secret_basic", "grants": grants });
    let all = || json!({ "client_credentials": {}, "authorization_code": {}, "device_code": {} });
    check(&[
        (&[("/oauth2", oauth2(all(), json!("https://acme.example")))], "", ""),
        (&[("/oauth2", oauth2(all(), Value::Null))], "missing_endpoint", "/oauth2/grants/authorization_code"),
        (&[("/oauth2", oauth2(all(), Value::Null))], "missing_endpoint", "/oauth2/grants/device_code"),
        (&[("/oauth2", oauth2(json!({ "client_credentials": {} }), Value::Null))], "missing_endpoint", "/oauth2"),
    ]);
}

#[test]
fn bound_tokens() {
    let header = |scheme: &str| ("/api/authorization", json!({ "in": "header", "scheme": scheme }));
    check(&[
        (&[("/oauth2/dpop", json!(true)), header("DPoP")], "", ""),
        (&[("/oauth2/dpop", json!(true))], "dpop_scheme", "/api/authorization"),
        (&[header("DPoP")], "dpop_scheme", "/api/authorization"),
        (
            &[("/oauth2/dpop", json!(true)), header("DPoP"), ("/oauth2/grants/basic", json!({}))],
            "no_effect",
            "/oauth2/grants/basic",
        ),
    ]);
}

#[test]
fn separators_of_lists() {
    let action = |more: Value| {
        let mut action = json!({
            "method": "POST", "url": "/x", "query": { "ids": "{ids}", "q": "a {ids}" }, "body": { "tags": "{ids}" },
            "params": { "type": "object", "properties": { "ids": {} } }
        });
        action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("/actions", json!({ "list": action }))
    };
    let named = |name: &str| json!({ "list_separator": { name: "," } });
    let form = |name: &str| json!({ "list_separator": { name: "," }, "body_encoding": "form" });
    let at = "/actions/list/list_separator";
    check(&[
        (&[action(json!({ "list_separator": "," }))], "", ""),
        (&[action(named("ids"))], "", ""),
        (&[action(form("tags"))], "", ""),
        (&[action(named("q"))], "no_effect", &format!("{at}/q")),
        (&[action(named("tags"))], "no_effect", &format!("{at}/tags")),
        (&[action(json!({ "list_separator": ",", "query": {} }))], "no_effect", at),
    ]);
}

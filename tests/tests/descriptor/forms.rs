//! Token requests and answers whose form is the vendor's own, grant by grant.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keyway::{Code, Connection, Credential, Message, check_component};
use keyway_tests::{
    acme::{self, account_with, acme, connected},
    mock::{Mock, labelled, reply},
};
use serde_json::{Value, json};

async fn server() -> Mock {
    Mock::start(|seen| async move {
        let n = seen.nth + 1;
        match seen.path.as_str() {
            "/token" | "/refresh" => reply(
                200,
                &json!({"access_token": format!("t{n}"), "refresh_token": "r1", "expires_in": 3600, "region": "eu"}),
            ),
            "/long" => reply(200, &json!({"data": {"token": format!("long{n}"), "lives_ms": 7_200_000}})),
            _ => reply(200, &json!({})),
        }
    })
    .await
}

/// Whatever the component says, its lint has nothing against it.
fn sound(component: &Value) {
    let faults = check_component("acme.json", &component.to_string());
    assert!(faults.is_ok(), "{:?}", faults.unwrap_err());
}

fn faults(component: &Value) -> Vec<String> {
    match check_component("acme.json", &component.to_string()) {
        Ok(checked) => checked.warnings.faults.iter().map(|fault| fault.code.to_string()).collect(),
        Err(faults) => faults.faults.iter().map(|fault| fault.code.to_string()).collect(),
    }
}

/// A component with a sign-in, and an account of it.
fn with_sign_in(component: &mut Value, api: &Mock) {
    component["oauth2"]["authorization_endpoint"] = format!("{}/authorize", api.url).into();
    component["oauth2"]["grants"] = json!({ "authorization_code": {}, "refresh_token": {} });
}

async fn signed_in(component: &Value, callback: &str) -> Result<(Connection, String), keyway::TokenError> {
    let credential = account_with([("ACME_GRANT", "authorization_code")]);
    let connection = acme::host(component).connect(credential).unwrap();
    let request = connection.tokens().authorization_request("https://app.example/callback").unwrap();
    let state = request.state().to_owned();
    let code = request.read_pasted(&format!("https://app.example/callback?code=c1&state={state}{callback}")).unwrap();
    connection.tokens().redeem_code(request, code).await.map(|_| (connection, state))
}

/// A first answer that is nested, and renewals that are not; a part of what they tell is a variable.
#[tokio::test]
async fn renewals_may_answer_otherwise() {
    let api = Mock::start(|seen| async move {
        match (seen.path.as_str(), seen.nth) {
            ("/token", 0) => reply(
                200,
                &json!({ "user": { "token": "t1", "again": "r1" }, "owner": "https://api.acme.example/users/u7" }),
            ),
            ("/token", _) => reply(
                200,
                &json!({ "result": "ok", "access_token": "t2", "owner": "https://api.acme.example/users/u8" }),
            ),
            _ => reply(200, &json!(seen.path)),
        }
    })
    .await;
    let mut component = acme(&api.url);
    with_sign_in(&mut component, &api);
    component["oauth2"]["token_response"] =
        json!({ "access_token": "/user/token", "refresh_token": "/user/again", "default_expires_in": 60 });
    component["oauth2"]["grants"]["refresh_token"]["token_response"] =
        json!({ "success": { "pointer": "/result", "equals": "ok" }, "default_expires_in": 7200 });
    component["variables"] = json!({ "user": {
        "pattern": "u[0-9]", "from": [{ "token_response": "/owner" }], "extract": "/users/([^/]+)$" } });
    component["api"]["base_url"] = format!("{}/api/{{user}}", api.url).into();
    sound(&component);
    let (connection, _) = signed_in(&component, "").await.unwrap();
    let answer: Value = connection.send(Message::get("/x")).await.unwrap().json().unwrap();
    assert_eq!(answer, "/api/u7/x");
    let renewed = connection.tokens().renew().await.unwrap();
    assert_eq!(renewed.lifetime().unwrap().as_secs(), 7200);
    let answer: Value = connection.send(Message::get("/x")).await.unwrap().json().unwrap();
    assert_eq!(answer, "/api/u8/x");
    for (extract, fault) in [("(", "bad_pattern"), ("/users/", "bad_pattern")] {
        component["variables"]["user"]["extract"] = json!(extract);
        assert!(faults(&component).contains(&fault.to_owned()), "{extract}");
    }
    component["variables"] = json!({ "user": { "pattern": "u[0-9]", "extract": "(.)" } });
    assert!(faults(&component).contains(&"no_effect".to_owned()));
}

#[tokio::test]
async fn a_grant_may_have_a_form_of_its_own() {
    let api = server().await;
    let mut component = acme(&api.url);
    with_sign_in(&mut component, &api);
    component["oauth2"]["refresh_endpoint"] = format!("{}/refresh", api.url).into();
    component["oauth2"]["grants"]["authorization_code"]["token_request"] = json!({ "encoding": "json" });
    component["oauth2"]["grants"]["refresh_token"]["token_request"] = json!({ "method": "GET", "encoding": "query" });
    sound(&component);
    let (connection, _) = signed_in(&component, "").await.unwrap();
    connection.tokens().renew().await.unwrap();
    let first = &api.seen("/token")[0];
    let body: Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!((first.method.as_str(), &body["code"]), ("POST", &json!("c1")));
    let renewal = &api.seen("/refresh")[0];
    assert_eq!((renewal.method.as_str(), renewal.text()), ("GET", ""));
    assert!(renewal.query.contains("refresh_token=r1"), "{}", renewal.query);
    component["oauth2"]["grants"]["refresh_token"]["token_request"] = json!({ "method": "GET" });
    assert!(faults(&component).contains(&"get_with_body".to_owned()));
}

#[tokio::test]
async fn a_second_exchange_has_headers_and_an_answer_of_its_own() {
    let api = server().await;
    let mut component = acme(&api.url);
    component["oauth2"]["grants"]["refresh_token"] = json!({});
    component["oauth2"]["second_exchange"] = json!({
        "endpoint": format!("{}/long", api.url), "encoding": "json", "after_renewal": true,
        "headers": { "Authorization": "Bearer {access_token}" }, "token_params": { "client_id": null, "kind": "site" },
        "token_response": { "access_token": "/data/token", "expires_in": "/data/lives_ms", "expiry_unit": "milliseconds" }
    });
    sound(&component);
    let (host, connection) = connected(&component);
    connection.send(Message::get("/me")).await.unwrap();
    let second = &api.seen("/long")[0];
    assert_eq!((second.header("authorization"), second.text()), ("Bearer t1", r#"{"kind":"site"}"#));
    assert_eq!(api.seen("/api/me")[0].header("authorization"), "Bearer long1");
    let token = connection.tokens().current().await.unwrap().unwrap();
    assert_eq!(token.lifetime().unwrap().as_secs(), 7200);
    assert_eq!(host.redactor().values("long1"), "***");
    // The first token's refresh token renews, and what comes of it is exchanged, too.
    connection.tokens().renew().await.unwrap();
    assert!(api.seen("/token")[1].text().contains("refresh_token=r1"));
    assert_eq!((api.count("/long"), api.seen("/long")[1].header("authorization")), (2, "Bearer t2"));
    component["oauth2"]["second_exchange"]["headers"] = json!({});
    assert!(faults(&component).contains(&"no_effect".to_owned()), "nothing of the first token is sent");
}

/// The callback names the server: there is none before a sign-in, and no other place gets the code.
#[tokio::test]
async fn a_token_endpoint_that_only_the_callback_tells() {
    let (api, region) = (server().await, server().await);
    let mut component = acme(&api.url);
    with_sign_in(&mut component, &api);
    component["variables"] =
        json!({ "site": { "pattern": "http://127\\.0\\.0\\.1:[0-9]+", "from": [{ "callback": "site" }] } });
    component["oauth2"]["token_endpoint"] = "{site}/token".into();
    sound(&component);
    let site: String = url::form_urlencoded::byte_serialize(region.url.as_bytes()).collect();
    let (connection, _) = signed_in(&component, &format!("&site={site}")).await.unwrap();
    connection.tokens().renew().await.unwrap();
    assert_eq!((region.count("/token"), api.count("")), (2, 0));
    // No message gets there, as to no token endpoint.
    let refused = connection.send(Message::get(format!("{}/token", region.url))).await.unwrap_err();
    assert_eq!(refused.code, Code::UrlNotAllowed);
    let evil = signed_in(&component, "&site=https%3A%2F%2Fevil.example").await.unwrap_err();
    assert_eq!(evil.kind, keyway::TokenErrorKind::ResponseInvalid);
    // A refresh token from elsewhere does not say where it is good.
    let inputs = [("ACME_GRANT", "refresh_token"), ("ACME_REFRESH_TOKEN", "r")];
    let connection = acme::host(&component).connect(account_with(inputs)).unwrap();
    let failure = connection.send(Message::get("/x")).await.unwrap_err();
    assert!(failure.message.contains("ACME_SITE"), "{failure}");
    // A grant without a sign-in never learns it.
    component["oauth2"]["grants"]["client_credentials"] = json!({});
    assert!(faults(&component).contains(&"told_too_late".to_owned()));
}

#[tokio::test]
async fn the_code_is_sent_with_its_state() {
    let api = server().await;
    let mut component = acme(&api.url);
    with_sign_in(&mut component, &api);
    component["oauth2"]["grants"]["authorization_code"]["token_params"] = json!({ "state": "{state}" });
    sound(&component);
    let (_connection, state) = signed_in(&component, "").await.unwrap();
    let sent: Vec<_> = url::form_urlencoded::parse(&api.seen("/token")[0].body).into_owned().collect();
    assert!(sent.contains(&("state".to_owned(), state)), "{sent:?}");
}

#[tokio::test]
async fn parameters_are_any_json_and_a_grant_needs_no_grant_type() {
    let api = server().await;
    let mut component = acme(&api.url);
    component["variables"] = json!({ "store": { "type": "integer" }, "login": { "secret": true } });
    component["oauth2"]["token_endpoint_auth_method"] = "none".into();
    component["oauth2"]["grants"] = json!({});
    component["oauth2"]["custom_grants"] = json!({ "login": { "token_params": {
        "client_id": null, "auth": { "login": "{login}", "store": "{store}" }, "wants": ["read", "{store}"], "keep": true
    } } });
    let given = [("ACME_CLIENT_ID", "id"), ("ACME_GRANT", "login"), ("ACME_LOGIN", "l-canary"), ("ACME_STORE", "7")];
    let renew = async |component: &Value| {
        sound(component);
        let host = acme::host(component);
        let connection = host.connect(Credential::from_vars("acme", given)).unwrap();
        connection.tokens().renew().await.unwrap();
        assert_eq!(host.redactor().values("l-canary"), "***");
    };
    component["oauth2"]["token_request"] = json!({ "encoding": "json" });
    renew(&component).await;
    let wanted = json!({"auth": {"login": "l-canary", "store": 7}, "wants": ["read", 7], "keep": true});
    assert_eq!(serde_json::from_slice::<Value>(&api.seen("/token")[0].body).unwrap(), wanted);
    // In a form, a list is one parameter for each item.
    component["oauth2"]["token_request"] = json!({ "encoding": "form" });
    component["oauth2"]["custom_grants"]["login"]["token_params"]["auth"] = "{login}".into();
    renew(&component).await;
    assert_eq!(api.seen("/token")[1].text(), "auth=l-canary&keep=true&wants=read&wants=7");
}

#[tokio::test]
async fn an_answer_may_be_the_token_itself() {
    for (label, body) in [("text/plain", "plain-token\n"), ("application/json", "\"plain-token\"")] {
        let api = Mock::start(move |seen| async move {
            match seen.path.as_str() {
                "/token" => labelled(200, label, body),
                _ => reply(200, &json!({})),
            }
        })
        .await;
        let mut component = acme(&api.url);
        component["oauth2"]["token_response"] = json!({ "access_token": "", "default_expires_in": 600 });
        sound(&component);
        let (_host, connection) = connected(&component);
        connection.send(Message::get("/x")).await.unwrap();
        assert_eq!(api.seen("/api/x")[0].header("authorization"), "Bearer plain-token", "{label}");
    }
    // A page is none.
    let api = Mock::start(|_| async move { labelled(200, "text/html", "<p>please sign in</p>") }).await;
    let mut component = acme(&api.url);
    component["oauth2"]["token_response"] = json!({ "access_token": "" });
    let (_host, connection) = connected(&component);
    assert_eq!(connection.send(Message::get("/x")).await.unwrap_err().code, Code::TokenResponseInvalid);
}

/// As WeChat has it: 200, no token, and a code of its own that a good answer does not have.
#[tokio::test]
async fn a_refusal_needs_no_rule_where_its_code_is_known() {
    let api = Mock::start(|_| async move { reply(200, &json!({"errcode": 40029, "errmsg": "invalid code"})) }).await;
    let mut component = acme(&api.url);
    with_sign_in(&mut component, &api);
    component["oauth2"]["token_response"] =
        json!({ "error": "/errcode", "error_description": "/errmsg", "invalid_grant": ["40029"] });
    sound(&component);
    let error = signed_in(&component, "").await.unwrap_err();
    assert_eq!(error.kind, keyway::TokenErrorKind::Denied);
    assert!(error.message.contains("the code was refused") && error.message.contains("40029: invalid code"), "{error}");
}

#[tokio::test]
async fn a_jwt_of_the_account_is_its_token() {
    let api = Mock::start(|_| async move { reply(200, &json!({})) }).await;
    let mut component = acme(&api.url);
    component["variables"] = json!({ "key_id": {}, "issuer": {} });
    component["oauth2"]["grants"] = json!({ "signed_jwt": { "assertion": {
        "algorithm": "ES256", "audience": "acme-v1", "lifetime_s": 600, "header": { "kid": "{key_id}" },
        "claims": { "iss": "{issuer}", "jti": null }
    } } });
    component["oauth2"].as_object_mut().unwrap().remove("token_endpoint");
    sound(&component);
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let given = [("ACME_PRIVATE_KEY", pem.as_str()), ("ACME_KEY_ID", "k1"), ("ACME_ISSUER", "team")];
    let host = acme::host(&component);
    let connection = host.connect(Credential::from_vars("acme", given)).unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    let seen = api.seen("/api/x");
    let jwt = seen[0].header("authorization").strip_prefix("Bearer ").unwrap();
    let claims = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("team"), &json!("acme-v1")));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 600);
    assert_eq!(seen[1].header("authorization"), seen[0].header("authorization"), "it serves until its end");
    let token = connection.tokens().current().await.unwrap().unwrap();
    assert_eq!(token.lifetime().unwrap().as_secs(), 600);
    assert_eq!(host.redactor().values(jwt), "***");
    let lacking = acme::host(&component).connect(Credential::from_vars("acme", [("ACME_ISSUER", "team")])).unwrap_err();
    assert!(lacking.to_string().contains("ACME_PRIVATE_KEY"), "{lacking}");
}

/// As an app of a code host does it: its JWT is exchanged for the token of one installation.
#[tokio::test]
async fn a_jwt_of_the_account_is_exchanged() {
    let api = Mock::start(|seen| async move {
        match seen.path.as_str() {
            "/installations/77/tokens" => reply(201, &json!({ "token": "installed" })),
            _ => reply(200, &json!({})),
        }
    })
    .await;
    let mut component = acme(&api.url);
    component["variables"] = json!({ "installation": { "pattern": "[0-9]+" } });
    component["oauth2"]["grants"] = json!({ "signed_jwt": { "assertion": { "algorithm": "ES256" } } });
    component["oauth2"]["second_exchange"] = json!({
        "endpoint": format!("{}/installations/{{installation}}/tokens", api.url), "encoding": "json",
        "headers": { "Authorization": "Bearer {access_token}" }, "token_response": { "access_token": "/token" }
    });
    component["oauth2"].as_object_mut().unwrap().remove("token_endpoint");
    sound(&component);
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let given = [("ACME_PRIVATE_KEY", pem.as_str()), ("ACME_INSTALLATION", "77")];
    let connection = acme::host(&component).connect(Credential::from_vars("acme", given)).unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    assert_eq!(api.seen("/api/x")[0].header("authorization"), "Bearer installed");
    assert!(api.seen("/installations/77/tokens")[0].header("authorization").starts_with("Bearer ey"));
    // A key is no token that could be exchanged.
    component["variables"] = json!({ "installation": { "pattern": "[0-9]+" }, "key": { "secret": true } });
    component["oauth2"]["grants"] = json!({ "api_key": { "token": "{key}" } });
    assert!(faults(&component).contains(&"no_effect".to_owned()));
}

#[tokio::test]
async fn a_scope_may_name_variables() {
    let api = Mock::api(|_| async { reply(200, &json!({})) }).await;
    let mut component = acme(&api.url);
    component["variables"] = json!({ "org": { "pattern": "[a-z]+" } });
    component["oauth2"]["scope"] = json!({ "default": ["https://{org}.acme.example/.default", "more"] });
    sound(&component);
    let connection = acme::host(&component).connect(account_with([("ACME_ORG", "north")])).unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    let form: std::collections::BTreeMap<_, _> =
        url::form_urlencoded::parse(&api.seen("/token")[0].body).into_owned().collect();
    assert_eq!(form["scope"], "https://north.acme.example/.default more");
    component["oauth2"]["scope"] = json!({ "default": ["{orgg}"] });
    assert!(faults(&component).contains(&"undeclared_placeholder".to_owned()));
}

/// A login that names no client needs none.
#[tokio::test]
async fn a_request_of_a_vendors_own_may_name_no_client() {
    let api = Mock::api(|_| async { reply(200, &json!({})) }).await;
    let mut component = acme(&api.url);
    component["oauth2"]["token_endpoint_auth_method"] = json!("none");
    component["oauth2"]["grants"] = json!({});
    component["oauth2"]["custom_grants"] = json!({ "login": { "token_params": {
        "client_id": null, "user": "{username}", "secret": "{password}" } } });
    sound(&component);
    let given = [("ACME_USERNAME", "u"), ("ACME_PASSWORD", "p")];
    let connection = acme::host(&component).connect(Credential::from_vars("acme", given)).unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    assert!(!api.seen("/token")[0].text().contains("client_id"));
}

#[test]
fn what_is_only_unwise_is_a_warning() {
    let mut component = acme("https://acme.example");
    component["variables"] = json!({ "key": { "secret": true } });
    component["api"]["query"] = json!({ "key": "{key}" });
    component["oauth2"]["grants"]["authorization_code"] = json!({});
    sound(&component);
    let warned = faults(&component);
    assert!(warned.contains(&"secret_in_query".to_owned()) && warned.contains(&"missing_endpoint".to_owned()));
    component["api"]["base_url"] = "https://acme.example/{key}".into();
    assert!(faults(&component).contains(&"secret_in_url".to_owned()));
    let mut component = acme("https://acme.example");
    component["variables"] =
        json!({ "host": { "pattern": "[a-z]+\\.acme\\.example" }, "port": { "pattern": "[0-9]+" } });
    component["api"]["base_url"] = "https://{host}:{port}/api".into();
    sound(&component);
}

/// RFC 6749 sections 4.3.2 and 4.4.2: what the token may do is asked for where nobody has signed in for it.
#[tokio::test]
async fn the_scope_is_said_where_no_sign_in_has_said_it() {
    let api = server().await;
    let mut component = acme(&api.url);
    component["oauth2"]["scope"] = json!({ "default": ["read", "write"], "separator": "," });
    component["oauth2"]["grants"] =
        json!({ "client_credentials": {}, "password": {}, "token_exchange": {}, "refresh_token": {} });
    component["oauth2"]["custom_grants"] = json!({ "app": { "grant_type": "app" } });
    let form = async |component: &Value, more: &[(&str, &str)], renew: bool| {
        let connection = acme::host(component).connect(account_with(more.iter().copied())).unwrap();
        connection.tokens().renew().await.unwrap();
        if renew {
            connection.tokens().renew().await.unwrap();
        }
        let last = api.seen("/token").last().unwrap().clone();
        url::form_urlencoded::parse(&last.body).into_owned().collect::<std::collections::BTreeMap<_, _>>()
    };
    let person = [("ACME_USERNAME", "u"), ("ACME_PASSWORD", "p"), ("ACME_GRANT", "password")];
    let subject = [("ACME_SUBJECT_TOKEN", "s"), ("ACME_GRANT", "token_exchange")];
    for more in [&[("ACME_GRANT", "client_credentials")][..], &person, &subject] {
        assert_eq!(form(&component, more, false).await["scope"], "read,write", "{more:?}");
    }
    let own = [("ACME_GRANT", "client_credentials"), ("ACME_SCOPE", "read")];
    assert_eq!(form(&component, &own, false).await["scope"], "read");
    // A renewal keeps what it has, and a vendor's own grant has what it declares.
    assert_eq!(form(&component, &person, true).await.get("scope"), None);
    assert_eq!(form(&component, &[("ACME_GRANT", "app")], false).await.get("scope"), None);
    // A component may say otherwise, and nothing is as if it were left out.
    component["oauth2"]["grants"]["client_credentials"] = json!({ "token_params": { "scope": null } });
    assert_eq!(form(&component, &[("ACME_GRANT", "client_credentials")], false).await.get("scope"), None);
    component["oauth2"]["scope"] = json!({ "default": [] });
    assert_eq!(form(&component, &person, false).await.get("scope"), None);
}

/// Servers of one's own have ports, where the pattern admits them.
#[tokio::test]
async fn a_host_of_ones_own_may_have_a_port_and_no_path() {
    let api = Mock::start(|seen| async move {
        match seen.path.as_str() {
            "/token" => reply(200, &json!({"access_token": "t"})),
            path => reply(200, &json!(path)),
        }
    })
    .await;
    let mut component = acme(&api.url);
    component["variables"] = json!({ "server": { "pattern": "127\\.0\\.0\\.1:[0-9]+(/[a-z]+)?", "default": "127.0.0.1:1" }, "note": { "default": "" } });
    component["oauth2"]["token_endpoint"] = "http://{server}/token".into();
    component["api"] = json!({ "base_url": "http://{server}/rest", "headers": { "X-Note": "{note}" } });
    let server = api.url.strip_prefix("http://").unwrap();
    let host = acme::host(&component);
    let refused = host.connect(account_with([("ACME_SERVER", format!("{server}/jira").as_str())])).unwrap_err();
    assert!(refused.to_string().contains("at most a port"), "{refused}");
    let connection = host.connect(account_with([("ACME_SERVER", server)])).unwrap();
    let answer = connection.send(Message::get("/x")).await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), json!("/rest/x"));
    assert!(!api.seen("/rest/x")[0].headers.contains_key("x-note"), "a header without a value is none");
    let elsewhere = connection.send(Message::get("/../../x")).await.unwrap_err();
    assert_eq!(elsewhere.code, Code::UrlNotAllowed);
}

/// As Coros has it: a renewal is answered without a token, and the old one lives on.
#[tokio::test]
async fn a_renewal_may_only_extend_the_token() {
    let api = Mock::start(|seen| async move {
        match (seen.path.as_str(), seen.nth) {
            ("/token", 0) => reply(200, &json!({"access_token": "t1", "refresh_token": "r1", "expires_in": 60})),
            ("/token", 1) => reply(200, &json!({"result": "0000"})),
            ("/token", _) => reply(200, &json!({"result": "5001"})),
            _ => reply(200, &json!({})),
        }
    })
    .await;
    let mut component = acme(&api.url);
    component["oauth2"]["grants"]["refresh_token"] = json!({ "keeps_access_token": true });
    component["oauth2"]["token_response"] = json!({ "default_expires_in": 7200 });
    sound(&component);
    let (_host, connection) = connected(&component);
    connection.tokens().renew().await.unwrap();
    let extended = connection.tokens().renew().await.unwrap();
    assert_eq!((extended.access_token.expose_secret_text(), extended.lifetime().unwrap().as_secs()), ("t1", 7200));
    assert_eq!(extended.refresh_token.as_ref().unwrap().expose_secret_text(), "r1");
    // A refusal is one all the same.
    component["oauth2"]["token_response"]["success"] = json!({ "pointer": "/result", "equals": "0000" });
    component["oauth2"]["token_response"]["error"] = json!("/result");
    let (_host, connection) = connected(&component);
    connection.tokens().renew().await.unwrap_err();
}

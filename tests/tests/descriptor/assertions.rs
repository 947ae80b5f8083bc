//! JWTs that the client makes: to show who it is, and as a grant; and tokens of other servers.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keyway::{Code, Credential, Message};
use keyway_tests::{
    acme::{self, account, acme},
    mock::{Mock, Seen, reply},
};
use serde_json::{Value, json};
use url::form_urlencoded;

const PRIVATE_KEY_JWT: [(&str, &str); 1] = [("ACME_CLIENT_ID", "acme-client")];

async fn api() -> Mock {
    Mock::api(|_| async { reply(200, &json!({})) }).await
}

fn key() -> String {
    rcgen::KeyPair::generate().unwrap().serialize_pem()
}

fn form(seen: &Seen) -> Vec<(String, String)> {
    form_urlencoded::parse(&seen.body).into_owned().collect()
}

fn get<'f>(form: &'f [(String, String)], name: &str) -> &'f str {
    form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// Header and claims of a JWT.
fn read(jwt: &str) -> (Value, Value) {
    let mut parts = jwt.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut json = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (json(), json())
}

#[tokio::test]
async fn a_private_key_shows_who_the_client_is_and_never_leaves() {
    let api = api().await;
    let mut component = acme(&api.url);
    component["variables"] = json!({ "key_id": {} });
    component["oauth2"]["token_endpoint_auth_method"] = "private_key_jwt".into();
    component["oauth2"]["client_assertion"] =
        json!({ "algorithm": "ES256", "header": { "kid": "{key_id}" }, "claims": { "tenant": "t1" } });
    let pem = key();
    let given = PRIVATE_KEY_JWT.into_iter().chain([("ACME_PRIVATE_KEY", pem.as_str()), ("ACME_KEY_ID", "k1")]);
    let host = acme::host(&component);
    let connection = host.connect(Credential::from_vars("acme", given)).unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    connection.tokens().mint().await.unwrap();
    let seen = api.seen("/token");
    let forms: Vec<_> = seen.iter().map(form).collect();
    let jwts: Vec<&str> = forms.iter().map(|form| get(form, "client_assertion")).collect();
    assert_eq!(get(&forms[0], "client_assertion_type"), "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_eq!((get(&forms[0], "client_id"), get(&forms[0], "client_secret")), ("acme-client", ""));
    let (header, claims) = read(jwts[0]);
    assert_eq!(header, json!({"typ": "JWT", "alg": "ES256", "kid": "k1"}));
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["tenant"]),
        (&json!("acme-client"), &json!("acme-client"), &json!("t1"))
    );
    assert_eq!(claims["aud"], format!("{}/token", api.url));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);
    assert_ne!(claims["jti"], read(jwts[1]).1["jti"], "each request has its own");
    assert_eq!(host.redactor().values(jwts[0]), "***");
    assert!(!api.seen("").iter().any(|seen| seen.text().contains("PRIVATE")));
}

#[tokio::test]
async fn a_key_that_does_not_fit_is_told_and_nothing_is_sent() {
    let api = api().await;
    let mut component = acme(&api.url);
    component["oauth2"]["token_endpoint_auth_method"] = "private_key_jwt".into();
    let pem = key();
    let given = PRIVATE_KEY_JWT.into_iter().chain([("ACME_PRIVATE_KEY", pem.as_str())]);
    let connection = acme::host(&component).connect(Credential::from_vars("acme", given)).unwrap();
    let failure = connection.send(Message::get("/x")).await.unwrap_err();
    assert!(failure.message.contains("RS256"), "{}", failure.message);
    assert_eq!(api.count(""), 0);
    let lacking = acme::host(&component).connect(Credential::from_vars("acme", PRIVATE_KEY_JWT)).unwrap_err();
    assert!(lacking.to_string().contains("ACME_PRIVATE_KEY"), "{lacking}");
}

#[tokio::test]
async fn a_secret_signs_without_being_sent() {
    let api = api().await;
    let mut component = acme(&api.url);
    component["oauth2"]["token_endpoint_auth_method"] = "client_secret_jwt".into();
    let connection = acme::host(&component).connect(account()).unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    let seen = &api.seen("/token")[0];
    assert!(!seen.text().contains("acme-secret"));
    assert_eq!(read(get(&form(seen), "client_assertion")).0["alg"], "HS256");
}

#[tokio::test]
async fn a_jwt_stands_for_a_person() {
    let api = api().await;
    let mut component = acme(&api.url);
    component["variables"] = json!({ "user": {}, "on_behalf_of": { "default": "" } });
    component["oauth2"]["token_endpoint_auth_method"] = "none".into();
    component["oauth2"]["scope"] = json!({ "default": ["sign", "act"] });
    component["oauth2"]["grants"] = json!({ "jwt_bearer": {
        "assertion": {
            "algorithm": "ES256", "audience": "account.acme.example", "lifetime_s": 3600,
            "claims": { "sub": "{user}", "scope": "{scope}", "act": "{on_behalf_of}" }
        },
        "token_params": { "client_id": null }
    } });
    let pem = key();
    let given = PRIVATE_KEY_JWT.into_iter().chain([("ACME_PRIVATE_KEY", pem.as_str()), ("ACME_USER", "u-7")]);
    let connection = acme::host(&component).connect(Credential::from_vars("acme", given)).unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    let form = form(&api.seen("/token")[0]);
    assert_eq!(get(&form, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_eq!(get(&form, "client_id"), "", "the component leaves it out");
    let (_, claims) = read(get(&form, "assertion"));
    assert_eq!(
        (&claims["sub"], &claims["aud"], &claims["scope"]),
        (&json!("u-7"), &json!("account.acme.example"), &json!("sign act"))
    );
    assert!(claims.get("act").is_none(), "an empty claim is left out");
    let without_user = PRIVATE_KEY_JWT.into_iter().chain([("ACME_PRIVATE_KEY", pem.as_str())]);
    let lacking = acme::host(&component).connect(Credential::from_vars("acme", without_user)).unwrap_err();
    assert!(lacking.to_string().contains("ACME_USER"), "{lacking}");
}

#[tokio::test]
async fn a_token_of_another_server_is_exchanged() {
    let api = api().await;
    let mut component = acme(&api.url);
    component["oauth2"]["audience"] = "orders".into();
    component["oauth2"]["resource"] = json!(["https://orders.example/", "https://bills.example/"]);
    component["oauth2"]["grants"] = json!({ "token_exchange": {
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token"
    } });
    let credential = acme::account_with([("ACME_SUBJECT_TOKEN", "subject-canary")]);
    let host = acme::host(&component);
    host.connect(credential).unwrap().send(Message::get("/x")).await.unwrap();
    let form = form(&api.seen("/token")[0]);
    assert_eq!(get(&form, "grant_type"), "urn:ietf:params:oauth:grant-type:token-exchange");
    assert_eq!((get(&form, "subject_token"), get(&form, "audience")), ("subject-canary", "orders"));
    assert_eq!(get(&form, "subject_token_type"), "urn:ietf:params:oauth:token-type:jwt");
    let resources: Vec<_> =
        form.iter().filter(|(name, _)| name == "resource").map(|(_, value)| value.as_str()).collect();
    assert_eq!(resources, ["https://orders.example/", "https://bills.example/"]);
    assert_eq!(host.redactor().values("subject-canary"), "***");
}

/// RFC 8705 section 2: the certificate is the host's; the request only says whose it should be.
#[tokio::test]
async fn with_a_certificate_the_request_has_the_id_alone() {
    let api = Mock::api(|_| async { reply(401, &json!({})) }).await;
    let mut component = acme(&api.url);
    component["oauth2"]["token_endpoint_auth_method"] = "tls_client_auth".into();
    let connection = acme::host(&component).connect(Credential::from_vars("acme", PRIVATE_KEY_JWT)).unwrap();
    let failure = connection.send(Message::get("/x")).await.unwrap_err();
    assert_eq!(failure.code, Code::TokenDenied);
    assert_eq!(api.seen("/token")[0].text(), "grant_type=client_credentials&client_id=acme-client");
}

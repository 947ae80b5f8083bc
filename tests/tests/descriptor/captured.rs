//! Variables that the token answer and the callback tell.

use keyway::{Code, Connection, FileStore, Message};
use keyway_tests::{
    acme::{self, account_with, acme, connected},
    mock::{Mock, reply},
};
use serde_json::{Value, json};

/// An API that is somewhere else than its token endpoint.
async fn elsewhere() -> Mock {
    Mock::start(|seen| async move { reply(200, &json!({"path": seen.path, "query": seen.query})) }).await
}

/// A token endpoint whose answer also has these members.
async fn telling(more: impl Fn(usize) -> Value + Clone + Send + Sync + 'static) -> Mock {
    Mock::start(move |seen| {
        let mut answer =
            json!({"access_token": format!("token-{}", seen.nth + 1), "refresh_token": format!("r{}", seen.nth)});
        answer.as_object_mut().unwrap().extend(more(seen.nth).as_object().unwrap().clone());
        async move { reply(200, &answer) }
    })
    .await
}

/// A component whose API is where the token answer says.
fn component(tokens: &Mock, from: &Value) -> Value {
    let mut component = acme(&tokens.url);
    component["variables"] = json!({
        "instance": { "pattern": "http://127\\.0\\.0\\.1:[0-9]+", "from": from },
        "org": { "pattern": "[a-z]+", "from": [{ "token_response": "/org/id" }], "default": "none" },
        "key": { "secret": true, "from": [{ "token_response": "/key" }] }
    });
    component["api"] = json!({
        "base_url": "{instance}/services", "headers": { "X-Org": "{org}", "X-Key": "{key}" }, "query": { "org": "{org}" }
    });
    component
}

fn by_answer() -> Value {
    json!([{ "token_response": "/instance_url" }])
}

#[tokio::test]
async fn messages_go_where_the_token_answer_says() {
    let api = elsewhere().await;
    let url = api.url.clone();
    let tokens = telling(move |_| json!({"instance_url": url, "org": {"id": "north"}, "key": "captured-canary"})).await;
    let (host, connection) = connected(&component(&tokens, &by_answer()));
    let answer = connection.send(Message::get("/{org}/things")).await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), json!({"path": "/services/north/things", "query": "org=north"}));
    let seen = &api.seen("")[0];
    assert_eq!((seen.header("x-org"), seen.header("x-key")), ("north", "captured-canary"));
    assert_eq!(seen.header("authorization"), "Bearer token-1");
    assert_eq!(host.redactor().values("captured-canary"), "***", "a captured secret is one");
    // The place that the token named is the API now, and nothing else is.
    let refused = connection.send(Message::get(format!("{}/services/x", tokens.url))).await.unwrap_err();
    assert_eq!(refused.code, Code::UrlNotAllowed);
    connection.send(Message::get(format!("{}/services/x", api.url))).await.unwrap();
    assert_eq!(tokens.count("/token"), 1);
}

#[tokio::test]
async fn a_place_that_breaks_its_pattern_gets_no_token() {
    let api = elsewhere().await;
    for place in ["https://evil.example", "http://127.0.0.1:1@evil.example", "ftp://127.0.0.1:80", ""] {
        let tokens = telling(move |_| json!({"instance_url": place, "key": "k"})).await;
        let (_host, connection) = connected(&component(&tokens, &by_answer()));
        let failure = connection.send(Message::get("/x")).await.unwrap_err();
        assert_eq!(failure.code, Code::TokenResponseInvalid, "{place}");
        assert!(!failure.message.contains("evil"), "{}", failure.message);
    }
    let tokens = telling(|_| json!({"instance_url": "http://public.example:80", "key": "k"})).await;
    let mut open = component(&tokens, &by_answer());
    open["variables"]["instance"]["pattern"] = "http.*".into();
    let faults = keyway::check_component("acme.json", &open.to_string()).unwrap_err();
    assert!(faults.faults.iter().any(|fault| fault.code == "open_host"), "a pattern for any host is no pattern");
    open["variables"]["instance"]["pattern"] = "http://public\\..*".into();
    let (_host, connection) = connected(&open);
    let failure = connection.send(Message::get("/x")).await.unwrap_err();
    assert_eq!(failure.code, Code::TokenResponseInvalid, "plain http to a public host");
    assert_eq!(api.count(""), 0);
}

#[tokio::test]
async fn a_renewal_that_leads_elsewhere_leads_the_next_messages_there() {
    let (first, second) = (elsewhere().await, elsewhere().await);
    let urls = [first.url.clone(), second.url.clone()];
    let tokens = telling(move |nth| json!({"instance_url": urls[nth.min(1)], "key": "k"})).await;
    let (_host, connection) = connected(&component(&tokens, &by_answer()));
    connection.send(Message::get("/x")).await.unwrap();
    connection.tokens().renew().await.unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    assert_eq!((first.count(""), second.count("")), (1, 1));
    assert_eq!(second.seen("")[0].header("authorization"), "Bearer token-2");
}

#[tokio::test]
async fn a_message_whose_own_renewal_leads_elsewhere_goes_there() {
    let first = Mock::start(|_| async move { reply(401, &json!({})) }).await;
    let second = elsewhere().await;
    let urls = [first.url.clone(), second.url.clone()];
    let tokens = telling(move |nth| json!({"instance_url": urls[nth.min(1)], "key": "k"})).await;
    let (_host, connection) = connected(&component(&tokens, &by_answer()));
    let answer = connection.send(Message::get("/x")).await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap()["path"], "/services/x");
    assert_eq!((first.count(""), second.count(""), answer.attempts), (1, 1, 2));
    assert_eq!(second.seen("")[0].header("authorization"), "Bearer token-2");
}

#[tokio::test]
async fn a_token_that_leads_elsewhere_each_time_ends_the_message() {
    // Its own address is another one each time, by its path.
    let api = Mock::start(|seen| async move {
        let n = seen.nth;
        match seen.path.as_str() {
            "/token" => {
                reply(200, &json!({"access_token": format!("t{n}"), "place": format!("p{n}"), "expires_in": 3600}))
            }
            _ => reply(401, &json!({})),
        }
    })
    .await;
    let mut component = acme(&api.url);
    component["variables"] = json!({ "place": { "pattern": "p[0-9]+", "from": [{ "token_response": "/place" }] } });
    component["api"]["base_url"] = format!("{}/{{place}}", api.url).into();
    let (_host, connection) = connected(&component);
    let failure = connection.send(Message::get("/x")).await.unwrap_err();
    // The second refusal of a token that was renewed for the message is the end, wherever it was.
    assert_eq!((failure.code, failure.attempts, api.count("/token")), (Code::TokenDenied, 2, 2));
}

#[tokio::test]
async fn what_the_account_gives_itself_is_not_read_from_answers() {
    let (mine, other) = (elsewhere().await, elsewhere().await);
    let url = other.url.clone();
    let tokens = telling(move |_| json!({"instance_url": url, "key": "k"})).await;
    let component = component(&tokens, &by_answer());
    let host = acme::host(&component);
    let connection = host.connect(account_with([("ACME_INSTANCE", mine.url.as_str())])).unwrap();
    connection.send(Message::get("/x")).await.unwrap();
    assert_eq!((mine.count(""), other.count("")), (1, 0));
}

/// A component whose API is named by the callback, as QuickBooks' company is.
async fn signed_in(from_callback: &str) -> (Mock, Connection, Result<(), keyway::TokenError>) {
    let api = Mock::api(|seen| async move { reply(200, &json!(seen.path)) }).await;
    let mut component = acme(&api.url);
    component["variables"] = json!({ "realm_id": { "pattern": "[0-9]+", "from": [{ "callback": "realmId" }] } });
    component["oauth2"]["authorization_endpoint"] = format!("{}/authorize", api.url).into();
    component["oauth2"]["grants"] = json!({ "authorization_code": {}, "refresh_token": {} });
    component["api"]["base_url"] = format!("{}/company/{{realm_id}}", api.url).into();
    let credential = account_with([("ACME_GRANT", "authorization_code")]);
    let connection = acme::host(&component).connect(credential).unwrap();
    let request = connection.tokens().authorization_request("https://app.example/callback").unwrap();
    let (_, state) = request.url().query_pairs().find(|(name, _)| name == "state").unwrap();
    assert!(request.read_pasted("code-alone").is_err(), "a code alone does not tell the company");
    let address = format!("https://app.example/callback?code=c1&state={state}{from_callback}");
    let code = request.read_pasted(&address).unwrap();
    let redeemed = connection.tokens().redeem_code(request, code).await.map(|_| ());
    (api, connection, redeemed)
}

#[tokio::test]
async fn the_callback_tells_a_variable() {
    let (api, connection, redeemed) = signed_in("&realmId=42").await;
    redeemed.unwrap();
    let answer = connection.send(Message::get("/bills")).await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), json!("/company/42/bills"));
    // What a renewal does not tell anew stays.
    connection.tokens().renew().await.unwrap_err();
    assert_eq!(api.count("/token"), 1, "the token had no refresh token");
}

#[tokio::test]
async fn what_only_a_sign_in_tells_is_missed_before_a_refresh_token_is_used_up() {
    let api = Mock::api(|seen| async move { reply(200, &json!(seen.path)) }).await;
    let mut component = acme(&api.url);
    component["variables"] = json!({ "realm_id": { "pattern": "[0-9]+", "from": [{ "callback": "realmId" }] } });
    component["oauth2"]["authorization_endpoint"] = format!("{}/authorize", api.url).into();
    component["oauth2"]["grants"] = json!({ "authorization_code": {}, "refresh_token": {} });
    component["api"]["base_url"] = format!("{}/company/{{realm_id}}", api.url).into();
    let inputs = [("ACME_GRANT", "refresh_token"), ("ACME_REFRESH_TOKEN", "rotates")];
    let connection = acme::host(&component).connect(account_with(inputs)).unwrap();
    let failure = connection.send(Message::get("/bills")).await.unwrap_err();
    assert!(failure.message.contains("only a sign-in tells `realm_id`"), "{failure}");
    assert!(failure.message.contains("ACME_REALM_ID"), "{failure}");
    assert_eq!(api.count("/token"), 0);
    let host = acme::host(&component);
    let connection = host.connect(account_with(inputs.into_iter().chain([("ACME_REALM_ID", "7")]))).unwrap();
    let answer = connection.send(Message::get("/bills")).await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), json!("/company/7/bills"));
}

#[tokio::test]
async fn a_code_may_have_another_name_in_the_callback() {
    let api = Mock::api(|seen| async move { reply(200, &json!(seen.path)) }).await;
    let mut component = acme(&api.url);
    component["oauth2"]["authorization_endpoint"] = format!("{}/authorize", api.url).into();
    component["oauth2"]["grants"] = json!({ "authorization_code": { "code_param": "auth_code" } });
    let host = acme::host(&component);
    let connection = host.connect(account_with([("ACME_GRANT", "authorization_code")])).unwrap();
    let request = connection.tokens().authorization_request("https://app.example/callback").unwrap();
    let (_, state) = request.url().query_pairs().find(|(name, _)| name == "state").unwrap();
    assert!(request.read_pasted(&format!("https://app.example/callback?code=c1&state={state}")).is_err());
    let code = request.read_pasted(&format!("?auth_code=c2&state={state}")).unwrap();
    connection.tokens().redeem_code(request, code).await.unwrap();
    assert!(api.seen("/token")[0].text().contains("code=c2"));
    assert!(host.redactor().is_secret_name("auth_code"));
}

#[tokio::test]
async fn a_callback_that_breaks_the_pattern_sends_no_code() {
    let (api, _connection, redeemed) = signed_in("&realmId=..%2Fadmin").await;
    let error = redeemed.unwrap_err();
    assert_eq!(error.kind, keyway::TokenErrorKind::ResponseInvalid);
    assert_eq!(api.count("/token"), 0);
    let (_api, connection, redeemed) = signed_in("").await;
    redeemed.unwrap();
    let failure = connection.send(Message::get("/bills")).await.unwrap_err();
    assert_eq!(failure.code, Code::TokenResponseInvalid);
}

/// The store keeps what was told: another process goes where the first one did.
#[tokio::test]
async fn what_was_told_is_stored_with_the_token() {
    let api = elsewhere().await;
    let url = api.url.clone();
    let tokens = telling(move |nth| {
        if nth == 0 {
            json!({"instance_url": url, "key": "k", "expires_in": 3600})
        } else {
            json!({"expires_in": 3600})
        }
    })
    .await;
    let mut component = component(&tokens, &by_answer());
    component["oauth2"]["grants"]["refresh_token"] = json!({});
    let folder = tempfile::tempdir().unwrap();
    for renews in [true, false] {
        let store = FileStore::open(folder.path()).unwrap();
        let host = acme::host_with(&component, |builder| builder.token_store(store));
        let connection = host.connect(acme::account()).unwrap();
        connection.send(Message::get("/x")).await.unwrap();
        if renews {
            connection.tokens().renew().await.unwrap();
            connection.send(Message::get("/x")).await.unwrap();
        }
    }
    assert_eq!((tokens.count("/token"), api.count("")), (2, 3));
}

/// As Zoho has it: the callback names the server of the person's region, and tokens are got, renewed and revoked there.
#[tokio::test]
async fn the_callback_names_the_token_endpoint_of_the_region() {
    let region = telling(|_| json!({"expires_in": 3600})).await;
    let home = telling(|_| json!({})).await;
    let mut component = acme(&home.url);
    component["variables"] = json!({ "accounts_server": {
        "pattern": "http://127\\.0\\.0\\.1:[0-9]+", "default": home.url, "from": [{ "callback": "accounts-server" }]
    } });
    component["oauth2"]["token_endpoint"] = "{accounts_server}/token".into();
    component["oauth2"]["revocation_endpoint"] = "{accounts_server}/revoke".into();
    component["oauth2"]["authorization_endpoint"] = format!("{}/authorize", home.url).into();
    component["oauth2"]["grants"] = json!({ "authorization_code": {}, "refresh_token": {} });
    let credential = || account_with([("ACME_GRANT", "authorization_code")]);
    let sign_in = |server: String| {
        let connection = acme::host(&component).connect(credential()).unwrap();
        async move {
            let request = connection.tokens().authorization_request("https://app.example/callback").unwrap();
            let (_, state) = request.url().query_pairs().find(|(name, _)| name == "state").unwrap();
            let server: String = url::form_urlencoded::byte_serialize(server.as_bytes()).collect();
            let address = format!("https://app.example/callback?code=c1&state={state}&accounts-server={server}");
            let code = request.read_pasted(&address).unwrap();
            connection.tokens().redeem_code(request, code).await.map(|_| connection)
        }
    };
    let connection = sign_in(region.url.clone()).await.unwrap();
    connection.tokens().renew().await.unwrap();
    connection.tokens().revoke().await.unwrap();
    assert_eq!((region.count("/token"), region.count("/revoke"), home.count("")), (2, 2, 0));
    // A forged callback takes neither code nor secret elsewhere.
    let error = sign_in("https://evil.example".to_owned()).await.unwrap_err();
    assert_eq!(error.kind, keyway::TokenErrorKind::ResponseInvalid);
}

/// An API that tells a tenant at `/tenants`, unless `status` says otherwise the first time; messages go to `/api/TENANT`.
async fn with_tenants(status: u16) -> (Mock, Value) {
    let api = Mock::api(move |seen| async move {
        match seen.path.as_str() {
            "/tenants" if seen.nth == 0 && status != 200 => reply(status, &json!({})),
            "/tenants" => reply(200, &json!([{ "id": "north", "token": seen.header("authorization") }])),
            _ => reply(200, &json!(seen.path)),
        }
    })
    .await;
    let mut component = acme(&api.url);
    component["variables"] = json!({ "tenant": {
        "pattern": "[a-z]+", "from": [{ "api_response": { "url": format!("{}/tenants", api.url), "pointer": "/0/id" } }]
    } });
    component["api"]["base_url"] = format!("{}/api/{{tenant}}", api.url).into();
    (api, component)
}

#[tokio::test]
async fn the_api_tells_a_variable_once() {
    let (api, component) = with_tenants(200).await;
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let store = FileStore::open(folder.path()).unwrap();
        let host = acme::host_with(&component, |builder| builder.token_store(store));
        let connection = host.connect(account_with([("", ""); 0])).unwrap();
        for _ in 0..2 {
            let answer = connection.send(Message::get("/x")).await.unwrap();
            assert_eq!(answer.json::<Value>().unwrap(), json!("/api/north/x"));
        }
    }
    assert_eq!((api.count("/tenants"), api.count("/token")), (1, 1), "what was told is stored with the token");
    assert_eq!(api.seen("/tenants")[0].header("authorization"), "Bearer token-1");
}

#[tokio::test]
async fn an_api_that_tells_nothing_costs_no_token() {
    // A moment's outage is waited out; where the API says no, it is asked again before the first message.
    for status in [503, 404] {
        let (api, component) = with_tenants(status).await;
        let (_host, connection) = connected(&component);
        let answer = connection.send(Message::get("/x")).await.unwrap();
        assert_eq!(answer.json::<Value>().unwrap(), json!("/api/north/x"), "{status}");
        assert_eq!((api.count("/tenants"), api.count("/token")), (2, 1), "{status}");
    }
}

/// What one question tells stands in the next one, whatever their order; each carries what every request carries, as far as
/// that is known.
#[tokio::test]
async fn questions_follow_each_other_and_carry_the_apis_headers() {
    let api = Mock::api(|seen| async move {
        match seen.path.as_str() {
            "/clouds" => reply(200, &json!([{ "id": "c1" }])),
            "/c1/me" => reply(200, &json!({ "account": "a1" })),
            _ => reply(200, &json!({ "path": seen.path, "account": seen.header("x-account") })),
        }
    })
    .await;
    let told = |url: String, pointer: &str| {
        json!({ "pattern": "[a-z0-9]+", "from": [{ "api_response": { "url": url, "pointer": "/nothing" } },
            { "api_response": { "url": url, "pointer": pointer } }] })
    };
    let mut component = acme(&api.url);
    component["variables"] = json!({
        "account": told(format!("{}/{{cloud}}/me", api.url), "/account"),
        "cloud": told(format!("{}/clouds", api.url), "/0/id")
    });
    component["api"]["headers"] = json!({
        "X-Version": "7", "X-Account": "{account}", "X-Key": "{client_secret}", "X-Request": "{uuid}"
    });
    component["api"]["query"] = json!({ "lang": "en" });
    component["api"]["base_url"] = format!("{}/api/{{cloud}}", api.url).into();
    let (_host, connection) = connected(&component);
    let answer: Value = connection.send(Message::get("/x")).await.unwrap().json().unwrap();
    assert_eq!((&answer["path"], &answer["account"]), (&json!("/api/c1/x"), &json!("a1")));
    for (place, asked) in [("/clouds", 1), ("/c1/me", 1)] {
        let seen = api.seen(place);
        assert_eq!((seen.len(), seen[0].query.as_str()), (asked, "lang=en"), "{place}");
        let carried = ["x-version", "x-key", "x-account"].map(|name| seen[0].header(name).to_owned());
        assert_eq!(carried, ["7", "acme-secret", ""], "{place}");
        assert_eq!(seen[0].header("x-request").len(), 36, "{place}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_the_pattern_is_not_taken() {
    let (_api, mut component) = with_tenants(200).await;
    component["variables"]["tenant"]["pattern"] = json!("[0-9]+");
    let (_host, connection) = connected(&component);
    let failure = connection.send(Message::get("/x")).await.unwrap_err();
    assert_eq!(failure.code, Code::TokenResponseInvalid);
}

#[tokio::test]
async fn a_question_goes_to_a_host_of_the_component() {
    let (_api, mut component) = with_tenants(200).await;
    component["variables"]["tenant"]["from"][0]["api_response"]["url"] = json!("https://elsewhere.example/tenants");
    let faults = keyway::check_component("acme.json", &component.to_string()).unwrap_err();
    assert!(faults.faults.iter().any(|fault| fault.code == "foreign_host"), "{faults:?}");
}

/// Two variables of one question, of the item that the account means; asked by POST.
#[tokio::test]
async fn the_item_that_counts_tells_variables_of_one_question() {
    let api = Mock::api(|seen| async move {
        match seen.path.as_str() {
            "/sites" => reply(
                200,
                &json!({"values": [
                    {"url": "https://other.acme.example", "id": 1, "plan": "p1"},
                    {"url": "https://mine.acme.example", "id": 2, "plan": "p2"}
                ]}),
            ),
            _ => reply(200, &json!(seen.path)),
        }
    })
    .await;
    let question = |member: &str| {
        json!({ "pattern": "[a-z0-9]+", "from": [{ "api_response": {
            "url": format!("{}/sites", api.url), "body": { "site": "{site}" }, "pointer": member,
            "item": { "list": "/values", "pointer": "/url", "equals": "https://{site}.acme.example" } } }] })
    };
    let mut component = acme(&api.url);
    component["variables"] =
        json!({ "site": { "pattern": "[a-z]+" }, "cloud": question("/id"), "plan": question("/plan") });
    component["api"]["base_url"] = format!("{}/api/{{cloud}}/{{plan}}", api.url).into();
    assert!(keyway::check_component("acme.json", &component.to_string()).is_ok());
    let host = acme::host(&component);
    let connection = host.connect(account_with([("ACME_SITE", "mine")])).unwrap();
    let answer = connection.send(Message::get("/x")).await.unwrap();
    assert_eq!(answer.json::<Value>().unwrap(), json!("/api/2/p2/x"));
    let asked = api.seen("/sites");
    assert_eq!((asked.len(), asked[0].method.as_str(), asked[0].text()), (1, "POST", r#"{"site":"mine"}"#));
    // What the question needs is asked of the account before anybody signs in.
    let lacking = acme::host(&component).connect(account_with([("", ""); 0])).unwrap_err().to_string();
    assert!(lacking.contains("the API is asked for `cloud` with it; give ACME_SITE"), "{lacking}");
    // None of them is the account's: messages that need it are refused.
    let connection = acme::host(&component).connect(account_with([("ACME_SITE", "nobodys")])).unwrap();
    assert_eq!(connection.send(Message::get("/x")).await.unwrap_err().code, Code::TokenResponseInvalid);
    component["variables"]["plan"]["from"][0]["api_response"]["body"] = json!({ "site": "{nothing}" });
    let faults = keyway::check_component("acme.json", &component.to_string()).unwrap_err();
    assert!(faults.faults.iter().any(|fault| fault.code == "undeclared_placeholder"), "{faults:?}");
}

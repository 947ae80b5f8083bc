//! Actions: how their bodies, queries and headers are made of `params`, and what is held against their schemas.

use keyway::{Host, Outcome};
use keyway_tests::{
    acme::{account_with, acme, host_with},
    json,
    mock::{Mock, labelled, reply},
    run, written,
};
use serde_json::{Value, json};

/// An API that answers with what it was sent, and a host whose component has these actions.
async fn place(actions: Value) -> (Mock, Host) {
    let api = Mock::api(|seen| async move {
        if seen.path == "/api/wrong" {
            return reply(200, &json!({"items": [{"id": "x"}]}));
        }
        if seen.path == "/api/bytes" {
            return labelled(200, "application/pdf", vec![0xff, 0xfe]);
        }
        reply(
            200,
            &json!({
                "query": seen.query, "type": seen.header("content-type"), "tenant": seen.header("x-tenant"),
                "path": seen.path, "body": String::from_utf8_lossy(&seen.body)
            }),
        )
    })
    .await;
    let mut component = acme(&api.url);
    component["variables"] =
        json!({ "tenant": { "pattern": "[a-z]+" }, "year": { "type": "integer", "default": "2026" } });
    component["actions"] = actions;
    let host = host_with(&component, |builder| builder.concurrency(1));
    host.connect(account_with([("ACME_TENANT", "north")])).unwrap();
    (api, host)
}

async fn one(host: &Host, message: Value) -> Value {
    let outcomes: Vec<Outcome> = run(host, [message.to_string()]).await;
    assert_eq!(outcomes.len(), 1);
    json(&written(&outcomes[0]))
}

/// `params` that takes anything under these names.
fn any(names: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

#[tokio::test]
async fn a_body_is_made_of_what_the_message_gives() {
    let (_api, host) = place(json!({
        "create": {
            "method": "POST", "url": "/items", "params": any(&["title", "tags", "owner", "due"]),
            "body": {
                "title": "{title}", "label": "{title} of {tenant}", "year": "{year}", "tags": ["fixed", "{due}"],
                "more": { "tags": "{tags}", "owner": "{owner}" }, "flag": true
            }
        },
        "whole": { "method": "PUT", "url": "/items", "params": any(&["item"]), "body": "{item}" }
    }))
    .await;
    let sent = async |message| {
        let outcome = one(&host, message).await;
        assert_eq!(outcome["body"]["type"], "application/json", "{outcome}");
        json(outcome["body"]["body"].as_str().unwrap())
    };
    let params = json!({ "title": "A \"b\"", "tags": [1, {"x": null}], "owner": null });
    let wanted = json!({
        "title": "A \"b\"", "label": "A \"b\" of north", "year": 2026, "tags": ["fixed"],
        "more": { "tags": [1, {"x": null}] }, "flag": true
    });
    assert_eq!(sent(json!({ "action": "create", "params": params })).await, wanted);
    let item = json!({ "deep": [{ "n": 1.50 }] });
    assert_eq!(sent(json!({ "action": "whole", "params": { "item": item } })).await, item);
    let none = one(&host, json!({ "action": "whole" })).await;
    assert_eq!(
        (&none["body"]["type"], &none["body"]["body"]),
        (&json!(""), &json!("")),
        "nothing is given, nothing is sent"
    );
    let two = one(&host, json!({ "action": "whole", "params": { "item": 1 }, "body": {} })).await;
    assert_eq!(two["error"]["code"], "invalid_message", "{two}");
}

#[tokio::test]
async fn lists_defaults_and_what_is_left_out() {
    let (_api, host) = place(json!({
        "list": {
            "method": "GET", "url": "/items", "query": { "id": "{ids}", "limit": "{limit}", "q": "x:{q}" },
            "headers": { "X-Tenant": "{scope}" },
            "params": { "type": "object", "properties": {
                "ids": { "type": "array" }, "limit": { "type": "integer", "default": 20 }, "q": {}, "scope": {}
            } }
        },
        "joined": {
            "method": "GET", "url": "/items", "query": { "ids": "{ids}" }, "list_separator": ",", "params": any(&["ids"])
        },
        "mixed": {
            "method": "POST", "url": "/form", "query": { "ids": "{ids}", "tags": "{tags}" }, "body_encoding": "form",
            "body": { "kinds": "{kinds}", "tags": "{tags}" }, "list_separator": { "ids": ",", "kinds": "|" },
            "params": any(&["ids", "tags", "kinds"])
        },
        "json": {
            "method": "POST", "url": "/form/{ids}", "query": { "filter": "{filter}", "n": "{n}" }, "body_encoding": "form",
            "body": { "kinds": "{ids}", "plain": "{ids}" }, "json_values": ["filter", "n", "kinds"],
            "headers": { "X-Tenant": "all: {ids}" }, "params": any(&["ids", "filter", "n"])
        }
    }))
    .await;
    let asked = async |action: &str, params: Value| {
        let outcome = one(&host, json!({ "action": action, "params": params })).await;
        (outcome["body"]["query"].as_str().unwrap_or_default().to_owned(), outcome["body"]["tenant"].clone())
    };
    assert_eq!(asked("list", json!({})).await, ("limit=20".to_owned(), json!("")));
    let all = asked("list", json!({ "ids": [1, "b&c"], "limit": 5, "q": "y", "scope": "south" })).await;
    assert_eq!(all, ("id=1&id=b%26c&limit=5&q=x%3Ay".to_owned(), json!("south")));
    assert_eq!(asked("list", json!({ "ids": [] })).await.0, "limit=20");
    assert_eq!(asked("joined", json!({ "ids": [1, 2] })).await.0, "ids=1%2C2");
    let params = json!({ "ids": [1, 2], "tags": ["x", "y"], "kinds": ["a", "b"] });
    let mixed = one(&host, json!({ "action": "mixed", "params": params })).await;
    assert_eq!(mixed["body"]["query"], "ids=1%2C2&tags=x&tags=y");
    assert_eq!(mixed["body"]["body"], "kinds=a%7Cb&tags=x&tags=y");
    let params = json!({ "ids": ["a", 2], "filter": { "b": [1, null] }, "n": "x" });
    let written = one(&host, json!({ "action": "json", "params": params })).await;
    let pairs = |text: &Value| {
        let pairs = url::form_urlencoded::parse(text.as_str().unwrap().as_bytes()).into_owned();
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(pairs(&written["body"]["query"]), [r#"filter={"b":[1,null]}"#, r#"n="x""#]);
    assert_eq!(pairs(&written["body"]["body"]), [r#"kinds=["a",2]"#, "plain=a", "plain=2"]);
    assert_eq!((&written["body"]["tenant"], &written["body"]["path"]), (&json!("all: a,2"), &json!("/api/form/a%2C2")));
}

#[tokio::test]
async fn forms_and_files() {
    let (api, host) = place(json!({
        "token": {
            "method": "POST", "url": "/form", "params": any(&["name", "tags", "none", "deep"]), "body_encoding": "form",
            "body": { "name": "{name}", "tag": "{tags}", "none": "{none}", "n": 1, "deep": "{deep}" }
        },
        "upload": {
            "method": "POST", "url": "/file", "params": any(&["filename", "note"]),
            "multipart": { "source": { "filename": "{filename}" }, "note": "{note}", "filename": "{filename}" }
        }
    }))
    .await;
    let form = one(&host, json!({ "action": "token", "params": { "name": "a b", "tags": ["x", "y"] } })).await;
    assert_eq!(form["body"]["type"], "application/x-www-form-urlencoded");
    let mut fields: Vec<&str> = form["body"]["body"].as_str().unwrap().split('&').collect();
    fields.sort_unstable();
    assert_eq!(fields, ["n=1", "name=a+b", "tag=x", "tag=y"]);
    let deep = json!({ "a": { "b": [1, 2] }, "list": [{ "c": true }, { "c": null }], "empty": {} });
    let deep = one(&host, json!({ "action": "token", "params": { "deep": deep } })).await;
    let fields = url::form_urlencoded::parse(deep["body"]["body"].as_str().unwrap().as_bytes()).into_owned();
    let fields: Vec<String> = fields.map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(fields, ["n=1", "deep[a][b][]=1", "deep[a][b][]=2", "deep[list][0][c]=true"]);

    let upload = json!({ "action": "upload", "params": { "filename": "a.bin" }, "body_base64": "/wD+" });
    one(&host, upload).await;
    let seen = api.seen("/api/file").remove(0);
    let boundary = seen.header("content-type").strip_prefix("multipart/form-data; boundary=").unwrap().to_owned();
    let parts: Vec<&[u8]> = split(&seen.body, format!("--{boundary}").as_bytes());
    assert_eq!(parts.len(), 4, "{:?}", String::from_utf8_lossy(&seen.body));
    let noted = json!({ "action": "upload", "params": { "filename": "a.bin", "note": "n" }, "text": "x" });
    one(&host, noted).await;
    let noted = api.seen("/api/file").remove(1).body;
    let at = |name: &str| noted.windows(name.len()).position(|window| window == name.as_bytes()).unwrap();
    assert!(at("name=\"source\"") < at("name=\"note\"") && at("name=\"note\"") < at("name=\"filename\""), "as written");
    let holds = |part: &[u8], text: &[u8]| part.windows(text.len()).any(|window| window == text);
    assert!(parts.iter().any(|part| holds(
        part,
        b"name=\"source\"; filename=\"a.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n\xff\x00\xfe\r\n"
    )));
    assert!(parts.iter().any(|part| holds(part, b"name=\"filename\"\r\n\r\na.bin\r\n")));
    let without = one(&host, json!({ "action": "upload", "params": { "filename": "a.bin" } })).await;
    assert_eq!(without["error"]["code"], "invalid_message");
}

fn split<'b>(bytes: &'b [u8], mark: &[u8]) -> Vec<&'b [u8]> {
    let (mut parts, mut from, mut at) = (Vec::new(), 0, 0);
    while at + mark.len() <= bytes.len() {
        if bytes[at..].starts_with(mark) {
            parts.push(&bytes[from..at]);
            from = at + mark.len();
            at = from;
        } else {
            at += 1;
        }
    }
    parts.push(&bytes[from..]);
    parts
}

#[tokio::test]
async fn an_answer_that_breaks_output_is_a_failure_that_names_the_place() {
    let output = json!({ "properties": { "items": { "items": { "properties": { "id": { "type": "integer" } } } } } });
    let (_api, host) = place(json!({
        "wrong": { "method": "GET", "url": "/wrong", "output": output },
        "right": { "method": "GET", "url": "/right", "output": { "required": ["query"] } },
        "bytes": { "method": "GET", "url": "/bytes", "output": output }
    }))
    .await;
    let wrong = one(&host, json!({ "action": "wrong" })).await;
    assert_eq!((&wrong["error"]["code"], &wrong["attempts"]), (&json!("response_invalid"), &json!(1)), "{wrong}");
    let message = wrong["error"]["message"].as_str().unwrap();
    assert!(message.contains("/items/0/id") && !message.contains("\"x\""), "{message}");
    assert_eq!(wrong["body"], json!({ "items": [{ "id": "x" }] }), "what came is passed on all the same");
    assert_eq!(one(&host, json!({ "action": "right" })).await["status"], 200);
    assert!(one(&host, json!({ "action": "bytes" })).await["error"].is_null(), "what is no JSON has no schema");
}

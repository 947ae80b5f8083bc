//! `paginate`: one result a page or an item, in every way in which APIs lead from page to page.

mod support;

use futures_util::StreamExt;
use keyway::{Host, Message};
use keyway_tests::{
    acme::{account, acme, host_with},
    json,
    mock::{Mock, reply},
    run, written,
};
use serde_json::{Value, json};
use support::Home;
use url::form_urlencoded;

const ALL: usize = 7;

fn query(text: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(text.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// An API with seven items in every way.
async fn api() -> Mock {
    Mock::api(|seen| async move {
        let number = |name: &str| query(&seen.query, name).and_then(|text| text.parse::<usize>().ok());
        let limit = number("limit").unwrap_or(3);
        let page = |from: usize| -> Vec<Value> { (from..ALL.min(from + limit)).map(|n| json!({ "id": n })).collect() };
        match seen.path.as_str() {
            "/api/link" => {
                let from = number("from").unwrap_or(0);
                let mut answer = reply(200, &json!(page(from)));
                if from + limit < ALL {
                    let next = format!("</api/link?from={}&limit={limit}>; rel=\"next\"", from + limit);
                    answer.headers_mut().insert("link", next.parse().unwrap());
                }
                answer
            }
            "/api/offset" => reply(200, &json!({ "items": page(number("offset").unwrap_or(0)) })),
            "/api/page" => reply(200, &json!({ "items": page((number("page").unwrap_or(1) - 1) * limit) })),
            "/api/search" => {
                let asked: Value = serde_json::from_slice(&seen.body).unwrap();
                let from = asked["cursor"].as_u64().unwrap_or(0) as usize;
                let next = (from + limit < ALL).then_some(from + limit);
                reply(200, &json!({ "items": page(from), "next": next }))
            }
            "/api/breaks" if number("offset").unwrap_or(0) > 0 => reply(404, &json!({})),
            "/api/breaks" => reply(200, &json!({ "items": page(0) })),
            "/api/same" => reply(200, &json!({ "items": page(0), "next": "x" })),
            "/api/leaves" => reply(200, &json!({ "items": page(0), "next": "https://elsewhere.test/x" })),
            "/api/climbs" => reply(200, &json!({ "items": page(0), "next": "/token" })),
            _ => reply(200, &json!({ "items": [] })),
        }
    })
    .await
}

fn component(api: &Mock) -> Value {
    let params = json!({ "type": "object", "properties": {
        "offset": { "type": "integer" }, "page": { "type": "integer" }, "cursor": { "type": "integer" },
        "limit": { "type": "integer", "default": 3 }
    } });
    let counted = |path: &str, param: &str, how: &str| {
        json!({
            "method": "GET", "url": path, "query": { (param): format!("{{{param}}}"), "limit": "{limit}" }, "params": params,
            "pagination": { "items": "/items", "next": { (how): { "param": param } }, "limit_param": "limit" }
        })
    };
    let by_url = |path: &str| json!({ "method": "GET", "url": path, "pagination": { "items": "/items", "next": { "url": "/next" } } });
    let mut component = acme(&api.url);
    component["actions"] = json!({
        "link": { "method": "GET", "url": "/link", "pagination": { "next": "link" } },
        "offset": counted("/offset", "offset", "offset"),
        "page": counted("/page", "page", "page"),
        "search": {
            "method": "POST", "url": "/search", "body": { "cursor": "{cursor}" }, "params": params, "repeatable": true,
            "pagination": { "items": "/items", "next": { "cursor": { "param": "cursor", "pointer": "/next" } } }
        },
        "breaks": counted("/breaks", "offset", "offset"),
        "empty": counted("/empty", "offset", "offset"),
        "same": counted("/same", "offset", "offset"),
        "leaves": by_url("/leaves"),
        "climbs": by_url("/climbs"),
        "plain": { "method": "GET", "url": "/empty" }
    });
    component
}

fn host(api: &Mock) -> Host {
    let host = host_with(&component(api), |builder| builder.concurrency(4));
    host.connect(account()).unwrap();
    host
}

async fn outcomes(host: &Host, messages: &[Value]) -> Vec<Value> {
    let outcomes = run(host, messages.iter().map(Value::to_string)).await;
    outcomes.iter().map(|outcome| json(&written(outcome))).collect()
}

fn ids(outcomes: &[Value]) -> Vec<u64> {
    outcomes.iter().map(|outcome| outcome["body"]["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn every_way_gives_every_item_once_and_says_which_is_the_last() {
    let api = api().await;
    let host = host(&api);
    for action in ["link", "offset", "page", "search"] {
        let message =
            |each: &str| json!({ "action": action, "id": 7, "passthrough": [1], "paginate": { "each": each } });
        let pages = outcomes(&host, &[message("page")]).await;
        let of = |name: &str| pages.iter().map(|page| page[name].clone()).collect::<Vec<_>>();
        assert_eq!(of("page"), [1, 2, 3], "{action}");
        assert_eq!(of("more"), [json!(true), json!(true), Value::Null], "{action}");
        assert!(pages.iter().all(|page| page["line"] == 1 && page["id"] == 7 && page["passthrough"] == json!([1])));

        let items = outcomes(&host, &[message("item")]).await;
        assert_eq!(ids(&items), [0, 1, 2, 3, 4, 5, 6], "{action}");
        let of = |name: &str| items.iter().map(|item| item[name].clone()).collect::<Vec<_>>();
        assert_eq!(of("item"), [1, 2, 3, 4, 5, 6, 7], "{action}");
        assert_eq!(of("page"), [1, 1, 1, 2, 2, 2, 3], "{action}");
        assert_eq!(of("attempts"), [1, 0, 0, 1, 0, 0, 1], "a request counts once");
        assert_eq!(items.iter().filter(|item| item["more"] == true).count(), 6, "{action}");
        assert!(items[6]["more"].is_null(), "{action}");
    }
}

#[tokio::test]
async fn without_it_a_message_has_one_result() {
    let api = api().await;
    let found = outcomes(&host(&api), &[json!({ "action": "offset" })]).await;
    assert_eq!((found.len(), &found[0]["more"], &found[0]["page"]), (1, &Value::Null, &Value::Null));
    assert_eq!(api.count("/api/offset"), 1);
}

#[tokio::test]
async fn a_limit_asks_for_no_more_than_it_needs() {
    let api = api().await;
    let host = host(&api);
    let limited = |each: &str, limit: u64| json!({ "action": "offset", "paginate": { "each": each, "limit": limit } });
    for (each, limit, requests) in [("item", 1, 1), ("item", 3, 1), ("item", 4, 2), ("page", 2, 2), ("item", 100, 3)] {
        let before = api.count("/api/offset");
        let found = outcomes(&host, &[limited(each, limit)]).await;
        assert_eq!(found.len() as u64, limit.min(ALL as u64), "{each} {limit}");
        assert!(found.last().unwrap()["more"].is_null());
        assert_eq!(api.count("/api/offset") - before, requests, "{each} {limit}");
    }
    let none = outcomes(&host, &[limited("item", 0)]).await;
    assert_eq!(none[0]["error"]["code"], "invalid_message");
}

#[tokio::test]
async fn what_breaks_on_the_way_is_the_last_result() {
    let api = api().await;
    let host = host(&api);
    let of = async |action: &str, each: &str| {
        outcomes(&host, &[json!({ "action": action, "paginate": { "each": each } })]).await
    };
    let broken = of("breaks", "item").await;
    assert_eq!(ids(&broken[..3]), [0, 1, 2]);
    assert!(broken[..3].iter().all(|item| item["more"] == true));
    assert_eq!((broken.len(), &broken[3]["error"]["code"], &broken[3]["page"]), (4, &json!("http_status"), &json!(2)));

    let empty = of("empty", "item").await;
    assert_eq!((empty.len(), &empty[0]["item"], &empty[0]["status"]), (1, &Value::Null, &json!(200)));
    assert!(empty[0]["body"].is_null() && empty[0]["more"].is_null());

    for (action, code) in [
        ("same", "response_invalid"),
        ("leaves", "url_not_allowed"),
        ("climbs", "url_not_allowed"),
        ("plain", "invalid_message"),
    ] {
        let found = of(action, "page").await;
        let last = found.last().unwrap();
        assert_eq!(last["error"]["code"], code, "{action}: {last}");
        assert!(found.len() <= 2, "{action} ends");
        assert!(action == "plain" || found[0]["status"] == 200, "{action}: what came before is not lost");
    }
    let request = outcomes(&host, &[json!({ "method": "GET", "url": "/x", "paginate": {} })]).await;
    assert_eq!(request[0]["error"]["code"], "invalid_message");
}

#[tokio::test]
async fn in_order_the_pages_of_one_message_stand_together() {
    let api = api().await;
    let host = host(&api);
    let message = json!({ "action": "link", "paginate": { "each": "item" } }).to_string();
    let lines = keyway_tests::lines(vec![message; 5]);
    let found: Vec<u64> =
        host.run_in_order(futures_util::stream::iter(lines)).map(|outcome| outcome.line).collect().await;
    let wanted: Vec<u64> = (1..=5).flat_map(|line| [line; ALL]).collect();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn many_messages_with_pages_all_come_to_their_end() {
    let api = api().await;
    let host = host(&api);
    let messages: Vec<Value> = (0..200)
        .map(|n| match n % 3 {
            0 => json!({ "action": "link", "paginate": { "each": "item" } }),
            1 => json!({ "action": "search", "paginate": {} }),
            _ => json!({ "action": "empty" }),
        })
        .collect();
    let found = outcomes(&host, &messages).await;
    assert_eq!(found.len(), 67 * ALL + 67 * 3 + 66);
    let last: std::collections::BTreeSet<u64> = found
        .iter()
        .filter(|outcome| outcome["more"].is_null())
        .map(|outcome| outcome["line"].as_u64().unwrap())
        .collect();
    assert_eq!(last.len(), 200);
}

#[tokio::test]
async fn an_embedding_program_walks_them_as_answers() {
    let api = api().await;
    let host = host_with(&component(&api), |builder| builder);
    let connection = host.connect(account()).unwrap();
    let pages: Vec<_> = connection.pages(Message::action("link")).collect().await;
    let counts: Vec<usize> =
        pages.iter().map(|page| page.as_ref().unwrap().json::<Vec<Value>>().unwrap().len()).collect();
    assert_eq!(counts, [3, 3, 1]);
    let refused: Vec<_> = connection.pages(Message::action("leaves")).collect().await;
    assert!(refused.len() == 2 && refused[0].is_ok() && refused[1].is_err(), "the page before the link is a good one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_counts_messages_and_resumes_what_had_more_to_come() {
    let api = api().await;
    let home = Home::new();
    home.write("acme.json", component(&api).to_string());
    home.write(
        "in",
        format!(
            "{}\n{}\n",
            json!({ "action": "offset", "paginate": { "each": "item" } }),
            json!({ "action": "plain" })
        ),
    );
    let run = || {
        let account = [("ACME_CLIENT_ID", "acme-client"), ("ACME_CLIENT_SECRET", "acme-secret")];
        let args =
            ["run", "./acme.json", "--token-store", "memory", "--summary", "json", "--input", "in", "--output", "out"];
        home.keyway(args).args(["--checkpoint", "check", "--keep-order"]).envs(account).run("")
    };
    let ran = run().await;
    let summary = support::summary(&ran.stderr);
    assert_eq!(
        (&summary["messages"], &summary["succeeded"], &summary["attempts"]),
        (&json!(2), &json!(2), &json!(4)),
        "{ran}"
    );
    let results = std::fs::read_to_string(home.file("out")).unwrap();
    assert_eq!(results.lines().count(), ALL + 1);

    // As if it had died behind the third item: the journal knows nothing of the first line.
    let journal = std::fs::read_to_string(home.file("check")).unwrap();
    home.write("check", format!("{}\n", journal.lines().next().unwrap()));
    let three: String = results.lines().take(3).map(|line| format!("{line}\n")).collect();
    home.write("out", three);
    run().await;
    let resumed = std::fs::read_to_string(home.file("out")).unwrap();
    let last = resumed.lines().map(json).filter(|result| result["more"].is_null()).count();
    assert_eq!(last, 2, "{resumed}");
}

//! The actions of Podio and Podero, each sent to the simulator.

use keyway::{Host, Message};
use keyway_simulator::{Options, Simulator};
use keyway_tests::{Demo, json, run, simulated, simulator, written};
use serde_json::{Value, json};

const USER: &str = "0b6f2f0e-6f0c-4c57-9f4e-5a2f7f1f6a11";

async fn host_of(component: &'static str, grant: Option<&str>) -> (Simulator, Host) {
    let simulator = simulator(Options::default()).await;
    let demo = Demo::of(&simulator, component);
    let demo = match grant {
        Some(grant) => demo.set("PODIO_GRANT", grant),
        None => demo,
    };
    let host = simulated(&simulator).build().unwrap();
    host.connect(demo.credential()).unwrap();
    (simulator, host)
}

/// Sends one action, which has to succeed, and gives its body.
async fn done(host: &Host, action: &str, params: Value) -> Value {
    let message = json!({ "action": action, "params": params });
    let outcome = json(&written(&run(host, [message.to_string()]).await[0]));
    assert!(outcome["error"].is_null(), "{action}: {outcome}");
    outcome["body"].clone()
}

#[tokio::test]
async fn podio() {
    let (_simulator, host) = host_of("podio", Some("password")).await;
    let host = &host;
    done(host, "verify", json!({})).await;
    done(host, "get_user", json!({})).await;
    let org = done(host, "list_orgs", json!({})).await[0]["org_id"].clone();
    done(host, "lookup_org", json!({ "org_id": org })).await;
    let app = done(host, "list_apps", json!({ "space_id": 42001 })).await[0]["app_id"].clone();
    done(host, "lookup_app", json!({ "app_id": app })).await;

    let fields = json!({ "title": "One more" });
    let item =
        done(host, "create_item", json!({ "app_id": app, "fields": fields, "silent": 1 })).await["item_id"].clone();
    done(host, "update_item", json!({ "item_id": item, "fields": { "title": "Changed" } })).await;
    assert_eq!(done(host, "lookup_item", json!({ "item_id": item })).await["item_id"], item);
    let found = done(host, "filter_items", json!({ "app_id": app, "limit": 2 })).await;
    assert_eq!(found["items"].as_array().unwrap().len(), 2, "{found}");

    let comment = json!({ "ref_type": "item", "ref_id": item, "value": "Well" });
    let comment = done(host, "create_comment", comment).await["comment_id"].clone();
    done(host, "update_comment", json!({ "comment_id": comment, "value": "Better" })).await;
    done(host, "list_comments", json!({ "ref_type": "item", "ref_id": item })).await;
    done(host, "lookup_comment", json!({ "comment_id": comment })).await;
    done(host, "delete_comment", json!({ "comment_id": comment })).await;
    done(host, "delete_item", json!({ "item_id": item })).await;

    let task = done(host, "create_task", json!({ "text": "Look after it", "due_date": "2026-12-01" })).await;
    let task = task["task_id"].clone();
    done(host, "list_tasks", json!({})).await;
    done(host, "lookup_task", json!({ "task_id": task })).await;
    done(host, "complete_task", json!({ "task_id": task })).await;

    let hook = json!({ "ref_type": "app", "ref_id": app, "url": "https://hooks.example/x", "type": "item.create" });
    let hook = done(host, "create_hook", hook).await["hook_id"].clone();
    done(host, "list_hooks", json!({ "ref_type": "app", "ref_id": app })).await;
    done(host, "delete_hook", json!({ "hook_id": hook })).await;
}

#[tokio::test]
async fn a_file_goes_to_podio_and_comes_back() {
    let (_simulator, host) = host_of("podio", Some("password")).await;
    let bytes: &[u8] = b"\x89PNG\r\n--not the boundary\r\n\xff";
    let upload = Message::action("upload_file").param("filename", "a \"b\".png").bytes(bytes);
    let connection = host.connections()[0].clone();
    let file: Value = connection.send(upload).await.unwrap().json().unwrap();
    assert_eq!(file["name"], "a \"b\".png", "{file}");
    let known = done(&host, "lookup_file", json!({ "file_id": file["file_id"] })).await;
    assert_eq!(known["file_id"], file["file_id"]);
    let download = Message::action("download_file").param("file_id", file["file_id"].clone());
    assert_eq!(&connection.send(download).await.unwrap().bytes()[..], bytes);
}

#[tokio::test]
async fn podios_items_come_page_after_page() {
    let (_simulator, host) = host_of("podio", Some("app")).await;
    let message = json!({
        "action": "filter_items", "params": { "app_id": 500600, "limit": 2 }, "paginate": { "each": "item" }
    });
    let outcomes = run(&host, [message.to_string()]).await;
    let ids: std::collections::BTreeSet<u64> =
        outcomes.iter().map(|outcome| json(&written(outcome))["body"]["item_id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), outcomes.len(), "each once");
    let pages = outcomes.iter().filter_map(|outcome| outcome.position).map(|position| position.page).max();
    assert!(pages > Some(1), "{pages:?}");
}

#[tokio::test]
async fn podero() {
    let (_simulator, host) = host_of("podero", None).await;
    let host = &host;
    done(host, "verify", json!({})).await;
    done(host, "list_users", json!({ "include_deleted": false })).await;
    let created = done(host, "create_user", json!({ "email": "new@example.org", "first_name": "New" })).await;
    done(host, "update_user", json!({ "user_id": created["id"], "changes": { "town": "Graz" } })).await;
    assert_eq!(done(host, "get_user", json!({ "user_id": created["id"] })).await["town"], "Graz");
    let pumps = done(host, "list_heat_pumps", json!({ "user_id": USER })).await;
    let pump = json!({ "user_id": USER, "heat_pump_id": pumps[0]["id"] });
    done(host, "get_heat_pump", pump.clone()).await;
    done(host, "get_heat_pump_statistics", pump).await;
    let cars = done(host, "list_evs", json!({ "user_id": USER })).await;
    let car = json!({ "user_id": USER, "vehicle_id": cars[0]["id"] });
    done(host, "get_ev", car.clone()).await;
    done(host, "boost_ev", car.clone()).await;
    done(host, "boost_ev", car.clone()).await;
    done(host, "list_ev_sessions", car).await;
    let inverter = json!({ "manufacturer": "Acme", "model": "X" });
    done(host, "create_inverter", json!({ "user_id": USER, "device": inverter })).await;
    let inverters = done(host, "list_inverters", json!({ "user_id": USER })).await;
    done(host, "get_inverter", json!({ "user_id": USER, "inverter_id": inverters[0]["id"] })).await;
    done(host, "create_contract", json!({ "user_id": USER, "contract": { "provider": "x" } })).await;
    let onboarding = json!({
        "user_id": USER, "language": "de", "price_zone_default": "AT", "success_url": "https://example.org/ok",
        "cancel_url": "https://example.org/no"
    });
    done(host, "start_onboarding", onboarding).await;
}

//! Podio's objects. All made up.

use std::collections::BTreeMap;

use serde_json::{Value, json};

#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) items: BTreeMap<u64, Item>,
    pub(crate) tasks: BTreeMap<u64, Value>,
    pub(crate) comments: BTreeMap<u64, Value>,
    pub(crate) files: BTreeMap<u64, File>,
    pub(crate) hooks: BTreeMap<u64, Hook>,
    next: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) app_id: u64,
    pub(crate) body: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) mimetype: String,
    pub(crate) bytes: axum::body::Bytes,
}

#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) ref_type: String,
    pub(crate) ref_id: u64,
    pub(crate) url: String,
    pub(crate) kind: String,
    pub(crate) active: bool,
    pub(crate) code: String,
}

pub(crate) const CREATED: &str = "2026-03-02 09:00:00";

// === impl Data ===

impl Data {
    pub(crate) fn new() -> Self {
        let titles = ["Two heat pumps", "Wallbox", "Inverter, 10 kW", "Service visit"];
        let items = titles.iter().enumerate().map(|(n, title)| {
            let (id, number) = (800_001 + n as u64, n as u64 + 1);
            // The last one is of the second app.
            let app_id = if n == 3 { 500_601 } else { 500_600 };
            (
                id,
                Item {
                    app_id,
                    body: item(
                        id,
                        number,
                        app_id,
                        &json!({"title": title, "amount": {"value": "18400.0000", "currency": "EUR"}}),
                    ),
                },
            )
        });
        Self {
            items: items.collect(),
            tasks: BTreeMap::new(),
            comments: BTreeMap::new(),
            files: BTreeMap::new(),
            hooks: BTreeMap::new(),
            next: 0,
        }
    }

    /// The next number of an object, in the range of its kind.
    pub(crate) fn next(&mut self, base: u64) -> u64 {
        self.next += 1;
        base + self.next
    }

    pub(crate) fn items_of(&self, app_id: u64) -> impl Iterator<Item = &Item> {
        self.items.values().filter(move |item| item.app_id == app_id)
    }
}

pub(crate) fn user(id: u64) -> Value {
    let mail = if id == 9_000_001 { "ada@example.org" } else { "bruno@example.org" };
    json!({"user_id": id, "mail": mail, "status": "active", "locale": "en_US", "timezone": "Europe/Vienna", "flags": [],
           "created_on": "2024-02-05 08:15:00"})
}

pub(crate) fn user_status(id: u64) -> Value {
    let mut account = user(id);
    account["activated_on"] = "2024-02-05 08:20:00".into();
    json!({
        "user": account,
        "profile": {"profile_id": id + 100_000, "user_id": id, "name": "Ada Sample", "mail": [account["mail"]],
                    "link": format!("https://podio.com/users/{id}"), "type": "user"},
        "properties": {}, "flags": [], "betas": [], "inbox_new": 3, "message_unread_count": 0,
        "calendar_code": "simulator-calendar-code", "mailbox": id.to_string()
    })
}

pub(crate) fn organization() -> Value {
    json!({"org_id": 41_001, "name": "Acme", "url": "https://podio.com/acme", "status": "active", "role": "admin",
           "spaces": [{"space_id": 42_001, "name": "Operations", "url": "https://podio.com/acme/ops"}]})
}

pub(crate) fn space() -> Value {
    json!({"space_id": 42_001, "name": "Operations", "org_id": 41_001, "url": "https://podio.com/acme/ops", "role": "admin", "privacy": "closed"})
}

pub(crate) fn app(id: u64) -> Option<Value> {
    let (name, token) = match id {
        500_600 => ("Orders", "simulator-app-token"),
        500_601 => ("Visits", "simulator-app-token-2"),
        _ => return None,
    };
    Some(json!({
        "app_id": id, "status": "active", "space_id": 42_001, "current_revision": 3, "token": token,
        "url_label": name.to_lowercase(), "link": format!("https://podio.com/acme/ops/apps/{}", name.to_lowercase()),
        "config": {"type": "standard", "name": name, "item_name": name.trim_end_matches('s'), "icon": "42.png",
                   "allow_edit": true, "allow_attachments": true, "allow_comments": true},
        "owner": {"user_id": 9_000_001, "name": "Ada Sample", "avatar": null},
        "fields": [
            {"field_id": 7_001, "type": "text", "status": "active", "label": "Title", "external_id": "title",
             "config": {"label": "Title", "required": true, "delta": 0, "settings": {"size": "small"}}},
            {"field_id": 7_002, "type": "money", "status": "active", "label": "Amount", "external_id": "amount",
             "config": {"label": "Amount", "required": false, "delta": 1, "settings": {"allowed_currencies": ["EUR"]}}}
        ],
        "rights": ["view", "update", "add_item"]
    }))
}

/// An item from the fields that a client gave: `title` a text, `amount` a number, a text or an object.
pub(crate) fn item(id: u64, number: u64, app_id: u64, fields: &Value) -> Value {
    let title = fields.get("title").and_then(Value::as_str).unwrap_or_default();
    let mut values = vec![
        json!({"field_id": 7_001, "type": "text", "label": "Title", "external_id": "title", "values": [{"value": title}]}),
    ];
    if let Some(amount) = fields.get("amount") {
        let amount = if amount.is_object() {
            amount.clone()
        } else {
            json!({"value": amount.to_string().trim_matches('"'), "currency": "EUR"})
        };
        values.push(
            json!({"field_id": 7_002, "type": "money", "label": "Amount", "external_id": "amount", "values": [amount]}),
        );
    }
    let revision = json!({"revision": 0, "item_revision_id": id + 10_000, "type": "creation", "created_on": CREATED});
    json!({
        "item_id": id, "app_item_id": number, "app": {"app_id": app_id}, "title": title, "external_id": format!("ord-{number}"), "revision": 0,
        "link": format!("https://podio.com/acme/ops/apps/orders/items/{number}"), "created_on": CREATED, "last_event_on": CREATED,
        "comment_count": 0, "file_count": 0, "tags": [],
        "created_by": {"type": "user", "id": 9_000_001, "user_id": 9_000_001, "name": "Ada Sample"},
        "created_via": {"id": 1, "auth_client_id": 1, "name": "Podio", "display": false, "url": null},
        "initial_revision": revision, "current_revision": revision, "fields": values,
        "rights": ["view", "update", "delete", "comment"]
    })
}

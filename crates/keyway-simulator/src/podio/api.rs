//! Podio's API: what every call goes through, and users, organisations, apps, items, tasks and comments.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, Path, State},
    http::{HeaderValue, Response, StatusCode, header, request::Parts},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{
    auth::{Caller, Owner},
    data::{self, CREATED, Item},
    error::Refusal,
    rate::Left,
};
use crate::server::World;

/// A call that got in: who calls, and what its answer has to carry.
pub(crate) struct Signed {
    pub(crate) caller: Caller,
    left: Left,
    path: String,
    query: String,
    method: String,
}

impl FromRequestParts<Arc<World>> for Signed {
    type Rejection = Response<Body>;

    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, Self::Rejection> {
        let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
        let method = parts.method.to_string();
        let header = parts.headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
        let params: HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut state = world.podio.state();
        let caller = state
            .grants
            .caller(header, params.get("oauth_token").map(String::as_str))
            .map_err(|refusal| refusal.at(&path, &query, &method))?;
        // JSON objects or lists only, and labelled so; files come as multipart.
        let label = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let has_body = parts.headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
        let mislabelled = has_body && !path.starts_with("/file") && !label.starts_with("application/json");
        let (left, throttled) = state.rates.count(&caller, path.ends_with("/filter/"));
        let signed = Self { caller, left, path, query, method };
        match throttled {
            Some(refusal) => Err(signed.refuse(&refusal)),
            None if mislabelled => {
                Err(signed.refuse(&Refusal::invalid_value("Invalid value null (null): must be object")))
            }
            None => Ok(signed),
        }
    }
}

// === impl Signed ===

impl Signed {
    pub(crate) fn ok(&self, body: Value) -> Response<Body> {
        self.with_rate((StatusCode::OK, axum::Json(body)).into_response())
    }

    pub(crate) fn empty(&self) -> Response<Body> {
        self.with_rate(StatusCode::NO_CONTENT.into_response())
    }

    pub(crate) fn refuse(&self, refusal: &Refusal) -> Response<Body> {
        self.with_rate(refusal.at(&self.path, &self.query, &self.method))
    }

    pub(crate) fn result(&self, result: Result<Value, Refusal>) -> Response<Body> {
        match result {
            Ok(Value::Null) => self.empty(),
            Ok(body) => self.ok(body),
            Err(refusal) => self.refuse(&refusal),
        }
    }

    pub(crate) fn with_rate(&self, mut response: Response<Body>) -> Response<Body> {
        response.headers_mut().insert("x-rate-limit-limit", HeaderValue::from(self.left.limit));
        response.headers_mut().insert("x-rate-limit-remaining", HeaderValue::from(self.left.remaining));
        response
    }

    fn user(&self) -> Result<u64, Refusal> {
        match self.caller.owner {
            Owner::User(id) => Ok(id),
            Owner::App(_) => Err(Refusal::forbidden()),
        }
    }

    /// An app sees itself only; users see all.
    fn sees_app(&self, app_id: u64) -> Result<(), Refusal> {
        match self.caller.owner {
            Owner::App(id) if id != app_id => Err(Refusal::forbidden()),
            _ => Ok(()),
        }
    }
}

/// Ids are strictly integers.
pub(crate) fn id(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::not_found("No matching operation could be found. No body was given."))
}

/// Bodies are JSON objects or lists, nothing else.
pub(crate) fn object(body: &Bytes) -> Result<Value, Refusal> {
    match serde_json::from_slice(body) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(value),
        _ => Err(Refusal::invalid_value("Invalid value null (null): must be object")),
    }
}

fn text(body: &Value, name: &str) -> Result<String, Refusal> {
    let text = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| Refusal::invalid_value(format!("Missing required value {name}")))
}

pub(crate) async fn user(signed: Signed) -> Response<Body> {
    signed.result(signed.user().map(data::user))
}

pub(crate) async fn user_status(signed: Signed) -> Response<Body> {
    signed.result(signed.user().map(data::user_status))
}

pub(crate) async fn scope(State(world): State<Arc<World>>, signed: Signed) -> Response<Body> {
    let scope = world.podio.state().grants.scope_of(&signed.caller);
    signed.ok(scope)
}

pub(crate) async fn invalidate(State(world): State<Arc<World>>, signed: Signed) -> Response<Body> {
    world.podio.state().grants.invalidate(&signed.caller);
    signed.empty()
}

pub(crate) async fn organizations(signed: Signed) -> Response<Body> {
    signed.result(signed.user().map(|_| json!([data::organization()])))
}

pub(crate) async fn organization(Path(number): Path<String>, signed: Signed) -> Response<Body> {
    signed.result(known(&number, 41_001, "organization", data::organization()))
}

pub(crate) async fn space(Path(number): Path<String>, signed: Signed) -> Response<Body> {
    signed.result(known(&number, 42_001, "space", data::space()))
}

fn known(number: &str, wanted: u64, kind: &str, body: Value) -> Result<Value, Refusal> {
    let number = id(number)?;
    if number == wanted {
        Ok(body)
    } else {
        Err(Refusal::not_found(format!("No {kind} with id {number} could be found")))
    }
}

pub(crate) async fn apps_of_space(Path(number): Path<String>, signed: Signed) -> Response<Body> {
    let apps = [500_600, 500_601].into_iter().filter_map(data::app).collect();
    signed.result(known(&number, 42_001, "space", Value::Array(apps)))
}

pub(crate) async fn app(Path(number): Path<String>, signed: Signed) -> Response<Body> {
    signed.result(id(&number).and_then(|number| {
        signed.sees_app(number)?;
        data::app(number).ok_or_else(|| Refusal::not_found(format!("No app with id {number} could be found")))
    }))
}

pub(crate) async fn filter_items(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
    body: Bytes,
) -> Response<Body> {
    let filter = || {
        let number = id(&number)?;
        signed.sees_app(number)?;
        let body = object(&body)?;
        let bounded = |name: &str, default: u64, range: std::ops::RangeInclusive<u64>| match body.get(name) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => match value.as_u64().filter(|n| range.contains(n)) {
                Some(n) => Ok(n as usize as u64),
                None if value.as_i64().is_some_and(|n| n < *range.start() as i64) => Err(Refusal::invalid_value(
                    format!("Invalid value {value} (integer): must not be less than {}", range.start()),
                )),
                None => {
                    Err(Refusal::invalid_value(format!("Invalid value {value}: must be integer up to {}", range.end())))
                }
            },
        };
        let (limit, offset) = (bounded("limit", 30, 1..=500)?, bounded("offset", 0, 0..=u64::MAX)?);
        let state = world.podio.state();
        let all: Vec<&Item> = state.data.items_of(number).collect();
        let items: Vec<&Value> = all.iter().skip(offset as usize).take(limit as usize).map(|item| &item.body).collect();
        Ok(json!({"total": all.len(), "filtered": all.len(), "items": items}))
    };
    signed.result(filter())
}

pub(crate) async fn create_item(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
    body: Bytes,
) -> Response<Body> {
    let create = || {
        let app_id = id(&number)?;
        signed.sees_app(app_id)?;
        data::app(app_id).ok_or_else(|| Refusal::not_found(format!("No app with id {app_id} could be found")))?;
        let body = object(&body)?;
        let fields = body.get("fields").cloned().unwrap_or_default();
        text(&fields, "title")?;
        let data = &mut world.podio.state().data;
        let (item_id, count) = (data.next(800_100), data.items_of(app_id).count() as u64 + 1);
        let item = data::item(item_id, count, app_id, &fields);
        data.items.insert(item_id, Item { app_id, body: item });
        Ok(json!({"item_id": item_id, "title": fields["title"], "revision": 0}))
    };
    signed.result(create())
}

fn no_item(number: u64) -> Refusal {
    Refusal::not_found(format!("No item with id {number} could be found"))
}

pub(crate) async fn item(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
) -> Response<Body> {
    signed.result(id(&number).and_then(|number| {
        let state = world.podio.state();
        let item = state.data.items.get(&number).ok_or_else(|| no_item(number))?;
        signed.sees_app(item.app_id)?;
        Ok(item.body.clone())
    }))
}

pub(crate) async fn update_item(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
    body: Bytes,
) -> Response<Body> {
    let update = || {
        let (number, body) = (id(&number)?, object(&body)?);
        if !body.is_object() || body.get("fields").is_some_and(|fields| !fields.is_object()) {
            return Err(Refusal::invalid_value("Invalid value (array): must be object"));
        }
        let mut state = world.podio.state();
        let item = state.data.items.get_mut(&number).ok_or_else(|| no_item(number))?;
        signed.sees_app(item.app_id)?;
        let current = item.body["revision"].as_u64().unwrap_or_default();
        if body.get("revision").and_then(Value::as_u64).is_some_and(|revision| revision != current) {
            return Err(Refusal::new(409, "conflict", "The revision is not the current one"));
        }
        if let Some(title) = body["fields"]["title"].as_str() {
            item.body["title"] = title.into();
            item.body["fields"][0]["values"][0]["value"] = title.into();
        }
        item.body["revision"] = (current + 1).into();
        Ok(json!({"revision": current + 1, "title": item.body["title"]}))
    };
    signed.result(update())
}

pub(crate) async fn delete_item(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
) -> Response<Body> {
    signed.result(id(&number).and_then(|number| {
        let mut state = world.podio.state();
        let app_id = state.data.items.get(&number).ok_or_else(|| no_item(number))?.app_id;
        signed.sees_app(app_id)?;
        state.data.items.remove(&number);
        Ok(Value::Null)
    }))
}

pub(crate) async fn tasks(State(world): State<Arc<World>>, signed: Signed) -> Response<Body> {
    let tasks: Vec<Value> = world.podio.state().data.tasks.values().cloned().collect();
    signed.result(signed.user().map(|_| Value::Array(tasks)))
}

pub(crate) async fn create_task(State(world): State<Arc<World>>, signed: Signed, body: Bytes) -> Response<Body> {
    let create = || {
        let user = signed.user()?;
        let body = object(&body)?;
        let text = text(&body, "text")?;
        if let Some(value) = body.get("due_date").filter(|value| !value.is_null() && !value.is_string()) {
            return Err(Refusal::invalid_value(format!("Invalid value {value}: must be string")));
        }
        let data = &mut world.podio.state().data;
        let id = data.next(300_000);
        let task = json!({
            "task_id": id, "status": "active", "text": text, "description": body.get("description"), "private": false,
            "due_date": body.get("due_date"), "due_time": null, "space_id": null, "labels": [],
            "link": format!("https://podio.com/tasks/{id}"), "created_on": CREATED, "completed_on": null,
            "responsible": {"user_id": user, "name": "Ada Sample", "type": "user"}, "rights": ["update", "view", "delete", "comment"]
        });
        data.tasks.insert(id, task.clone());
        Ok(task)
    };
    signed.result(create())
}

pub(crate) async fn task(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
) -> Response<Body> {
    signed.result(id(&number).and_then(|number| {
        let task = world.podio.state().data.tasks.get(&number).cloned();
        task.ok_or_else(|| Refusal::not_found(format!("No task with id {number} could be found")))
    }))
}

pub(crate) async fn complete_task(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
) -> Response<Body> {
    signed.result(id(&number).and_then(|number| {
        let mut state = world.podio.state();
        let task = state.data.tasks.get_mut(&number);
        let task = task.ok_or_else(|| Refusal::not_found(format!("No task with id {number} could be found")))?;
        (task["status"], task["completed_on"]) = ("completed".into(), CREATED.into());
        Ok(Value::Null)
    }))
}

pub(crate) async fn comments(
    State(world): State<Arc<World>>,
    Path((kind, number)): Path<(String, String)>,
    signed: Signed,
) -> Response<Body> {
    signed.result(id(&number).map(|number| {
        let state = world.podio.state();
        let of_object = |comment: &&Value| comment["ref"] == json!({"type": kind, "id": number});
        Value::Array(state.data.comments.values().filter(of_object).cloned().collect())
    }))
}

pub(crate) async fn create_comment(
    State(world): State<Arc<World>>,
    Path((kind, number)): Path<(String, String)>,
    signed: Signed,
    body: Bytes,
) -> Response<Body> {
    let create = || {
        let (number, body) = (id(&number)?, object(&body)?);
        let value = text(&body, "value")?;
        let data = &mut world.podio.state().data;
        if kind == "item" && !data.items.contains_key(&number) {
            return Err(no_item(number));
        }
        let id = data.next(600_000);
        let comment = json!({
            "comment_id": id, "value": value, "rich_value": format!("<p>{value}</p>"), "external_id": body.get("external_id"), "files": [],
            "ref": {"type": kind, "id": number}, "created_on": CREATED, "is_liked": false, "like_count": 0,
            "created_by": {"type": "user", "id": 9_000_001, "user_id": 9_000_001, "name": "Ada Sample"}
        });
        data.comments.insert(id, comment.clone());
        Ok(comment)
    };
    signed.result(create())
}

fn no_comment(number: u64) -> Refusal {
    Refusal::not_found(format!("No comment with id {number} could be found"))
}

pub(crate) async fn comment(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
) -> Response<Body> {
    signed.result(
        id(&number).and_then(|number| {
            world.podio.state().data.comments.get(&number).cloned().ok_or_else(|| no_comment(number))
        }),
    )
}

pub(crate) async fn update_comment(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
    body: Bytes,
) -> Response<Body> {
    let update = || {
        let (number, body) = (id(&number)?, object(&body)?);
        let value = text(&body, "value")?;
        let mut state = world.podio.state();
        let comment = state.data.comments.get_mut(&number).ok_or_else(|| no_comment(number))?;
        comment["rich_value"] = format!("<p>{value}</p>").into();
        comment["value"] = value.into();
        Ok(comment.clone())
    };
    signed.result(update())
}

pub(crate) async fn delete_comment(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
) -> Response<Body> {
    signed.result(id(&number).and_then(|number| {
        world.podio.state().data.comments.remove(&number).map(|_| Value::Null).ok_or_else(|| no_comment(number))
    }))
}

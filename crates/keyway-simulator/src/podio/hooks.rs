//! Podio's hooks, with the verification by form that makes them active. Hooks are called on this machine only.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::Response,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    api::{Signed, id, object},
    data::Hook,
    error::Refusal,
};
use crate::{ids, server::World};

const EVENTS: &[&str] = &[
    "item.create",
    "item.update",
    "item.delete",
    "comment.create",
    "comment.delete",
    "file.change",
    "app.update",
    "app.delete",
    "form.create",
    "form.update",
    "form.delete",
];
/// At most so many hooks of a type on an object.
const LIMIT: usize = 10;

pub(crate) async fn list(
    State(world): State<Arc<World>>,
    Path((kind, number)): Path<(String, String)>,
    signed: Signed,
) -> Response<Body> {
    signed.result(id(&number).map(|number| {
        let state = world.podio.state();
        let of_object = state.data.hooks.iter().filter(|(_, hook)| hook.ref_type == kind && hook.ref_id == number);
        of_object.map(|(id, hook)| describe(*id, hook)).collect()
    }))
}

pub(crate) async fn create(
    State(world): State<Arc<World>>,
    Path((ref_type, number)): Path<(String, String)>,
    signed: Signed,
    body: Bytes,
) -> Response<Body> {
    let create = || {
        let (ref_id, body) = (id(&number)?, object(&body)?);
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let url = text("url").filter(|url| url::Url::parse(url).is_ok());
        let url = url.ok_or_else(|| Refusal::invalid_value("Invalid value: url must be an absolute URL"))?;
        let kind = text("type").filter(|kind| EVENTS.contains(&kind.as_str()));
        let kind = kind.ok_or_else(|| Refusal::invalid_value("Invalid value: type is not a known event"))?;
        let data = &mut world.podio.state().data;
        let same =
            data.hooks.values().filter(|hook| hook.ref_type == ref_type && hook.ref_id == ref_id && hook.kind == kind);
        if same.count() >= LIMIT {
            return Err(Refusal::invalid_value("No more than 10 hooks of a type can be on one object"));
        }
        let number = data.next(700_000);
        let hook = Hook { ref_type: ref_type.clone(), ref_id, url, kind, active: false, code: ids::hex(8) };
        data.hooks.insert(number, hook.clone());
        Ok((number, hook))
    };
    match create() {
        Ok((number, hook)) => {
            tokio::spawn(verify(number, hook));
            signed.ok(json!({"hook_id": number}))
        }
        Err(refusal) => signed.refuse(&refusal),
    }
}

pub(crate) async fn delete(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
) -> Response<Body> {
    signed.result(id(&number).and_then(|number| {
        world.podio.state().data.hooks.remove(&number).map(|_| Value::Null).ok_or_else(|| no_hook(number))
    }))
}

/// Asks the hook's receiver to prove itself once more.
pub(crate) async fn request(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
) -> Response<Body> {
    let hook = id(&number).and_then(|number| {
        let hook = world.podio.state().data.hooks.get(&number).cloned();
        hook.map(|hook| (number, hook)).ok_or_else(|| no_hook(number))
    });
    match hook {
        Ok((number, hook)) => {
            tokio::spawn(verify(number, hook));
            signed.empty()
        }
        Err(refusal) => signed.refuse(&refusal),
    }
}

pub(crate) async fn validate(
    State(world): State<Arc<World>>,
    Path(number): Path<String>,
    signed: Signed,
    body: Bytes,
) -> Response<Body> {
    let validate = || {
        let (number, body) = (id(&number)?, object(&body)?);
        let mut state = world.podio.state();
        let hook = state.data.hooks.get_mut(&number).ok_or_else(|| no_hook(number))?;
        if body.get("code").and_then(Value::as_str) != Some(hook.code.as_str()) {
            return Err(Refusal::invalid_value("Invalid verification code"));
        }
        hook.active = true;
        Ok(Value::Null)
    };
    signed.result(validate())
}

fn no_hook(number: u64) -> Refusal {
    Refusal::not_found(format!("No hook with id {number} could be found"))
}

fn describe(number: u64, hook: &Hook) -> Value {
    let status = if hook.active { "active" } else { "inactive" };
    json!({"hook_id": number, "status": status, "type": hook.kind, "url": hook.url})
}

/// POSTs the form `type=hook.verify&hook_id=…&code=…`. Other machines are never called, and a receiver that cannot be
/// reached leaves the hook inactive, as on the real server.
async fn verify(number: u64, hook: Hook) {
    let Ok(url) = url::Url::parse(&hook.url) else { return };
    let local = url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost"));
    let Some(port) = url.port_or_known_default().filter(|_| local) else { return };
    let form = format!("type=hook.verify&hook_id={number}&code={}", hook.code);
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
        url.path(),
        form.len()
    );
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await {
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.take(4096).read_to_end(&mut answer).await;
    }
}

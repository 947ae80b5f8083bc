//! Podio's two token endpoints. Each reads one kind of body, and complains about the other in its own way.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, header},
    response::IntoResponse,
};
use serde_json::Value;

use super::error::Refusal;
use crate::server::World;

/// `POST /oauth/token`: forms. What is no form has no parameters.
pub(crate) async fn form(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let is_form = content_type(&headers).starts_with("application/x-www-form-urlencoded");
    let params = if is_form { url::form_urlencoded::parse(&body).into_owned().collect() } else { HashMap::new() };
    answer(&world, &params, "/oauth/token")
}

/// `POST /oauth/token/v2`: JSON objects.
pub(crate) async fn json(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let path = "/oauth/token/v2";
    let object = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(object)) if content_type(&headers).starts_with("application/json") => object,
        _ => return Refusal::invalid_value("Invalid value null (null): must be object").at(path, "", "POST"),
    };
    // Strictly typed: texts, and numbers for ids. Anything else is as if it were not there.
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let params: HashMap<String, String> =
        object.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect();
    answer(&world, &params, path)
}

fn answer(world: &World, params: &HashMap<String, String>, path: &str) -> Response<Body> {
    match world.podio.state().grants.token(params) {
        Ok(token) => axum::Json(token).into_response(),
        Err(refusal) => refusal.at(path, "", "POST"),
    }
}

fn content_type(headers: &HeaderMap) -> String {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
}

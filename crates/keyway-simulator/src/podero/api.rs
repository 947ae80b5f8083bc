//! Podero's API, guarded as django-ninja guards one: bare arrays, `{"detail"}` errors, no challenge in a 401.

use std::{collections::HashMap, time::Instant};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, Path, Query, State},
    http::{HeaderValue, Response, StatusCode, header, request::Parts},
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{Here, ORG_ID, json::answer};
use crate::ids;

const USER_IDS: [&str; 3] = [
    "0b6f2f0e-6f0c-4c57-9f4e-5a2f7f1f6a11",
    "1c7a3b1f-7a1d-4d68-8a5f-6b3a8a2a7b22",
    "2d8b4c2a-8b2e-4e79-9b6a-7c4b9b3b8c33",
];
pub(super) const VEHICLE_ID: &str = "3e9c5d3b-9c3f-4f8a-8c7b-8d5cac4c9d44";
const HEAT_PUMP_ID: &str = "4fad6e4c-ad4a-4a9b-9d8c-9e6dbd5dae55";
/// Charging sessions of the one vehicle.
const SESSIONS: u64 = 120;

/// A refusal: its status, and the body that says why.
pub(crate) struct Refused(StatusCode, Value);

impl IntoResponse for Refused {
    fn into_response(self) -> Response<Body> {
        answer(self.0, &self.1)
    }
}

/// A call with a token that is good.
pub(crate) struct Signed;

impl FromRequestParts<Here> for Signed {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, here: &Here) -> Result<Self, Refused> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let state = here.podero().state();
        let good = token.and_then(|token| state.tokens.get(token)).is_some_and(|token| token.ends > Instant::now());
        // Missing, unknown, expired and revoked look alike.
        if good { Ok(Self) } else { Err(detail(StatusCode::UNAUTHORIZED, "Unauthorized")) }
    }
}

pub(super) fn detail(status: StatusCode, text: &str) -> Refused {
    Refused(status, json!({"detail": text}))
}

pub(super) fn uuid(name: &str, text: &str) -> Result<(), Refused> {
    if ids::is_uuid(text) {
        return Ok(());
    }
    let why = match text.len() {
        32 | 36 => "invalid character".to_owned(),
        found => format!("invalid length: found {found}"),
    };
    let message = format!("Input should be a valid UUID, {why}");
    let error = json!({"type": "uuid_parsing", "loc": ["path", name], "msg": message, "ctx": {"error": why}});
    Err(Refused(StatusCode::UNPROCESSABLE_ENTITY, json!({"detail": [error]})))
}

fn organization(org_id: &str) -> Result<(), Refused> {
    uuid("org_id", org_id)?;
    if org_id.eq_ignore_ascii_case(ORG_ID) { Ok(()) } else { Err(detail(StatusCode::FORBIDDEN, "Forbidden")) }
}

pub(super) fn find_user(here: &Here, org_id: &str, user_id: &str) -> Result<Value, Refused> {
    organization(org_id)?;
    uuid("user_id", user_id)?;
    let state = here.podero().state();
    let user = state.users.iter().find(|user| user["id"] == user_id).cloned();
    user.ok_or_else(|| detail(StatusCode::NOT_FOUND, "Not Found"))
}

pub(super) fn read(body: &Bytes) -> Result<Value, Refused> {
    serde_json::from_slice(body).map_err(|_| detail(StatusCode::BAD_REQUEST, "Cannot parse request body"))
}

pub(super) fn required(body: &Value, names: &[&str]) -> Result<(), Refused> {
    let missing: Vec<Value> = names
        .iter()
        .filter(|name| body.get(**name).is_none_or(Value::is_null))
        .map(|name| json!({"type": "missing", "loc": ["body", "body", name], "msg": "Field required"}))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(Refused(StatusCode::UNPROCESSABLE_ENTITY, json!({"detail": missing}))) }
}

pub(super) fn respond(result: Result<(StatusCode, Value), Refused>) -> Response<Body> {
    match result {
        Ok((status, body)) => answer(status, &body),
        Err(refused) => refused.into_response(),
    }
}

pub(super) fn ok(result: Result<Value, Refused>) -> Response<Body> {
    respond(result.map(|body| (StatusCode::OK, body)))
}

fn user_record(id: &str, given: &Value) -> Value {
    let get = |name: &str| given.get(name).cloned().unwrap_or_default();
    json!({
        "id": id, "external_user_id": get("external_user_id"), "role": get("role"), "email": get("email"), "first_name": get("first_name"),
        "last_name": get("last_name"), "street_and_number": null, "street_add_info": null, "zip_code": null, "town": null,
        "country": null, "latitude": null, "longitude": null, "location_last_updated": null
    })
}

pub(super) fn first_users() -> Vec<Value> {
    let names = ["Ada", "Bruno", "Chiara"];
    names
        .iter()
        .enumerate()
        .map(|(n, first)| {
            let email = format!("{}@example.org", first.to_lowercase());
            let given = json!({"role": "user", "email": email, "first_name": first, "last_name": "Sample",
                               "external_user_id": format!("customer_{:05}", n + 1)});
            user_record(USER_IDS[n], &given)
        })
        .collect()
}

pub(crate) async fn users(State(here): State<Here>, _: Signed, Path(org_id): Path<String>) -> Response<Body> {
    ok(organization(&org_id).map(|()| Value::Array(here.podero().state().users.clone())))
}

pub(crate) async fn create_user(
    State(here): State<Here>,
    _: Signed,
    Path(org_id): Path<String>,
    body: Bytes,
) -> Response<Body> {
    let create = || {
        organization(&org_id)?;
        let body = read(&body)?;
        required(&body, &["role", "email"])?;
        let user = user_record(&ids::uuid(), &body);
        here.podero().state().users.push(user.clone());
        Ok((StatusCode::CREATED, user))
    };
    respond(create())
}

pub(crate) async fn user(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id)): Path<(String, String)>,
) -> Response<Body> {
    ok(find_user(&here, &org_id, &user_id))
}

/// Takes only the fields that change.
pub(crate) async fn update_user(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id)): Path<(String, String)>,
    body: Bytes,
) -> Response<Body> {
    let update = || {
        find_user(&here, &org_id, &user_id)?;
        let body = read(&body)?;
        let mut state = here.podero().state();
        let user = state.users.iter_mut().find(|user| user["id"] == user_id.as_str());
        let user = user.ok_or_else(|| detail(StatusCode::NOT_FOUND, "Not Found"))?;
        for (name, value) in body.as_object().into_iter().flatten() {
            if name != "id" && user.get(name).is_some() {
                user[name] = value.clone();
            }
        }
        Ok(user.clone())
    };
    ok(update())
}

fn heat_pump_record(owner: &Value) -> Value {
    json!({
        "id": HEAT_PUMP_ID, "created_at": "2026-01-10T08:00:00Z", "updated_at": "2026-03-02T09:15:00Z",
        "owner": {"id": owner["id"], "email": owner["email"]}, "building": null, "is_authenticated": true,
        "is_smart_optimization_active": true,
        "device_model": {"manufacturer": "Sample", "model": "HP-8", "device_type": {"short_name": "HP", "long_name": "Heat pump"}, "year": 2024},
        "current_mode": "HEATING", "current_power_consumption_w": 1240.5, "indoor_actual_temperature": 21.25,
        "outdoor_temperature": -3.0, "consumption_last_day_kwh": 18.75, "action_needed": false, "actions": []
    })
}

pub(crate) async fn heat_pumps(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id)): Path<(String, String)>,
) -> Response<Body> {
    ok(find_user(&here, &org_id, &user_id).map(|user| json!([heat_pump_record(&user)])))
}

pub(crate) async fn heat_pump(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id, id)): Path<(String, String, String)>,
) -> Response<Body> {
    let find = || {
        let user = find_user(&here, &org_id, &user_id)?;
        uuid("id", &id)?;
        if id == HEAT_PUMP_ID { Ok(heat_pump_record(&user)) } else { Err(detail(StatusCode::NOT_FOUND, "Not Found")) }
    };
    ok(find())
}

/// Figures of a day, without any device's real data.
pub(crate) async fn heat_pump_statistics(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id, id)): Path<(String, String, String)>,
) -> Response<Body> {
    let find = || {
        find_user(&here, &org_id, &user_id)?;
        uuid("id", &id)?;
        if id != HEAT_PUMP_ID {
            return Err(detail(StatusCode::NOT_FOUND, "Not Found"));
        }
        let hours =
            (0..24).map(|hour| json!({"timestamp": format!("2026-03-01T{hour:02}:00:00Z"), "consumption_kwh": 0.75}));
        Ok(json!({"metadata": {"resolution": "hour", "error": null}, "data": hours.collect::<Vec<_>>()}))
    };
    ok(find())
}

/// `limit` from 1 to 200, 50 when not given; `offset` from 0.
pub(crate) async fn sessions(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id, vehicle_id)): Path<(String, String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Response<Body> {
    let page = || {
        find_user(&here, &org_id, &user_id)?;
        uuid("ev_id", &vehicle_id)?;
        if vehicle_id != VEHICLE_ID {
            return Err(detail(StatusCode::NOT_FOUND, "Not Found"));
        }
        let number = |name: &str, default: u64, range: std::ops::RangeInclusive<u64>| {
            let given = query.get(name).map(|text| text.parse::<u64>().ok().filter(|n| range.contains(n)));
            given.unwrap_or(Some(default)).ok_or_else(|| {
                let error = json!({"type": "int_range", "loc": ["query", name], "msg": "Input is out of range"});
                Refused(StatusCode::UNPROCESSABLE_ENTITY, json!({"detail": [error]}))
            })
        };
        let (limit, offset) = (number("limit", 50, 1..=200)?, number("offset", 0, 0..=u64::MAX)?);
        let items: Vec<Value> = (offset.min(SESSIONS)..SESSIONS.min(offset.saturating_add(limit)))
            .map(|n| json!({"id": format!("5abe7f5d-be5b-4bac-8ea9-{n:012}"), "started_at": format!("2026-02-{:02}T18:00:00Z", n % 28 + 1), "energy_kwh": 12.5}))
            .collect();
        Ok(json!({"total": SESSIONS, "items": items}))
    };
    ok(page())
}

pub(crate) async fn create_contract(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id)): Path<(String, String)>,
    body: Bytes,
) -> Response<Body> {
    let create = || {
        find_user(&here, &org_id, &user_id)?;
        let mut contract = read(&body)?;
        let Some(members) = contract.as_object_mut() else {
            let error =
                json!({"type": "dict_type", "loc": ["body", "body"], "msg": "Input should be a valid dictionary"});
            return Err(Refused(StatusCode::UNPROCESSABLE_ENTITY, json!({"detail": [error]})));
        };
        members.insert("id".to_owned(), ids::uuid().into());
        Ok((StatusCode::CREATED, contract))
    };
    respond(create())
}

/// Not below an organisation.
pub(crate) async fn onboarding(_: State<Here>, _: Signed, body: Bytes) -> Response<Body> {
    let create = || {
        let body = read(&body)?;
        required(&body, &["user_id", "language", "price_zone_default", "success_url", "cancel_url"])?;
        let id = ids::uuid();
        let url = format!("https://app.podero.com/onboarding/{id}");
        Ok(json!({"authentication_url": url, "id": id, "expiration_date": "2026-03-03T10:00:00Z"}))
    };
    ok(create())
}

pub(crate) async fn method_not_allowed() -> Response<Body> {
    let label = (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    (StatusCode::METHOD_NOT_ALLOWED, [label], "Method not allowed").into_response()
}

pub(crate) async fn no_page() -> Response<Body> {
    let label = (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    (StatusCode::NOT_FOUND, [label], "<!doctype html><html><title>Not Found</title><h1>Not Found</h1></html>")
        .into_response()
}

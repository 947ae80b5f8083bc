//! Podero's vehicles and inverters.

use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::{Response, StatusCode},
};
use serde_json::{Value, json};

use super::{
    Here,
    api::{Refused, Signed, VEHICLE_ID, detail, find_user, ok, read, respond, uuid},
};
use crate::ids;

type Device = Path<(String, String, String)>;

fn find_vehicle(here: &Here, org_id: &str, user_id: &str, id: &str) -> Result<Value, Refused> {
    let user = find_user(here, org_id, user_id)?;
    uuid("ev_id", id)?;
    if id != VEHICLE_ID {
        return Err(detail(StatusCode::NOT_FOUND, "Not Found"));
    }
    Ok(vehicle_record(here, &user))
}

fn vehicle_record(here: &Here, owner: &Value) -> Value {
    let charging = here.podero().state().charging;
    json!({"id": VEHICLE_ID, "owner": {"id": owner["id"], "email": owner["email"]}, "manufacturer": "Sample", "model": "EV 50",
           "battery_level_percent": 64, "is_plugged_in": true, "is_charging": charging})
}

pub(crate) async fn vehicles(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id)): Path<(String, String)>,
) -> Response<Body> {
    ok(find_user(&here, &org_id, &user_id).map(|user| json!([vehicle_record(&here, &user)])))
}

pub(crate) async fn vehicle(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id, id)): Device,
) -> Response<Body> {
    ok(find_vehicle(&here, &org_id, &user_id, &id))
}

/// Charges at once; 409 for a vehicle that is charging already.
pub(crate) async fn boost(State(here): State<Here>, _: Signed, Path((org_id, user_id, id)): Device) -> Response<Body> {
    let boost = || {
        find_vehicle(&here, &org_id, &user_id, &id)?;
        let mut state = here.podero().state();
        if state.charging {
            return Err(detail(StatusCode::CONFLICT, "The vehicle is charging already"));
        }
        state.charging = true;
        Ok(json!({"id": id, "is_charging": true}))
    };
    ok(boost())
}

pub(crate) async fn inverters(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id)): Path<(String, String)>,
) -> Response<Body> {
    ok(find_user(&here, &org_id, &user_id).map(|_| {
        let state = here.podero().state();
        state.inverters.iter().filter(|(owner, _)| *owner == user_id).map(|(_, inverter)| inverter.clone()).collect()
    }))
}

pub(crate) async fn create_inverter(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id)): Path<(String, String)>,
    body: Bytes,
) -> Response<Body> {
    let create = || {
        let user = find_user(&here, &org_id, &user_id)?;
        let given = read(&body)?;
        let owner = json!({"id": user["id"], "email": user["email"]});
        let inverter = json!({"id": ids::uuid(), "owner": owner, "manufacturer": given.get("manufacturer"), "model": given.get("model")});
        here.podero().state().inverters.push((user_id.clone(), inverter.clone()));
        Ok((StatusCode::CREATED, inverter))
    };
    respond(create())
}

pub(crate) async fn inverter(
    State(here): State<Here>,
    _: Signed,
    Path((org_id, user_id, id)): Device,
) -> Response<Body> {
    let find = || {
        find_user(&here, &org_id, &user_id)?;
        uuid("id", &id)?;
        let state = here.podero().state();
        let inverter =
            state.inverters.iter().find(|(owner, inverter)| *owner == user_id && inverter["id"] == id.as_str());
        inverter.map(|(_, inverter)| inverter.clone()).ok_or_else(|| detail(StatusCode::NOT_FOUND, "Not Found"))
    };
    ok(find())
}

//! Podio's sign-in page, with the two shapes of its callback.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::Body,
    extract::{Query, State},
    http::{Response, StatusCode},
    response::{Html, IntoResponse, Redirect},
};

use super::auth::Grants;
use crate::{control::escaped, server::World};

/// `GET /oauth/authorize`: asks. `response_type` may be left out, as in the vendor's own example.
pub(crate) async fn page(Query(params): Query<HashMap<String, String>>) -> Response<Body> {
    let get = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
    if !Grants::is_client(get("client_id")) {
        return (StatusCode::BAD_REQUEST, "Unknown client").into_response();
    }
    if !Grants::redirects_to(get("redirect_uri")) {
        return (StatusCode::BAD_REQUEST, "The redirect URI is not on the domain of this client").into_response();
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&params).finish();
    if !matches!(get("response_type"), "" | "code") {
        return (StatusCode::BAD_REQUEST, "Only the response type `code` is simulated").into_response();
    }
    let link = |decision: &str| escaped(&format!("/oauth/authorize/decide?decision={decision}&{query}"));
    Html(format!(
        "<!doctype html><meta charset=utf-8><title>Podio (simulated)</title><h1>Podio (simulated)</h1>\
         <p>Let <b>{}</b> act for <b>ada@example.org</b> with <code>{}</code>?\
         <p><a href=\"{}\">Allow</a> <a href=\"{}\">Deny</a>",
        escaped(get("client_id")),
        escaped(if get("scope").is_empty() { "global:all" } else { get("scope") }),
        link("allow"),
        link("deny"),
    ))
    .into_response()
}

/// Sends the person back, with a code or with the refusal.
pub(crate) async fn decide(
    State(world): State<Arc<World>>,
    Query(params): Query<HashMap<String, String>>,
) -> Response<Body> {
    let get = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
    let redirect_uri = get("redirect_uri");
    let Ok(mut target) = url::Url::parse(redirect_uri) else { return StatusCode::BAD_REQUEST.into_response() };
    if !Grants::is_client(get("client_id")) || !Grants::redirects_to(redirect_uri) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    {
        let mut answer = target.query_pairs_mut();
        if get("decision") == "allow" {
            answer.append_pair(
                "code",
                &world.podio.state().grants.new_code(get("client_id"), redirect_uri, get("scope")),
            );
        } else {
            answer.append_pair("error_reason", "user_denied");
            answer.append_pair("error", "access_denied");
            answer.append_pair("error_description", "The user denied your request.");
        }
        if !get("state").is_empty() {
            answer.append_pair("state", get("state"));
        }
    }
    Redirect::to(target.as_str()).into_response()
}

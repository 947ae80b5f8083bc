//! The simulator's own pages: what it stands for, what it has seen, what shall go wrong.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};

use crate::{
    faults::Fault,
    server::{Demo, World},
};

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/_simulator", get(about))
        .route("/_simulator/stats", get(stats))
        .route("/_simulator/stats.html", get(page))
        .route("/_simulator/faults", post(fault))
        .route("/_simulator/reset", post(reset))
        .layer(middleware::from_fn(no_messages))
}

/// A message of a client carries a token, and the real servers have no such pages.
async fn no_messages(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
}

async fn about(State(world): State<Arc<World>>) -> Json<Option<Demo>> {
    Json(world.demo.get().cloned())
}

async fn stats(State(world): State<Arc<World>>) -> Response {
    Json(world.stats()).into_response()
}

async fn fault(State(world): State<Arc<World>>, Json(fault): Json<Fault>) -> StatusCode {
    world.apply(fault);
    StatusCode::NO_CONTENT
}

async fn reset(State(world): State<Arc<World>>) -> StatusCode {
    world.reset_stats();
    world.faults.clear();
    StatusCode::NO_CONTENT
}

/// The statistics for people: counts, and the last fifty calls.
async fn page(State(world): State<Arc<World>>) -> Html<String> {
    let stats = world.stats();
    let counts = [
        ("Token requests", stats.token_requests),
        ("Tokens issued", stats.tokens_issued),
        ("Refresh tokens rotated", stats.refresh_rotations),
        ("Used ones that came again", stats.refresh_reuses),
        ("API calls", stats.api_calls),
        ("Refused for their token", stats.api_unauthorized),
        ("Throttled", stats.api_throttled),
        ("Most under way at once", stats.most_in_flight),
    ];
    let counts: String = counts.iter().map(|(name, count)| format!("<tr><th>{name}<td>{count}")).collect();
    let calls: String = stats
        .calls
        .iter()
        .rev()
        .take(50)
        .map(|call| {
            let carried = call.header("authorization").unwrap_or("no authorization");
            format!(
                "<tr><td>{}<td>{}<td>{} {}<td>{}<td>{}",
                call.status,
                escaped(&call.server),
                escaped(&call.method),
                escaped(&call.path),
                escaped(carried),
                escaped(&call.body.chars().take(120).collect::<String>())
            )
        })
        .collect();
    Html(format!(
        "<!doctype html><meta charset=utf-8><title>Keyway simulator</title><style>body{{font:15px system-ui;margin:2em}}\
         table{{border-collapse:collapse;margin-bottom:2em}}td,th{{text-align:left;padding:.2em .8em;border-bottom:1px solid #ddd}}\
         td{{font-family:monospace}}</style><h1>Keyway simulator</h1><table>{counts}</table>\
         <table><tr><th>Status<th>Server<th>Request<th>Authorization<th>Body{calls}</table>"
    ))
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

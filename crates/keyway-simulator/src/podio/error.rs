//! Podio's error envelope, the same on every path.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use serde_json::json;

/// A refusal, before it knows which request it answers.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: u16,
    error: &'static str,
    detail: Option<&'static str>,
    description: String,
    challenge: Option<&'static str>,
}

// === impl Refusal ===

impl Refusal {
    pub(crate) fn new(status: u16, error: &'static str, description: impl Into<String>) -> Self {
        Self { status, error, detail: None, description: description.into(), challenge: None }
    }

    pub(crate) fn detail(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }

    pub(crate) fn not_found(description: impl Into<String>) -> Self {
        Self::new(404, "not_found", description)
    }

    pub(crate) fn invalid_value(description: impl Into<String>) -> Self {
        Self::new(400, "invalid_value", description)
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(403, "forbidden", "You do not have access to this object")
    }

    /// Expired, revoked and never valid look alike.
    pub(crate) fn expired_token() -> Self {
        Self {
            challenge: Some(r#"Bearer realm="podio", error="expired_token""#),
            ..Self::new(401, "unauthorized", "expired_token")
        }
    }

    /// No credential at all: not a case for a renewal.
    pub(crate) fn no_token() -> Self {
        Self {
            challenge: Some(r#"Bearer realm="podio", error="invalid_request""#),
            ..Self::new(401, "unauthorized", "invalid_request")
        }
    }

    pub(crate) fn rate_limit(wait_s: u64) -> Self {
        let text = format!("You have hit the rate limit. Please wait {wait_s} seconds before trying again.");
        Self::new(420, "rate_limit", text)
    }

    /// The answer, for the request that it refuses.
    pub(crate) fn at(&self, path: &str, query: &str, method: &str) -> Response<Body> {
        let body = json!({
            "error": self.error, "error_detail": self.detail, "error_description": self.description,
            "error_parameters": {}, "error_propagate": self.status == 403,
            "request": {"url": path, "query_string": query, "method": method}
        });
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        headers.insert("x-podio-request-id", HeaderValue::from_static("c2ltdWxhdGVk"));
        if let Some(challenge) = self.challenge {
            // The real server sends the challenge in an `authorization` header as well.
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(challenge));
        }
        response
    }
}

//! Podero's token endpoint, as a django-oauth-toolkit 3.4.1 was seen to answer.

use std::{
    collections::HashMap,
    time::{Instant, SystemTime},
};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header},
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{Here, Podero, Token, json::answer};
use crate::{ids, options::PoderoBody};

const SCOPES: &[&str] = &["read", "write"];

/// `/oauth2/token/`.
pub(crate) async fn token(
    State(here): State<Here>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if method != Method::POST {
        let allow = (header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        return (StatusCode::METHOD_NOT_ALLOWED, [allow, html()]).into_response();
    }
    if uri.query().is_some_and(|query| !query.is_empty()) {
        let body = r#"{"error": "invalid_request", "error_description": "URL query parameters are not allowed"}"#;
        return (StatusCode::BAD_REQUEST, [html()], body).into_response();
    }
    let params = match parameters(here.podero().body, &headers, &body) {
        Ok(params) => params,
        Err(status) => return status.into_response(),
    };
    let mut response = match issue(here.podero(), &headers, &params) {
        Ok(token) => answer(StatusCode::OK, &token),
        Err("invalid_client") => refused_client(),
        Err("invalid_grant") => {
            let body = json!({"error": "invalid_grant", "error_description": "Invalid credentials given."});
            answer(StatusCode::BAD_REQUEST, &body)
        }
        Err(error) => answer(StatusCode::BAD_REQUEST, &json!({"error": error})),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// Django adds the final slash by a redirect, which no client should follow with a POST.
pub(crate) async fn without_slash() -> Response<Body> {
    let location = (header::LOCATION, HeaderValue::from_static("/oauth2/token/"));
    (StatusCode::MOVED_PERMANENTLY, [location, html()]).into_response()
}

/// `/oauth2/revoke_token/`: 200 also for a token that nobody knows.
pub(crate) async fn revoke(State(here): State<Here>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let params = match parameters(here.podero().body, &headers, &body) {
        Ok(params) => params,
        Err(status) => return status.into_response(),
    };
    // The JSON backend reads nothing out of a form, and then misses the token before it looks at the client.
    if !params.contains_key("token") {
        return answer(
            StatusCode::BAD_REQUEST,
            &json!({"error": "invalid_request", "error_description": "Missing token parameter."}),
        );
    }
    if client(here.podero(), &headers, &params).is_none() {
        return refused_client();
    }
    if let Some(token) = params.get("token") {
        here.podero().state().tokens.remove(token);
    }
    (StatusCode::OK, [html()]).into_response()
}

/// `/oauth2/introspect/`.
pub(crate) async fn introspect(State(here): State<Here>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let params: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    if client(here.podero(), &headers, &params).is_none() {
        return (StatusCode::FORBIDDEN, [html()]).into_response();
    }
    let state = here.podero().state();
    let token =
        params.get("token").and_then(|token| state.tokens.get(token)).filter(|token| token.ends > Instant::now());
    let body = match token {
        Some(token) => {
            let left = token.ends.saturating_duration_since(Instant::now());
            let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            json!({"active": true, "scope": token.scope, "exp": (since_1970 + left).as_secs(), "client_id": token.client})
        }
        None => json!({"active": false}),
    };
    answer(StatusCode::OK, &body)
}

/// The server's metadata (RFC 8414), as a django-oauth-toolkit 3.4.1 writes it, under the real server's name.
pub(crate) async fn metadata(State(here): State<Here>) -> Response<Body> {
    let host = if here.sandbox { "sandbox-app" } else { "app" };
    let at = |path: &str| format!("https://{host}.podero.com/oauth2{path}");
    let methods = ["client_secret_post", "client_secret_basic"];
    let grants = [
        "authorization_code",
        "implicit",
        "password",
        "client_credentials",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    ];
    let body = json!({
        "issuer": at(""), "response_types_supported": ["code", "token"], "grant_types_supported": grants,
        "scopes_supported": SCOPES, "client_id_metadata_document_supported": false,
        "authorization_endpoint": at("/authorize/"), "token_endpoint": at("/token/"),
        "revocation_endpoint": at("/revoke_token/"), "introspection_endpoint": at("/introspect/"),
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": methods, "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods
    });
    answer(StatusCode::OK, &body)
}

/// The parameters, or none where the body is of a kind that the backend does not read: it then finds no grant type.
fn parameters(reads: PoderoBody, headers: &HeaderMap, body: &Bytes) -> Result<HashMap<String, String>, StatusCode> {
    let label = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = label.starts_with("application/json");
    let is_form = label.starts_with("application/x-www-form-urlencoded");
    let form = || url::form_urlencoded::parse(body).into_owned().collect();
    let json = || match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(members)) => {
            members.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
        }
        _ => HashMap::new(),
    };
    match reads {
        PoderoBody::FormStrict if !is_form => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        PoderoBody::Form | PoderoBody::FormStrict => Ok(if is_form { form() } else { HashMap::new() }),
        // The JSON backend parses whatever it is given, whatever its label.
        PoderoBody::Json => Ok(json()),
        PoderoBody::Both => Ok(if is_json {
            json()
        } else if is_form {
            form()
        } else {
            HashMap::new()
        }),
    }
}

fn issue(podero: &Podero, headers: &HeaderMap, params: &HashMap<String, String>) -> Result<Value, &'static str> {
    match params.get("grant_type").map(String::as_str) {
        Some("client_credentials") => {}
        Some("password" | "authorization_code" | "refresh_token") => return Err("invalid_grant"),
        _ => return Err("unsupported_grant_type"),
    }
    let client = client(podero, headers, params).ok_or("invalid_client")?;
    let scope = params.get("scope").map_or("read write", String::as_str);
    if scope.is_empty() || !scope.split(' ').all(|scope| SCOPES.contains(&scope)) {
        return Err("invalid_scope");
    }
    let access_token = ids::alphanumeric(30);
    let token = Token { scope: scope.to_owned(), client, ends: Instant::now() + podero.ttl };
    podero.state().tokens.insert(access_token.clone(), token);
    Ok(
        json!({"access_token": access_token, "expires_in": podero.ttl.as_secs(), "token_type": "Bearer", "scope": scope}),
    )
}

/// The client, by Basic or by the body. Basic is percent-decoded (RFC 6749 section 2.3.1), so a raw `+` or `%41` fails.
fn client(podero: &Podero, headers: &HeaderMap, params: &HashMap<String, String>) -> Option<String> {
    let known = |id: &str, secret: &str| podero.clients.contains(&(id, secret)).then(|| id.to_owned());
    let basic = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
        .and_then(|encoded| {
            let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
            let (id, secret) = text.split_once(':')?;
            let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(String::from);
            known(&decoded(id)?, &decoded(secret)?)
        });
    basic.or_else(|| known(params.get("client_id")?, params.get("client_secret")?))
}

fn refused_client() -> Response<Body> {
    let mut response = answer(StatusCode::UNAUTHORIZED, &json!({"error": "invalid_client"}));
    let challenge = HeaderValue::from_static(r#"Bearer error="invalid_client""#);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

fn html() -> (header::HeaderName, HeaderValue) {
    (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))
}

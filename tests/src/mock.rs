//! A server whose behaviour a test writes down.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Instant,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    response::Response,
};
use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// A server on a free port of 127.0.0.1. Dropped, it stops.
pub struct Mock {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

/// One request that it got.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query, empty without one.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How many requests with this path came before.
    pub nth: usize,
    /// When it was read.
    pub at: Instant,
}

impl Mock {
    /// Starts a server that answers as told.
    pub async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(Seen) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send,
    {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let record = Arc::clone(&seen);
        let app = Router::new().fallback(move |request: Request| {
            let (record, answer) = (Arc::clone(&record), answer.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 64 << 20).await.unwrap_or_default();
                let path = parts.uri.path().to_owned();
                let request = {
                    let mut seen = record.lock().unwrap();
                    let nth = seen.iter().filter(|earlier| earlier.path == path).count();
                    let query = parts.uri.query().unwrap_or_default().to_owned();
                    let method = parts.method.to_string();
                    seen.push(Seen { method, path, query, headers: parts.headers, body, nth, at: Instant::now() });
                    seen[seen.len() - 1].clone()
                };
                answer(request).await
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        Self { url, seen, task }
    }

    /// Starts an API whose token endpoint `/token` gives `token-1`, `token-2` and so on.
    pub async fn api<F, A>(answer: F) -> Self
    where
        F: Fn(Seen) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response> + Send,
    {
        Self::start(move |seen: Seen| {
            let answer = answer.clone();
            async move {
                if seen.path == "/token" {
                    return reply(200, &token(seen.nth + 1));
                }
                answer(seen).await
            }
        })
        .await
    }

    /// All requests so far, or those with this path.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|request| path.is_empty() || request.path == path).cloned().collect()
    }

    /// How many requests with this path there were.
    pub fn count(&self, path: &str) -> usize {
        self.seen(path).len()
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Seen {
    /// A header's value, empty without one.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// The token answer number `n`: it lives an hour.
pub fn token(n: usize) -> Value {
    json!({"access_token": format!("token-{n}"), "token_type": "Bearer", "expires_in": 3600})
}

/// An answer with a JSON body.
pub fn reply(status: u16, body: &Value) -> Response {
    labelled(status, "application/json", body.to_string())
}

/// An answer with any body.
pub fn labelled(status: u16, content_type: &str, body: impl Into<Body>) -> Response {
    Response::builder().status(status).header("content-type", content_type).body(body.into()).unwrap()
}

/// An answer without a body.
pub fn empty(status: u16) -> Response {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

/// The connection breaks before an answer is whole.
pub fn cut() -> Response {
    let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
    Response::builder().header("content-length", 10).body(Body::from_stream(broken)).unwrap()
}

/// An address of this machine where nobody listens.
pub async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
    format!("http://{}", listener.local_addr().expect("it is bound"))
}

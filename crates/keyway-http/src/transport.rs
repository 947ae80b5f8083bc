//! The transport: one HTTP request, and how it ended.

use std::{future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::budget::Body;

/// Sends HTTP requests. One per host; token requests and API requests go through the same one.
pub trait Transport: Send + Sync + 'static {
    /// Sends one request, follows no redirect, repeats nothing, and reads the answer up to its limit.
    fn send(&self, call: WireCall) -> SendFuture<'_>;
}

/// What [`Transport::send`] returns.
pub type SendFuture<'a> = Pin<Box<dyn Future<Output = AttemptEnd> + Send + 'a>>;

/// One HTTP request, complete.
#[derive(Clone)]
pub struct WireCall {
    /// Its method.
    pub method: Method,
    /// Its URL, with the real names: an origin map comes after this.
    pub url: Url,
    /// Its headers; those with secrets are marked sensitive.
    pub headers: HeaderMap,
    /// Its body; empty for none.
    pub body: Bytes,
    /// The longest that the request and its whole answer may take.
    pub timeout: Duration,
    /// The most decoded bytes that the answer's body may have.
    pub max_body_bytes: u64,
}

/// An HTTP answer, read to its end.
#[derive(Clone)]
pub struct WireAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers. Those that belonged to a content encoding are gone with it.
    pub headers: HeaderMap,
    /// Its body, decoded.
    pub body: Body,
}

/// How an attempt ended, by what the server may have seen of it.
#[derive(Debug)]
pub enum AttemptEnd {
    /// The request never left: repeating it is safe, whatever its method.
    NeverSent(WireFault),
    /// The request left, and nobody knows what became of it.
    MaybeProcessed(WireFault),
    /// There is a whole answer.
    Answered(WireAnswer),
}

/// What went wrong on the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct WireFault {
    /// What it was.
    pub kind: WireFaultKind,
    /// One sentence without URL and without secrets.
    pub detail: String,
    /// The status of the answer, when that much had come.
    pub status: Option<u16>,
}

/// The kinds of faults on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireFaultKind {
    /// The name could not be looked up.
    Dns,
    /// No connection.
    Connect,
    /// The certificate or the TLS handshake. Final: another attempt meets the same.
    Tls,
    /// The address guard or the origin map refused. Final.
    AddressRefused,
    /// Too slow.
    Timeout,
    /// The connection ended before the answer did.
    Reset,
    /// What came is not HTTP, or not as HTTP says.
    Protocol,
    /// The body is longer than allowed. Final.
    TooLarge,
    /// The request itself or the client's set-up cannot be used. Final.
    Unusable,
}

// === impl WireFault ===

impl WireFault {
    /// A fault with one sentence about it.
    pub fn new(kind: WireFaultKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), status: None }
    }

    /// Whether another attempt would meet the same fault.
    #[must_use]
    pub fn is_final(&self) -> bool {
        use WireFaultKind::{AddressRefused, Tls, TooLarge, Unusable};
        matches!(self.kind, Tls | AddressRefused | TooLarge | Unusable)
    }
}

impl std::fmt::Debug for WireCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither query nor header values nor body: any of them may hold a secret.
        let names: Vec<&str> = self.headers.keys().map(http::HeaderName::as_str).collect();
        f.debug_struct("WireCall")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("header_names", &names)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for WireAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body_bytes = self.body.len();
        f.debug_struct("WireAnswer")
            .field("status", &self.status)
            .field("body_bytes", &body_bytes)
            .finish_non_exhaustive()
    }
}

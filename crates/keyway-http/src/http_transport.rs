//! The transport: HTTP/1.1 and 2, straight to the server or through a proxy.

use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header, header::Entry};
use http_body_util::Full;
use keyway_component::Secret;
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::{
    body_reader::{BodyReader, Pieces},
    budget::ByteBudget,
    clock::LONGEST_WAIT,
    decoding::ACCEPT_ENCODING,
    direct::{Plain, Secure},
    faults,
    options::TransportOptions,
    patience::Patience,
    proxied::{Proxied, Proxies},
    tls_config::tls_config,
    transport::{AttemptEnd, SendFuture, Transport, WireAnswer, WireCall, WireFault, WireFaultKind},
};

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("keyway/", env!("CARGO_PKG_VERSION")));
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

/// Sends requests with hyper, or with reqwest where a proxy is in between; TLS is rustls with ring. Bodies are decoded
/// here, where they are counted.
///
/// What needs TLS is built when first needed: certificate stores load at the first https call.
pub struct HttpTransport {
    options: TransportOptions,
    budget: ByteBudget,
    proxies: Proxies,
    plain: Plain,
    tls: OnceLock<Result<ClientConfig, WireFault>>,
    secure: OnceLock<Result<Secure, WireFault>>,
    proxied: OnceLock<Result<Proxied, WireFault>>,
}

// === impl HttpTransport ===

impl HttpTransport {
    /// A transport with these settings; nothing is opened yet.
    #[must_use]
    pub fn new(options: TransportOptions) -> Self {
        let (budget, proxies) = (ByteBudget::new(options.body_budget_bytes), Proxies::of(&options.proxy));
        let plain = Plain::new(&options);
        let (tls, secure, proxied) = Default::default();
        Self { options, budget, proxies, plain, tls, secure, proxied }
    }

    /// One that shows this certificate instead: PEM text of it, of its issuers, and of its private key. Settings and the
    /// budget of bodies are shared, connections are not.
    #[must_use]
    pub fn with_identity(&self, pem: Secret) -> Self {
        let options = TransportOptions { client_identity: Some(pem), ..self.options.clone() };
        Self { budget: self.budget.clone(), ..Self::new(options) }
    }

    async fn attempt(&self, mut call: WireCall) -> Result<WireAnswer, AttemptEnd> {
        let refused = |detail: String| AttemptEnd::NeverSent(WireFault::new(WireFaultKind::AddressRefused, detail));
        if let Some(map) = &self.options.origin_map {
            call.url = map.apply(&call.url).map_err(|unmapped| refused(unmapped.to_string()))?;
        }
        self.options.guard.check_literal(&call.url).map_err(|address| refused(address.to_string()))?;
        add_defaults(&mut call.headers);

        let deadline = Instant::now() + call.timeout.min(LONGEST_WAIT);
        let patience = Patience { deadline, idle: self.options.idle_timeout };
        let limits = (call.max_body_bytes, deadline);
        if self.proxies.is_for(&call.url) {
            let proxied = self.proxied().map_err(|fault| AttemptEnd::NeverSent(fault.clone()))?;
            let mut body = proxied.send(proxied_request(call), patience).await?;
            let status = body.response().status();
            let headers = std::mem::take(body.response().headers_mut());
            return self.read(status, headers, body, limits).await;
        }
        let is_plain = call.url.scheme() == "http";
        let request = direct_request(call).ok_or_else(faults::not_http)?;
        let response = if is_plain {
            self.plain.send(request, patience).await?
        } else {
            let secure = self.secure().map_err(|fault| AttemptEnd::NeverSent(fault.clone()))?;
            secure.send(request, patience).await?
        };
        let (head, body) = response.into_parts();
        self.read(head.status, head.headers, body, limits).await
    }

    async fn read(
        &self,
        status: StatusCode,
        mut headers: HeaderMap,
        mut pieces: impl Pieces,
        (limit, deadline): (u64, Instant),
    ) -> Result<WireAnswer, AttemptEnd> {
        let fault = |fault: WireFault| AttemptEnd::MaybeProcessed(WireFault { status: Some(status.as_u16()), ..fault });
        // RFC 9110 section 7.8: a server may only switch to what it was asked to, and nobody asks.
        if status.is_informational() {
            return Err(fault(WireFault::new(
                WireFaultKind::Protocol,
                "the server switched to another protocol unasked",
            )));
        }
        let reader = BodyReader::new(&self.budget, &headers, pieces.length(), limit, deadline);
        let body = reader.read(&mut pieces, &mut headers).await.map_err(fault)?;
        Ok(WireAnswer { status, headers, body })
    }

    fn tls(&self) -> Result<ClientConfig, WireFault> {
        self.tls.get_or_init(|| tls_config(&self.options)).clone()
    }

    fn secure(&self) -> Result<&Secure, &WireFault> {
        self.secure.get_or_init(|| Ok(Secure::new(&self.options, self.tls()?))).as_ref()
    }

    fn proxied(&self) -> Result<&Proxied, &WireFault> {
        self.proxied.get_or_init(|| Proxied::new(&self.options, self.tls()?)).as_ref()
    }
}

/// What every request carries, unless the call says otherwise.
fn add_defaults(headers: &mut HeaderMap) {
    // A part of an encoded body could not be decoded.
    if !headers.contains_key(header::RANGE) {
        add(headers, header::ACCEPT_ENCODING, ACCEPT_ENCODING);
    }
    add(headers, header::USER_AGENT, USER_AGENT);
    add(headers, header::ACCEPT, ANYTHING);
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if let Entry::Vacant(place) = headers.entry(name) {
        place.insert(value);
    }
}

/// `None` where HTTP cannot carry the URL.
fn direct_request(call: WireCall) -> Option<Request<Full<Bytes>>> {
    let uri: Uri = call.url.as_str().parse().ok()?;
    let mut request = Request::new(Full::new(call.body));
    *request.method_mut() = call.method;
    *request.uri_mut() = uri;
    *request.headers_mut() = call.headers;
    Some(request)
}

fn proxied_request(call: WireCall) -> reqwest::Request {
    let mut request = reqwest::Request::new(call.method, call.url);
    *request.headers_mut() = call.headers;
    if !call.body.is_empty() {
        *request.body_mut() = Some(call.body.into());
    }
    request
}

impl Transport for HttpTransport {
    fn send(&self, call: WireCall) -> SendFuture<'_> {
        Box::pin(async { self.attempt(call).await.map_or_else(std::convert::identity, AttemptEnd::Answered) })
    }
}

impl std::fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpTransport").finish_non_exhaustive()
    }
}

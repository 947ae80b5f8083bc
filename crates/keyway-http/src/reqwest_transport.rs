//! The transport on reqwest.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use keyway_component::is_loopback_host;
use reqwest::{
    Certificate, Client, Identity,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect, tls,
};
use url::Url;

use crate::{
    address_guard::AddressGuard,
    budget::{Body, ByteBudget, FREE_BYTES},
    options::{Proxy, TransportOptions},
    reqwest_fault,
    transport::{AttemptEnd, SendFuture, Transport, WireAnswer, WireCall, WireFault, WireFaultKind},
};

/// Idle connections are dropped before common servers drop them (5 s), so that no request meets a closing one.
const POOL_IDLE: Duration = Duration::from_secs(4);
/// More headers than this are refused.
const MAX_HEADERS: usize = 200;

/// Sends requests with reqwest: HTTP/1.1 and 2, rustls with ring, gzip and deflate. Brotli is not asked for: a body of
/// some hundred bytes can claim a window of more than 100 MiB, which no limit on bodies counts.
///
/// Clients are built when first needed: certificate stores load at the first https call.
pub struct ReqwestTransport {
    options: TransportOptions,
    budget: ByteBudget,
    /// Plain http, which goes to loopback only.
    plain: OnceLock<Result<Client, WireFault>>,
    /// https on this machine: never through a proxy.
    local_tls: OnceLock<Result<Client, WireFault>>,
    /// Everything else.
    remote: OnceLock<Result<Client, WireFault>>,
}

// === impl ReqwestTransport ===

impl ReqwestTransport {
    /// A transport with these settings; nothing is opened yet.
    #[must_use]
    pub fn new(options: TransportOptions) -> Self {
        let budget = ByteBudget::new(options.body_budget_bytes);
        let (plain, local_tls, remote) = Default::default();
        Self { options, budget, plain, local_tls, remote }
    }

    async fn attempt(&self, call: WireCall) -> AttemptEnd {
        let refused = |detail: String| AttemptEnd::NeverSent(WireFault::new(WireFaultKind::AddressRefused, detail));
        let url = match self.options.origin_map.as_ref().map(|map| map.apply(&call.url)) {
            Some(Err(unmapped)) => return refused(unmapped.to_string()),
            Some(Ok(mapped)) => mapped,
            None => call.url,
        };
        if let Err(address) = self.options.guard.check_literal(&url) {
            return refused(address.to_string());
        }
        let client = match self.client(&url) {
            Ok(client) => client,
            Err(fault) => return AttemptEnd::NeverSent(fault.clone()),
        };
        let mut request = reqwest::Request::new(call.method, url);
        *request.headers_mut() = call.headers;
        *request.timeout_mut() = Some(call.timeout);
        if !call.body.is_empty() {
            *request.body_mut() = Some(call.body.into());
        }
        let begun = Instant::now();
        match client.execute(request).await {
            Ok(response) => {
                self.read(response, call.max_body_bytes, call.timeout.saturating_sub(begun.elapsed())).await
            }
            Err(error) => reqwest_fault::while_sending(&error),
        }
    }

    /// Reads the body in pieces, up to the limit in decoded bytes: a compressed bomb is counted as what it becomes.
    async fn read(&self, mut response: reqwest::Response, limit: u64, left: Duration) -> AttemptEnd {
        let status = response.status();
        let announced = response.content_length();
        let fault = |fault: WireFault| AttemptEnd::MaybeProcessed(WireFault { status: Some(status.as_u16()), ..fault });
        let too_large = || {
            let detail = format!("the answer's body is longer than {limit} bytes; raise the limit, or ask for less");
            fault(WireFault::new(WireFaultKind::TooLarge, detail))
        };
        let headers = std::mem::take(response.headers_mut());
        let (mut first, mut rest, mut share) = (Bytes::new(), BytesMut::new(), None);
        if announced.is_some_and(|length| length > limit) {
            return too_large();
        }
        loop {
            let piece = match response.chunk().await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(error) => return fault(reqwest_fault::while_reading(&error)),
            };
            let total = first.len() + rest.len() + piece.len();
            if total as u64 > limit {
                return too_large();
            }
            if total > FREE_BYTES && share.is_none() {
                // The client's own time limits do not run while nothing is read, so this wait needs one.
                let room = self.budget.share(announced.unwrap_or(limit).min(limit));
                share = match tokio::time::timeout(left, room).await {
                    Ok(share) => share,
                    Err(_) => {
                        let detail = "other large answers took all the memory for bodies until the time was up; use less concurrency, or a larger budget";
                        return fault(WireFault::new(WireFaultKind::Timeout, detail));
                    }
                };
            }
            // Most bodies come in one piece, which is then passed on as it is.
            if first.is_empty() && rest.is_empty() {
                first = piece;
                continue;
            }
            if rest.is_empty() {
                let known = announced.and_then(|length| usize::try_from(length.min(limit)).ok());
                rest.reserve(known.unwrap_or(0).max(total * 2));
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&piece);
        }
        let bytes = if rest.is_empty() { first } else { rest.freeze() };
        AttemptEnd::Answered(WireAnswer { status, headers, body: Body::new(bytes, share) })
    }

    fn client(&self, url: &Url) -> Result<&Client, &WireFault> {
        let local = url.host_str().is_some_and(is_loopback_host);
        let made = match (url.scheme(), local) {
            ("http", _) => self.plain.get_or_init(|| self.build(false, true)),
            (_, true) => self.local_tls.get_or_init(|| self.build(true, true)),
            (_, false) => self.remote.get_or_init(|| self.build(true, false)),
        };
        made.as_ref()
    }

    fn build(&self, with_tls: bool, local: bool) -> Result<Client, WireFault> {
        // Polite to embedders: a provider that is there already stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let unusable = |detail: String| WireFault::new(WireFaultKind::Unusable, detail);
        let extra = match &self.options.ca_pem {
            Some(pem) if with_tls => Certificate::from_pem_bundle(pem)
                .map_err(|error| unusable(format!("the CA file holds no usable PEM certificates: {error}")))?,
            _ => Vec::new(),
        };
        if !with_tls {
            let nothing_trusted = self.settings(local)?.tls_certs_only([]).build();
            return nothing_trusted.map_err(|error| unusable(format!("the HTTP client cannot be set up: {error}")));
        }
        self.tls_settings(local)?.tls_certs_merge(extra.clone()).build().or_else(|error| {
            // Slim images have no certificate store; then, and only then, Mozilla's list that is built in.
            tracing::warn!(%error, "the machine's certificate store cannot be used; falling back to the built-in list");
            let built_in =
                webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| Certificate::from_der(der).ok());
            let client = self.tls_settings(local)?.tls_certs_only(built_in.chain(extra)).build();
            client.map_err(|error| unusable(format!("the TLS client cannot be set up: {error}")))
        })
    }

    /// The settings, with the client's own certificate where there is one.
    fn tls_settings(&self, local: bool) -> Result<reqwest::ClientBuilder, WireFault> {
        let builder = self.settings(local)?;
        let Some(pem) = &self.options.client_identity else { return Ok(builder) };
        // The error would quote the file, and its private key stands in that.
        let identity = Identity::from_pem(pem.expose_secret_text().as_bytes()).map_err(|_| {
            let detail = "the client certificate cannot be used; give one PEM file with the certificate and its unencrypted private key";
            WireFault::new(WireFaultKind::Unusable, detail)
        })?;
        Ok(builder.identity(identity))
    }

    /// The guard, with the proxies' own hosts let through: whoever sets a proxy means to reach it.
    fn guard_with_proxy(&self, local: bool) -> AddressGuard {
        let guard = self.options.guard.clone();
        let host_of = |url: Url| url.host_str().map(str::to_owned);
        match &self.options.proxy {
            _ if local => guard,
            Proxy::None => guard,
            Proxy::Url(url) => guard.and_allowing(host_of(url.clone())),
            Proxy::Environment => {
                let names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
                let values = names.iter().filter_map(|name| std::env::var(name).ok());
                let urls = values
                    .filter_map(|value| Url::parse(&value).or_else(|_| Url::parse(&format!("http://{value}"))).ok());
                guard.and_allowing(urls.filter_map(host_of))
            }
        }
    }

    fn settings(&self, local: bool) -> Result<reqwest::ClientBuilder, WireFault> {
        let builder = Client::builder()
            .user_agent(concat!("keyway/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.options.connect_timeout)
            .read_timeout(self.options.idle_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .http1_max_headers(MAX_HEADERS)
            .tls_version_min(tls::Version::TLS_1_2)
            .dns_resolver(Arc::new(GuardedResolver(self.guard_with_proxy(local))));
        Ok(match &self.options.proxy {
            _ if local => builder.no_proxy(),
            Proxy::None => builder.no_proxy(),
            Proxy::Environment => builder,
            Proxy::Url(url) => {
                let proxy = reqwest::Proxy::all(url.clone()).map_err(|_| {
                    WireFault::new(WireFaultKind::Unusable, "the proxy's URL cannot be used; write `http://host:port`")
                })?;
                builder.proxy(proxy)
            }
        })
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, call: WireCall) -> SendFuture<'_> {
        Box::pin(self.attempt(call))
    }
}

impl std::fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReqwestTransport").finish_non_exhaustive()
    }
}

/// Looks names up and lets only permitted addresses through: the connection uses exactly what was checked.
struct GuardedResolver(AddressGuard);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            let (mut permitted, mut refused) = (Vec::new(), None);
            for address in found {
                match guard.check(host, address.ip()) {
                    Ok(()) => permitted.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                Some(why) if permitted.is_empty() => Err(why.into()),
                _ => Ok(Box::new(permitted.into_iter()) as Addrs),
            }
        })
    }
}

//! Requests that go through a proxy, on reqwest: it knows how proxies are asked and told who asks.

use std::sync::Arc;

use bytes::Bytes;
use hyper_util::client::proxy::matcher::Matcher;
use keyway_component::is_loopback_host;
use reqwest::{Client, Request, Response, redirect};
use rustls::ClientConfig;
use url::Url;

use crate::{
    address_guard::AddressGuard,
    body_reader::Pieces,
    direct::{MAX_HEADERS, POOL_IDLE},
    faults,
    options::{Proxy, TransportOptions},
    patience::Patience,
    resolver::GuardedResolver,
    transport::{AttemptEnd, WireFault, WireFaultKind},
};

/// Where environments name a proxy.
const NAMES: &[&str] = &["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Which URLs a proxy is for.
pub(crate) enum Proxies {
    None,
    All,
    Some(Box<Matcher>),
}

/// A client that reaches everything through the proxy.
pub(crate) struct Proxied(Client);

/// An answer's body as reqwest gives it.
pub(crate) struct ProxiedBody {
    response: Response,
    patience: Patience,
}

// === impl Proxies ===

impl Proxies {
    /// What the options say, and the environment where they leave it to that.
    pub(crate) fn of(proxy: &Proxy) -> Self {
        match proxy {
            Proxy::None => Self::None,
            Proxy::Url(_) => Self::All,
            // Nothing goes past a proxy that was meant: the requests say what is wrong with it.
            Proxy::Environment if unusable_variable().is_some() => Self::All,
            Proxy::Environment if named().next().is_none() => Self::None,
            Proxy::Environment => Self::Some(Box::new(Matcher::from_env())),
        }
    }

    /// Whether there is one for this URL. Loopback is always reached directly, and so is plain http, which goes nowhere
    /// else.
    pub(crate) fn is_for(&self, url: &Url) -> bool {
        let elsewhere = || url.scheme() == "https" && !url.host_str().is_some_and(is_loopback_host);
        match self {
            Self::None => false,
            Self::All => elsewhere(),
            Self::Some(matcher) => {
                elsewhere() && url.as_str().parse().is_ok_and(|uri| matcher.intercept(&uri).is_some())
            }
        }
    }
}

/// The proxies that the environment names, each with the variable.
fn named() -> impl Iterator<Item = (&'static str, Url)> {
    let values = NAMES.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?)));
    values.filter(|(_, value)| !value.is_empty()).filter_map(|(name, value)| Some((name, read(&value)?)))
}

/// A proxy as it is named. `host:port` alone would be taken for a scheme and its path.
fn read(proxy: &str) -> Option<Url> {
    let with_scheme = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    Url::parse(&with_scheme).ok()
}

/// A variable whose proxy is of a kind that is not known.
fn unusable_variable() -> Option<&'static str> {
    named().find(|(_, url)| !is_known(url)).map(|(name, _)| name)
}

fn is_known(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

// === impl Proxied ===

impl Proxied {
    pub(crate) fn new(options: &TransportOptions, mut tls: ClientConfig) -> Result<Self, WireFault> {
        if let (Proxy::Environment, Some(name)) = (&options.proxy, unusable_variable()) {
            return Err(unusable(format!("the proxy in {name} cannot be used; write `http://host:port`")));
        }
        // What reqwest would say by itself, were the settings its own (RFC 7301).
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let builder = Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .http1_max_headers(MAX_HEADERS)
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(GuardedResolver(guard(options))));
        let builder = match &options.proxy {
            Proxy::None => builder.no_proxy(),
            Proxy::Environment => builder,
            Proxy::Url(url) => {
                let unfit = || unusable("the proxy's URL cannot be used; write `http://host:port`".to_owned());
                let url = read(url.as_str()).filter(is_known).ok_or_else(unfit)?;
                builder.proxy(reqwest::Proxy::all(url).map_err(|_| unfit())?)
            }
        };
        let client = builder.build().map_err(|error| unusable(format!("the HTTP client cannot be set up: {error}")))?;
        Ok(Self(client))
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&self, request: Request, patience: Patience) -> Result<ProxiedBody, AttemptEnd> {
        match patience.wait(self.0.execute(request)).await {
            Ok(Ok(response)) => Ok(ProxiedBody { response, patience }),
            Ok(Err(error)) if error.is_builder() => Err(faults::not_http()),
            Ok(Err(error)) if error.is_connect() => Err(faults::through_a_proxy(&error, error.is_timeout())),
            Ok(Err(error)) => Err(faults::while_sending(&error, false)),
            Err(timeout) => Err(AttemptEnd::MaybeProcessed(timeout)),
        }
    }
}

/// The guard, with the proxies' own hosts let through: whoever sets a proxy means to reach it.
fn guard(options: &TransportOptions) -> AddressGuard {
    let guard = options.guard.clone();
    let host_of = |url: Url| url.host_str().map(str::to_owned);
    match &options.proxy {
        Proxy::None => guard,
        Proxy::Url(url) => guard.and_allowing(read(url.as_str()).and_then(host_of)),
        Proxy::Environment => guard.and_allowing(named().filter_map(|(_, url)| host_of(url))),
    }
}

fn unusable(detail: String) -> WireFault {
    WireFault::new(WireFaultKind::Unusable, detail)
}

// === impl ProxiedBody ===

impl ProxiedBody {
    pub(crate) fn response(&mut self) -> &mut Response {
        &mut self.response
    }
}

impl Pieces for ProxiedBody {
    fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, WireFault> {
        self.patience.wait(self.response.chunk()).await?.map_err(|error| faults::while_reading(&error))
    }
}

//! What a host may set about its transport.

use std::time::Duration;

use keyway_component::Secret;
use url::Url;

use crate::{address_guard::AddressGuard, origin_map::OriginMap};

/// Settings of a transport. The defaults are safe for production.
#[derive(Debug, Clone)]
pub struct TransportOptions {
    /// The longest that a connection, TLS included, may take. 10 s.
    pub connect_timeout: Duration,
    /// The longest that a server may be silent in mid-answer. 30 s.
    pub idle_timeout: Duration,
    /// Bytes that all bodies above 1 MiB share. 256 MiB.
    pub body_budget_bytes: u64,
    /// PEM certificates that are trusted beside the machine's own.
    pub ca_pem: Option<Vec<u8>>,
    /// PEM text of the client's own certificate, those of its issuers, and its private key. It is shown to every server
    /// that asks for one.
    pub client_identity: Option<Secret>,
    /// The proxy. Loopback is always reached directly. With a proxy it is the proxy that looks names up, so the
    /// address guard sees literal addresses only.
    pub proxy: Proxy,
    /// Which addresses may be used.
    pub guard: AddressGuard,
    /// Where origins are found instead of where they are.
    pub origin_map: Option<OriginMap>,
}

/// Which proxy is used.
#[derive(Debug, Clone, Default)]
pub enum Proxy {
    /// None, whatever the environment says.
    None,
    /// The one of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
    #[default]
    Environment,
    /// This one.
    Url(Url),
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            body_budget_bytes: 256 << 20,
            ca_pem: None,
            client_identity: None,
            proxy: Proxy::default(),
            guard: AddressGuard::default(),
            origin_map: None,
        }
    }
}

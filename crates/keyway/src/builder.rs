//! Building a host. Everything that the command has a flag for is here too.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use keyway_component::{Origin, Redactor, Secret, component::RetryOverride};
use keyway_http::{
    AddressGuard, Clock, HttpTransport, Jitter, OriginMap, Proxy, SystemClock, SystemJitter, Transport,
    TransportOptions, UnmappedOrigin,
};
use keyway_oauth::{AccountSettings, MemoryStore, TokenStore, store::StoreKey};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    catalog::{Catalog, CatalogError},
    certificate::Certificates,
    host::{Host, OnLimit, Shared},
    observe::{Observer, Purpose, observed},
};

/// Slots for messages per permit for requests: messages that wait do not keep others from going on.
const SLOTS_PER_PERMIT: usize = 4;

/// Collects the settings of a [`Host`]. The defaults are safe for production; tokens are kept in memory.
pub struct HostBuilder {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
    overridden: Vec<String>,
    store: Option<Arc<dyn TokenStore>>,
    transport: Option<Arc<dyn Transport>>,
    observer: Option<Arc<dyn Observer>>,
    options: TransportOptions,
    private_hosts: Vec<String>,
    origin_map: Vec<(Origin, Origin)>,
    accounts: AccountSettings,
    redactor: Redactor,
    clock: Arc<dyn Clock>,
    jitter: Arc<dyn Jitter>,
    concurrency: usize,
    max_body_bytes: u64,
    attempt_timeout: Duration,
    token_timeout: Duration,
    on_limit: OnLimit,
}

/// Why a host cannot be built.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A component cannot be loaded.
    #[error(transparent)]
    Component(#[from] CatalogError),
    /// The origin map leads off this machine.
    #[error(transparent)]
    OriginMap(#[from] UnmappedOrigin),
    /// An origin map and a durable store.
    #[error("while an origin map is active tokens are kept in memory only; leave the token store out")]
    DurableDemo,
}

// === impl HostBuilder ===

impl HostBuilder {
    /// Adds every component of a folder (`component.json`, `*/component.json` or `*.json`) to the built-in ones. A file with
    /// faults is left out with a warning, and [`Host::component`] says them to who asks for it.
    #[must_use]
    pub fn components_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.folders.push(folder.as_ref().to_owned());
        self
    }

    /// Adds the component of one file.
    #[must_use]
    pub fn component_file(mut self, file: impl AsRef<Path>) -> Self {
        self.files.push(file.as_ref().to_owned());
        self
    }

    /// Lets a component of a folder or file take the place of another one of its name.
    #[must_use]
    pub fn override_component(mut self, name: impl Into<String>) -> Self {
        self.overridden.push(name.into());
        self
    }

    /// Where tokens are kept. In memory by default; `FileStore` keeps them, encrypted, across processes.
    #[must_use]
    pub fn token_store(mut self, store: impl TokenStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Another transport than [`HttpTransport`](crate::HttpTransport). All settings of timeouts, proxy, CA and addresses are then its own.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Somebody who sees every request of the host when it has ended.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The longest that a connection, TLS included, may take. 10 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// The longest that a server may be silent in mid-answer. 30 s by default.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.options.idle_timeout = timeout;
        self
    }

    /// The longest that one attempt of a message may take. 60 s by default.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// The longest that one token request may take. 30 s by default.
    #[must_use]
    pub fn token_timeout(mut self, timeout: Duration) -> Self {
        self.token_timeout = timeout;
        self
    }

    /// The most bytes of an answer's body, decoded. 64 MiB by default.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: u64) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// The bytes that all bodies above 1 MiB share. 256 MiB by default.
    #[must_use]
    pub fn body_budget_bytes(mut self, bytes: u64) -> Self {
        self.options.body_budget_bytes = bytes;
        self
    }

    /// PEM certificates that are trusted beside the machine's own.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.options.ca_pem = Some(pem.into());
        self
    }

    /// PEM text of the client's own certificate and its private key, for servers that ask for one.
    #[must_use]
    pub fn client_identity(mut self, pem: Secret) -> Self {
        self.options.client_identity = Some(pem);
        self
    }

    /// The proxy; the environment's by default.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.options.proxy = proxy;
        self
    }

    /// Lets a host be at a private address.
    #[must_use]
    pub fn allow_private_network(mut self, host: impl Into<String>) -> Self {
        self.private_hosts.push(host.into());
        self
    }

    /// Leads a real origin to one on this machine. While a map is active only demo accounts are taken, tokens stay in
    /// memory, and an origin that is not in the map is not reached.
    #[must_use]
    pub fn origin_map(mut self, pairs: impl IntoIterator<Item = (Origin, Origin)>) -> Self {
        self.origin_map.extend(pairs);
        self
    }

    /// Requests under way at once, over all connections. 16 by default. With 1, a stream's messages are sent strictly one
    /// after another.
    #[must_use]
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests.max(1);
        self
    }

    /// Retry rules over those of components and credentials.
    #[must_use]
    pub fn retry(mut self, retry: RetryOverride) -> Self {
        self.accounts.retry = retry;
        self
    }

    /// The folder of clients that credential files share by name (`"client": "acme"` is `acme.json` in it).
    #[must_use]
    pub fn clients_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.accounts.clients = Some(folder.as_ref().to_owned());
        self
    }

    /// The key that sealed secrets in credential files open with: the one of the token store.
    #[must_use]
    pub fn secret_key(mut self, key: StoreKey) -> Self {
        self.accounts.key = Some(key);
        self
    }

    /// The environment of accounts that name none.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.accounts.environment = Some(name.into());
        self
    }

    /// The grant of all accounts.
    #[must_use]
    pub fn grant(mut self, name: impl Into<String>) -> Self {
        self.accounts.grant = Some(name.into());
        self
    }

    /// What messages do when their connection is throttled for longer than they may wait.
    #[must_use]
    pub fn on_limit(mut self, on_limit: OnLimit) -> Self {
        self.on_limit = on_limit;
        self
    }

    /// A redactor that something else (a log writer) uses too.
    #[must_use]
    pub fn redactor(mut self, redactor: Redactor) -> Self {
        self.redactor = redactor;
        self
    }

    /// Another clock; for tests.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Another spread of waits; for tests.
    #[must_use]
    pub fn jitter(mut self, jitter: impl Jitter) -> Self {
        self.jitter = Arc::new(jitter);
        self
    }

    /// Builds the host. Files are read, nothing is connected.
    ///
    /// # Errors
    /// A component that cannot be loaded, or settings that contradict each other.
    pub fn build(self) -> Result<Host, BuildError> {
        let mut catalog = Catalog::with_built_in();
        for folder in &self.folders {
            catalog.add_folder(folder, &self.overridden)?;
        }
        for file in &self.files {
            catalog.add_file(file, &self.overridden)?;
        }
        let demo_only = !self.origin_map.is_empty();
        if demo_only && self.store.as_ref().is_some_and(|store| store.is_durable()) {
            return Err(BuildError::DurableDemo);
        }
        let mut options = self.options;
        options.guard = AddressGuard::allowing(self.private_hosts);
        if demo_only {
            options.origin_map = Some(OriginMap::new(self.origin_map)?);
        }
        let (transport, certificates) = match self.transport {
            Some(transport) => (transport, None),
            None => {
                let transport = Arc::new(HttpTransport::new(options));
                let observer = self.observer.clone();
                (Arc::clone(&transport) as Arc<dyn Transport>, Some(Certificates { transport, observer }))
            }
        };
        let shared = Shared {
            certificates,
            token_transport: observed(&transport, self.observer.as_ref(), Purpose::Token),
            transport: observed(&transport, self.observer.as_ref(), Purpose::Api),
            store: self.store.unwrap_or_else(|| Arc::new(MemoryStore::new())),
            redactor: self.redactor,
            clock: self.clock,
            jitter: self.jitter,
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            permits: Semaphore::new(self.concurrency.min(Semaphore::MAX_PERMITS)),
            max_body_bytes: self.max_body_bytes,
            attempt_timeout: self.attempt_timeout,
            token_timeout: self.token_timeout,
            on_limit: self.on_limit,
        };
        // One at a time means one after another: whoever asks for it relies on the order.
        let slots = if self.concurrency == 1 { 1 } else { self.concurrency.saturating_mul(SLOTS_PER_PERMIT) };
        Ok(Host::new(shared, catalog, self.accounts, demo_only, slots))
    }
}

impl Default for HostBuilder {
    fn default() -> Self {
        Self {
            folders: Vec::new(),
            files: Vec::new(),
            overridden: Vec::new(),
            store: None,
            transport: None,
            observer: None,
            options: TransportOptions::default(),
            private_hosts: Vec::new(),
            origin_map: Vec::new(),
            accounts: AccountSettings::default(),
            redactor: Redactor::default(),
            clock: Arc::new(SystemClock),
            jitter: Arc::new(SystemJitter),
            concurrency: 16,
            max_body_bytes: 64 << 20,
            attempt_timeout: Duration::from_secs(60),
            token_timeout: Duration::from_secs(30),
            on_limit: OnLimit::default(),
        }
    }
}

impl std::fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostBuilder")
            .field("folders", &self.folders)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

//! The host: components, accounts, and what all connections share.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use keyway_component::Redactor;
use keyway_http::{Clock, Jitter, Transport};
use keyway_oauth::{Account, AccountError, AccountSettings, Credential, TokenSource, TokenSourceParts, TokenStore};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admitted::Connections,
    builder::HostBuilder,
    catalog::{Catalog, CatalogError},
    certificate::Certificates,
    connection::Connection,
    failure::Failure,
    loaded::LoadedComponent,
    message::Message,
    prepared::Prepared,
};

/// Loads components, connects accounts, runs messages. Clones are the same host.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    catalog: Catalog,
    accounts: AccountSettings,
    /// While an origin map is active only demo accounts are taken.
    demo_only: bool,
    slots: usize,
    interrupted: CancellationToken,
    connections: Mutex<Connections>,
}

/// What all connections of a host share.
pub(crate) struct Shared {
    pub(crate) transport: Arc<dyn Transport>,
    /// The same for token requests; they differ where somebody looks on.
    pub(crate) token_transport: Arc<dyn Transport>,
    /// What makes those of accounts with certificates; `None` where the transport is not Keyway's.
    pub(crate) certificates: Option<Certificates>,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) redactor: Redactor,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jitter: Arc<dyn Jitter>,
    pub(crate) tasks: TaskTracker,
    pub(crate) closing: CancellationToken,
    pub(crate) permits: Semaphore,
    pub(crate) max_body_bytes: u64,
    pub(crate) attempt_timeout: Duration,
    pub(crate) token_timeout: Duration,
    pub(crate) on_limit: OnLimit,
}

/// What a message does when its connection is throttled for longer than it may wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnLimit {
    /// It fails as `rate_limited`, with the time to come back.
    #[default]
    Fail,
    /// It waits, however long that takes; nothing more is read meanwhile than there are slots.
    Wait,
}

/// Why an account cannot be connected. All of these are found without any request.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Its component cannot be had.
    #[error(transparent)]
    Component(#[from] CatalogError),
    /// The credential does not make an account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The credential names no component.
    #[error("the credential names no component; add `\"component\"`")]
    NoComponent,
    /// There is one of that name already.
    #[error("two accounts of `{component}` are named `{name}`; give one of them another name")]
    Duplicate {
        /// The component's name.
        component: String,
        /// The credential's name.
        name: String,
    },
    /// The account has a certificate, and what it would be shown with is the program's own transport.
    #[error(
        "the account `{name}` of `{component}` has a `client_certificate`, which the host's own transport cannot show; leave \
         the certificate out, or build the host without `transport`"
    )]
    OwnTransport {
        /// The component's name.
        component: String,
        /// The credential's name.
        name: String,
    },
    /// An origin map is active.
    #[error(
        "while the simulator (an origin map) is active only its own accounts are taken; leave the credential out, or the simulator"
    )]
    NotDemo,
    /// A header or a query parameter that goes with every request cannot be made.
    #[error("`{part}`, which goes with every request to `{component}`, cannot be made: {why}")]
    Part {
        /// The component's name.
        component: String,
        /// The name of the header or of the parameter.
        part: String,
        /// What is wrong.
        why: String,
    },
}

// === impl Host ===

impl Host {
    /// Starts building a host.
    #[must_use]
    pub fn builder() -> HostBuilder {
        HostBuilder::default()
    }

    pub(crate) fn new(
        shared: Shared,
        catalog: Catalog,
        accounts: AccountSettings,
        demo_only: bool,
        slots: usize,
    ) -> Self {
        let (interrupted, connections) = Default::default();
        Self(Arc::new(Inner {
            shared: Arc::new(shared),
            catalog,
            accounts,
            demo_only,
            slots,
            interrupted,
            connections,
        }))
    }

    /// The names of all components, sorted.
    #[must_use]
    pub fn component_names(&self) -> Vec<&str> {
        self.0.catalog.names()
    }

    /// A component.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn component(&self, name: &str) -> Result<Arc<LoadedComponent>, CatalogError> {
        self.0.catalog.get(name)
    }

    /// Connects an account. No request is made and no secret file is read for it.
    ///
    /// # Errors
    /// The component or the credential cannot be used.
    pub fn connect(&self, credential: Credential) -> Result<Connection, ConnectError> {
        if self.0.demo_only && !credential.is_demo() {
            return Err(ConnectError::NotDemo);
        }
        let name = credential.component().ok_or_else(|| match credential.faults() {
            Some(faults) => AccountError::Faults(Box::new(faults)).into(),
            None => ConnectError::NoComponent,
        })?;
        let loaded = self.component(&name)?;
        let mut account = Account::resolve(loaded.component(), &credential, &self.0.accounts)?;
        // Where the token tells variables, all of this is made once they are known.
        let prepared = if account.awaits_captures() { Prepared::default() } else { Prepared::of(&account)? };
        let (places, prepared) = self.admitted().shared(&mut account, prepared);
        let account = Arc::new(account);
        let shared = &self.0.shared;
        let own = match &shared.certificates {
            _ if !Certificates::are_wanted(&account) => None,
            Some(certificates) => Some(certificates.of(&account, &shared.redactor)),
            None => return Err(ConnectError::OwnTransport { component: name, name: account.name.clone() }),
        };
        let token_transport = own.as_ref().map_or(&shared.token_transport, |own| &own.token);
        let tokens = TokenSource::new(TokenSourceParts {
            account: Arc::clone(&account),
            store: Arc::clone(&shared.store),
            transport: Arc::clone(token_transport),
            redactor: shared.redactor.clone(),
            clock: Arc::clone(&shared.clock),
            jitter: Arc::clone(&shared.jitter),
            token_timeout: shared.token_timeout,
            tasks: shared.tasks.clone(),
            closing: shared.closing.clone(),
        });
        let transport = own.map(|own| own.api);
        let connection = Connection::new(Arc::clone(shared), loaded, tokens, places, prepared, transport);
        if !self.admitted().add(connection.clone()) {
            return Err(ConnectError::Duplicate { component: name, name: account.name.clone() });
        }
        Ok(connection)
    }

    /// All connections, in the order in which they were made.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.admitted().all().to_vec()
    }

    /// The connection that a message asks for, among those that were made.
    ///
    /// # Errors
    /// `unknown_component` or `unknown_credential`.
    pub fn route(&self, message: &Message) -> Result<Connection, Failure> {
        self.admitted().route(message.component.as_deref(), message.credential.as_deref())
    }

    fn admitted(&self) -> MutexGuard<'_, Connections> {
        self.0.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What masks secrets in this host's errors; for logs of one's own.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.0.shared.redactor
    }

    /// Waits for renewals that are under way. Call it before the process ends: a renewal that dies between the
    /// server's rotation and the store loses the account. Those that only wait for another attempt give up.
    pub async fn close(&self) {
        self.0.shared.closing.cancel();
        self.0.shared.tasks.close();
        self.0.shared.tasks.wait().await;
    }

    /// Ends all messages of streams that are under way: each gets an `interrupted` outcome. Renewals go on to their end;
    /// [`Host::close`] waits for them.
    pub fn interrupt(&self) {
        self.0.interrupted.cancel();
    }

    pub(crate) fn interrupted(&self) -> CancellationToken {
        self.0.interrupted.clone()
    }

    pub(crate) fn slots(&self) -> usize {
        self.0.slots
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("components", &self.component_names())
            .field("connections", &self.connections())
            .finish()
    }
}

// === impl Shared ===

impl Shared {
    /// One of the host's permits to have a request under way.
    pub(crate) async fn attempt_permit(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed; without a permit the attempt would only be less limited.
        self.permits.acquire().await.ok()
    }
}

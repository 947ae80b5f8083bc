//! A connection: component, credential and token source, ready to send.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, header::InvalidHeaderValue};
use keyway_component::{Redactor, Secret};
use keyway_http::Transport;
use keyway_oauth::{Account, Captured, Token, TokenSource, TokenStats};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use crate::{
    answer::Answer,
    chain,
    failure::{Code, Failure},
    gate::Gate,
    host::Shared,
    loaded::LoadedComponent,
    message::Message,
    pace::Pace,
    places::Places,
    prepared::Prepared,
    token_headers::{Headers, TokenHeaders},
};

/// What the API did not tell is asked for again after this.
const ASK_API_AGAIN: Duration = Duration::from_secs(60);

/// One account, ready to send. Clones share token, gate and pace.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    loaded: Arc<LoadedComponent>,
    tokens: TokenSource,
    gate: Arc<Gate>,
    /// `None` where the component sets no pace.
    pace: Option<Arc<Pace>>,
    in_flight: Option<Arc<Semaphore>>,
    places: Arc<Places>,
    prepared: Arc<Prepared>,
    token_headers: TokenHeaders,
    /// What few accounts have.
    rare: Option<Box<Rare>>,
    /// Most accounts keep nothing, and there may be thousands of them.
    kept: Mutex<Option<Box<Kept>>>,
}

#[derive(Default)]
struct Rare {
    /// Where this is a connection that a token has settled.
    told: Option<ToldByToken>,
    /// Where the account has a certificate of its own.
    transport: Option<Arc<dyn Transport>>,
}

/// What a token told.
struct ToldByToken {
    captured: Captured,
    /// The token source's account with that filled in.
    account: Arc<Account>,
}

/// What goes with every request beside the token, and is secret.
#[derive(Default)]
pub(crate) struct SecretParts {
    pub(crate) headers: HeaderMap,
    pub(crate) query: Vec<(String, Secret)>,
}

/// What is made when it is first needed.
#[derive(Default)]
struct Kept {
    /// Made again when the API has refused what was sent.
    secrets: Option<Arc<SecretParts>>,
    /// The settled connection of the last token.
    settled: Option<Connection>,
    /// Whether a token was renewed because it did not tell all that the account needs.
    asked_again: bool,
    /// When the API was last asked for what it should tell.
    asked_api: Option<Instant>,
}

// === impl Connection ===

impl Connection {
    pub(crate) fn new(
        shared: Arc<Shared>,
        loaded: Arc<LoadedComponent>,
        tokens: TokenSource,
        places: Arc<Places>,
        prepared: Arc<Prepared>,
        transport: Option<Arc<dyn Transport>>,
    ) -> Self {
        let throttle = &loaded.component().throttle;
        let in_flight = throttle.max_in_flight.map(|permits| Arc::new(Semaphore::new(permits as usize)));
        let pace = throttle.max_per_second.map(|rate| Arc::new(Pace::new(Some(rate))));
        let rare = transport.map(|transport| Box::new(Rare { transport: Some(transport), told: None }));
        let (gate, token_headers, kept) = Default::default();
        Self(Arc::new(Inner {
            shared,
            loaded,
            tokens,
            gate,
            pace,
            in_flight,
            places,
            prepared,
            token_headers,
            rare,
            kept,
        }))
    }

    /// The same connection for what a token told: it shares token, gate and pace, and has places and headers of its own.
    pub(crate) fn with_settled(&self, account: Account, prepared: Prepared, captured: Captured) -> Self {
        let of = &self.0;
        let told = ToldByToken { captured, account: Arc::new(account) };
        let transport = of.rare.as_ref().and_then(|rare| rare.transport.clone());
        let settled = Self(Arc::new(Inner {
            shared: Arc::clone(&of.shared),
            loaded: Arc::clone(&of.loaded),
            tokens: of.tokens.clone(),
            gate: Arc::clone(&of.gate),
            pace: of.pace.clone(),
            in_flight: of.in_flight.clone(),
            places: Arc::new(Places::of(&told.account.endpoints)),
            prepared: Arc::new(prepared),
            token_headers: TokenHeaders::default(),
            rare: Some(Box::new(Rare { told: Some(told), transport })),
            kept: Mutex::default(),
        }));
        self.kept().get_or_insert_default().settled = Some(settled.clone());
        settled
    }

    pub(crate) fn settled_before(&self) -> Option<Self> {
        self.kept().as_ref()?.settled.clone()
    }

    /// Whether a token that does not tell all may be renewed for that: once, since a server may never tell it.
    pub(crate) fn may_ask_again(&self) -> bool {
        !std::mem::replace(&mut self.kept().get_or_insert_default().asked_again, true)
    }

    /// Whether the API may be asked again for what it should tell: not by every message, since it may never do so.
    pub(crate) fn may_ask_api(&self) -> bool {
        let mut kept = self.kept();
        let last = &mut kept.get_or_insert_default().asked_api;
        let may = last.is_none_or(|last| last.elapsed() > ASK_API_AGAIN);
        if may {
            *last = Some(Instant::now());
        }
        may
    }

    /// Whether a token told what this connection was made with.
    pub(crate) fn is_settled_for(&self, token: &Token) -> bool {
        self.told().is_none_or(|told| told.captured.is_same(&token.captured))
    }

    fn kept(&self) -> MutexGuard<'_, Option<Box<Kept>>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one message.
    ///
    /// # Errors
    /// A [`Failure`]; an answer of 400 and above is one that holds the [`Answer`].
    pub async fn send(&self, message: Message) -> Result<Answer, Failure> {
        chain::run(self, &message).await
    }

    /// The component's name.
    #[must_use]
    pub fn component_name(&self) -> &str {
        &self.account().component.name
    }

    /// The credential's name.
    #[must_use]
    pub fn credential_name(&self) -> &str {
        &self.account().name
    }

    /// The resolved account.
    #[must_use]
    pub fn account(&self) -> &Arc<Account> {
        self.told().map_or_else(|| self.0.tokens.account(), |told| &told.account)
    }

    /// Its token source.
    #[must_use]
    pub fn tokens(&self) -> &TokenSource {
        &self.0.tokens
    }

    /// What its token source has done so far.
    #[must_use]
    pub fn token_stats(&self) -> TokenStats {
        self.0.tokens.stats()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0.shared
    }

    pub(crate) fn loaded(&self) -> &LoadedComponent {
        &self.0.loaded
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.0.shared.redactor
    }

    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.0.gate
    }

    pub(crate) fn pace(&self) -> Option<&Pace> {
        self.0.pace.as_deref()
    }

    pub(crate) fn places(&self) -> &Arc<Places> {
        &self.0.places
    }

    /// What its requests have in common.
    pub(crate) fn prepared(&self) -> &Arc<Prepared> {
        &self.0.prepared
    }

    /// What sends the account's messages.
    pub(crate) fn transport(&self) -> &dyn Transport {
        let own = self.0.rare.as_ref().and_then(|rare| rare.transport.as_ref());
        own.unwrap_or(&self.0.shared.transport).as_ref()
    }

    fn told(&self) -> Option<&ToldByToken> {
        self.0.rare.as_ref()?.told.as_ref()
    }

    /// The headers that carry a token.
    pub(crate) fn token_headers(&self, token: &Arc<Token>) -> Result<Headers, InvalidHeaderValue> {
        self.0.token_headers.of(token, &self.0.prepared.authorization)
    }

    /// The component's headers and query parameters that name a secret, filled in.
    pub(crate) async fn secret_parts(&self) -> Result<Arc<SecretParts>, Failure> {
        if let Some(parts) = self.kept().as_ref().and_then(|kept| kept.secrets.clone()) {
            return Ok(parts);
        }
        // Boxed: it is done once, and every attempt would have room for it.
        let parts = Arc::new(Box::pin(self.fill_secret_parts()).await?);
        self.kept().get_or_insert_default().secrets = Some(Arc::clone(&parts));
        Ok(parts)
    }

    /// Has those read anew: what was refused may have been rotated.
    pub(crate) fn forget_secret_parts(&self) {
        if let Some(kept) = self.kept().as_mut() {
            kept.secrets = None;
        }
    }

    async fn fill_secret_parts(&self) -> Result<SecretParts, Failure> {
        let mut parts = SecretParts::default();
        let unfit = |name: &str, why: String| {
            let why = format!("`{name}`, which goes with every request, cannot be made: {why}");
            Failure::new(Code::TokenUnavailable, why)
        };
        let account = self.account();
        for (name, template) in &self.0.prepared.secret_headers {
            let text = account.fill_with_secrets(template, self.redactor()).await;
            let text = text.map_err(|why| unfit(name.as_str(), why))?;
            let value = HeaderValue::try_from(text.expose_secret_text());
            let forbidden = |_| unfit(name.as_str(), "its value has characters that HTTP forbids".to_owned());
            let mut value = value.map_err(forbidden)?;
            value.set_sensitive(true);
            parts.headers.insert(name, value);
        }
        for (name, template) in &self.0.prepared.secret_query {
            let text = account.fill_with_secrets(template, self.redactor()).await;
            parts.query.push((name.clone(), text.map_err(|why| unfit(name, why))?));
        }
        Ok(parts)
    }

    /// Whether a header is the account's own, whatever a message says.
    pub(crate) fn is_account_header(&self, lower_name: &str) -> bool {
        self.0.prepared.authorization.iter().any(|(name, _)| name == lower_name)
            || self.0.prepared.secret_headers.iter().any(|(name, _)| name == lower_name)
            || (lower_name == "dpop" && self.account().component.oauth2.dpop)
    }

    /// The component's own limit on requests under way, where it has one.
    pub(crate) async fn own_permit(&self) -> Option<SemaphorePermit<'_>> {
        match &self.0.in_flight {
            // The semaphore is never closed; without a permit the attempt would only be less limited.
            Some(permits) => permits.acquire().await.ok(),
            None => None,
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.account().label()).finish()
    }
}

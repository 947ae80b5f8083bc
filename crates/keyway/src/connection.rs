//! A connection: component, credential and token source, ready to send.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use keyway_component::{Redactor, Secret, Template};
use keyway_oauth::{Account, Token, TokenSource, TokenStats};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    answer::Answer,
    authorization_header::AuthorizationHeader,
    catalog::LoadedComponent,
    chain,
    failure::{Code, Failure},
    gate::Gate,
    host::Shared,
    message::Message,
    pace::Pace,
    places::Places,
};

/// One account, ready to send. Clones share token, gate and pace.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    loaded: Arc<LoadedComponent>,
    tokens: TokenSource,
    /// The token source's, or the same with what the token told.
    account: Arc<Account>,
    gate: Arc<Gate>,
    /// `None` where the component sets no pace.
    pace: Option<Arc<Pace>>,
    in_flight: Option<Arc<Semaphore>>,
    places: Arc<Places>,
    prepared: Prepared,
    /// Filled in when first needed, and again when the API has refused what was sent.
    secret_headers: Mutex<Option<Arc<HeaderMap>>>,
    /// What the token told, where this is a connection that is settled.
    captured: Option<BTreeMap<String, Secret>>,
    /// The settled connection of the last token.
    settled: Mutex<Option<Connection>>,
}

/// The parts of requests that are the same for every message, made once.
#[derive(Default)]
pub(crate) struct Prepared {
    pub(crate) headers: HeaderMap,
    /// Headers that name a secret: they are filled in at the first attempt, and go only where the token goes.
    pub(crate) secret_headers: Vec<(HeaderName, Template)>,
    pub(crate) query: Vec<(String, String)>,
    /// The headers that the token goes into.
    pub(crate) authorization: Box<[AuthorizationHeader]>,
    /// The query parameters that it goes into.
    pub(crate) authorization_query: Box<[String]>,
}

// === impl Connection ===

impl Connection {
    pub(crate) fn new(
        shared: Arc<Shared>,
        loaded: Arc<LoadedComponent>,
        tokens: TokenSource,
        places: Arc<Places>,
        prepared: Prepared,
    ) -> Self {
        let throttle = &loaded.component().throttle;
        let in_flight = throttle.max_in_flight.map(|permits| Arc::new(Semaphore::new(permits as usize)));
        let pace = throttle.max_per_second.map(|rate| Arc::new(Pace::new(Some(rate))));
        let account = Arc::clone(tokens.account());
        let gate = Arc::default();
        let (secret_headers, settled) = Default::default();
        Self(Arc::new(Inner {
            shared,
            loaded,
            tokens,
            account,
            gate,
            pace,
            in_flight,
            places,
            prepared,
            secret_headers,
            captured: None,
            settled,
        }))
    }

    /// The same connection for what a token told: it shares token, gate and pace, and has places and headers of its own.
    pub(crate) fn with_settled(
        &self,
        account: Account,
        prepared: Prepared,
        captured: BTreeMap<String, Secret>,
    ) -> Self {
        let (secret_headers, none) = Default::default();
        let of = &self.0;
        let settled = Self(Arc::new(Inner {
            shared: Arc::clone(&of.shared),
            loaded: Arc::clone(&of.loaded),
            tokens: of.tokens.clone(),
            gate: Arc::clone(&of.gate),
            pace: of.pace.clone(),
            in_flight: of.in_flight.clone(),
            places: Arc::new(Places::of(&account.endpoints)),
            account: Arc::new(account),
            prepared,
            secret_headers,
            captured: Some(captured),
            settled: none,
        }));
        *of.settled.lock().unwrap_or_else(PoisonError::into_inner) = Some(settled.clone());
        settled
    }

    pub(crate) fn settled_before(&self) -> Option<Self> {
        self.0.settled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a token told what this connection was made with.
    pub(crate) fn is_settled_for(&self, token: &Token) -> bool {
        self.0.captured.as_ref().is_none_or(|captured| token.captured_the_same(captured))
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
        &self.0.account
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

    pub(crate) fn static_headers(&self) -> &HeaderMap {
        &self.0.prepared.headers
    }

    pub(crate) fn authorization_headers(&self) -> &[AuthorizationHeader] {
        &self.0.prepared.authorization
    }

    pub(crate) fn authorization_query(&self) -> &[String] {
        &self.0.prepared.authorization_query
    }

    /// The component's headers that name a secret, filled in.
    pub(crate) async fn secret_headers(&self) -> Result<Arc<HeaderMap>, Failure> {
        let held = || self.0.secret_headers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(headers) = held().as_ref() {
            return Ok(Arc::clone(headers));
        }
        let headers = Arc::new(self.fill_secret_headers().await?);
        *held() = Some(Arc::clone(&headers));
        Ok(headers)
    }

    /// The names of those headers.
    pub(crate) fn secret_header_names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.prepared.secret_headers.iter().map(|(name, _)| name)
    }

    /// Has those headers read anew: what was refused may have been rotated.
    pub(crate) fn forget_secret_headers(&self) {
        *self.0.secret_headers.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn fill_secret_headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        for (name, template) in &self.0.prepared.secret_headers {
            let unfit = |why: String| {
                Failure::new(Code::TokenUnavailable, format!("the header `{name}` cannot be made: {why}"))
            };
            let text = self.account().fill_with_secrets(template, self.redactor()).await.map_err(unfit)?;
            let value = HeaderValue::try_from(text.expose_secret_text());
            let mut value = value.map_err(|_| unfit("its value has characters that HTTP forbids".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    pub(crate) fn static_query(&self) -> &[(String, String)] {
        &self.0.prepared.query
    }

    /// Whether a header is the account's own, whatever a message says.
    pub(crate) fn is_account_header(&self, lower_name: &str) -> bool {
        self.authorization_headers().iter().any(|header| header.name() == lower_name)
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

//! A connection: component, credential and token source, ready to send.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue};
use keyway_component::{Redactor, Template};
use keyway_oauth::{Account, TokenSource, TokenStats};
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
    gate: Arc<Gate>,
    pace: Pace,
    in_flight: Option<Semaphore>,
    places: Arc<Places>,
    prepared: Prepared,
    /// Filled in when first needed, and again when the API has refused what was sent.
    secret_headers: Mutex<Option<Arc<HeaderMap>>>,
}

/// The parts of requests that are the same for every message, made once.
#[derive(Default)]
pub(crate) struct Prepared {
    pub(crate) headers: HeaderMap,
    /// Headers that name a secret: they are filled in at the first attempt, and go only where the token goes.
    pub(crate) secret_headers: Vec<(HeaderName, Template)>,
    pub(crate) query: Vec<(String, String)>,
    /// Where the token goes, if that is a header.
    pub(crate) authorization: Option<AuthorizationHeader>,
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
        let in_flight = throttle.max_in_flight.map(|permits| Semaphore::new(permits as usize));
        let pace = Pace::new(throttle.max_per_second);
        let gate = Arc::default();
        let secret_headers = Mutex::default();
        Self(Arc::new(Inner { shared, loaded, tokens, gate, pace, in_flight, places, prepared, secret_headers }))
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
        self.0.tokens.account()
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

    pub(crate) fn pace(&self) -> &Pace {
        &self.0.pace
    }

    pub(crate) fn places(&self) -> &Arc<Places> {
        &self.0.places
    }

    pub(crate) fn static_headers(&self) -> &HeaderMap {
        &self.0.prepared.headers
    }

    pub(crate) fn authorization_header(&self) -> Option<&AuthorizationHeader> {
        self.0.prepared.authorization.as_ref()
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
        self.authorization_header().is_some_and(|header| header.name() == lower_name)
            || self.0.prepared.secret_headers.iter().any(|(name, _)| name == lower_name)
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

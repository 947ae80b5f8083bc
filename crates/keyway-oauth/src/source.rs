//! The token of one account: kept, judged, renewed once for all who wait.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use futures_util::FutureExt;
use keyway_component::Redactor;
use keyway_http::{Clock, Jitter, Transport};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    account::Account,
    exchange::{Offer, Request},
    fault::{TokenError, TokenErrorKind, TokenFault, TokenFaultKind},
    freshness::{Freshness, RenewalReason},
    plan::{Plan, plan},
    renewal::{renew, sign_in_required, store_later},
    shared::{Flight, Inner, Outcome, State, remember},
    store::{MemoryStore, StoreError, Stored, TokenKey, TokenStore},
    token::Token,
};

/// Gives one account's token. Clones share it.
#[derive(Clone)]
pub struct TokenSource(Arc<Inner>);

/// What a [`TokenSource`] is made of.
pub struct TokenSourceParts {
    /// The account.
    pub account: Arc<Account>,
    /// Where its token rests.
    pub store: Arc<dyn TokenStore>,
    /// How token requests travel.
    pub transport: Arc<dyn Transport>,
    /// What learns its secrets.
    pub redactor: Redactor,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The spread of waits.
    pub jitter: Arc<dyn Jitter>,
    /// The longest that one token request may take.
    pub token_timeout: Duration,
    /// Where renewals run, so that the end of the process can wait for them.
    pub tasks: TaskTracker,
    /// Cancelled when the process ends: renewals that only wait for another attempt give up.
    pub closing: CancellationToken,
}

/// What a token source has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenStats {
    /// Requests to the token endpoint.
    pub token_requests: u64,
    /// Answers of the API that refused a token.
    pub rejections: u64,
    /// When the current token ends.
    pub expires_at: Option<SystemTime>,
}

// === impl TokenSource ===

impl TokenSource {
    /// A source that has no token yet. Nothing is read or asked for until [`TokenSource::token`].
    #[must_use]
    pub fn new(parts: TokenSourceParts) -> Self {
        let TokenSourceParts { account, store, transport, redactor, clock, jitter, token_timeout, tasks, closing } =
            parts;
        account.register_secrets(&redactor);
        // A key is read where the credential says, whenever it is needed: it rests nowhere else, and another key counts at
        // once.
        let store =
            if account.grant.is_unasked() { Arc::new(MemoryStore::new()) as Arc<dyn TokenStore> } else { store };
        let parts = account.fingerprint_parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let key = TokenKey {
            component: account.component.name.clone(),
            environment: account.environment.clone(),
            credential: account.name.clone(),
            fingerprint: store.keyed_hash(&parts),
        };
        let (stats, state) = Default::default();
        Self(Arc::new(Inner {
            account,
            rare: std::sync::OnceLock::new(),
            key,
            store,
            transport,
            redactor,
            clock,
            jitter,
            token_timeout,
            stats,
            tasks,
            closing,
            state,
        }))
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &Arc<Account> {
        &self.0.account
    }

    /// A token that serves, renewed first if it must be. All who ask at once share one renewal, and a caller that goes
    /// away does not interrupt it. `rejected` is a token that the API has refused: it is not given again.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn token(&self, rejected: Option<&Arc<Token>>) -> Outcome {
        let flight = {
            let mut state = self.0.state();
            let current = state.current.clone();
            let wanted = current.as_ref().filter(|token| !rejected.is_some_and(|rejected| rejected.is_same(token)));
            let reason = match wanted.map(|token| (token, self.0.freshness(token))) {
                Some((token, Freshness::Fresh)) => return Ok(Arc::clone(token)),
                Some((token, Freshness::RenewSoon)) if self.0.renews_beside() => {
                    if state.flight.is_none() && !state.failed_lately() {
                        // Nobody waits for it: the task goes on by itself.
                        drop(self.start(&mut state, RenewalReason::Expiring, current.clone(), None));
                    }
                    return Ok(Arc::clone(token));
                }
                Some((token, Freshness::RenewSoon)) => return Ok(Arc::clone(token)),
                Some((_, Freshness::Stale)) => RenewalReason::Expiring,
                None if current.is_some() => RenewalReason::Rejected,
                None => RenewalReason::Missing,
            };
            if reason == RenewalReason::Rejected && state.flight.is_none() {
                self.0.stats.rejections.fetch_add(1, Ordering::Relaxed);
            }
            match &state.flight {
                Some(flight) => flight.clone(),
                None => {
                    if let Some(error) = state.remembered_failure() {
                        return self.0.old_but_good(&state, rejected).ok_or(error);
                    }
                    let replace = if reason == RenewalReason::Missing { None } else { current };
                    self.start(&mut state, reason, replace, None)
                }
            }
        };
        match flight.await {
            Err(error) if error.kind == TokenErrorKind::Unavailable => {
                // An outage of the token endpoint harms nobody while the token that there is still serves.
                let good = self.0.old_but_good(&self.0.state(), rejected);
                good.ok_or(error)
            }
            outcome => outcome,
        }
    }

    /// Whether this token was found in the store, so that nobody knows whether it still serves.
    #[must_use]
    pub fn is_adopted(&self, token: &Token) -> bool {
        self.0.state().adopted.as_ref().is_some_and(|adopted| adopted.is_same(token))
    }

    /// The current token, if there is one in this process or in the store. No request is made.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn current(&self) -> Result<Option<Arc<Token>>, StoreError> {
        let held = self.0.state().current.clone();
        match held {
            Some(token) => Ok(Some(token)),
            None => Ok(self.0.store.load(&self.0.key).await?.token.map(Arc::new)),
        }
    }

    /// Whether a token can be had without a person, as far as that can be told without a request.
    ///
    /// # Errors
    /// A person has to sign in, or the store cannot be read.
    pub async fn ready(&self) -> Result<(), TokenError> {
        let stored = self.0.store.load(&self.0.key).await?;
        let beginning = self.0.beginning().await?;
        match plan(&self.0.facts(&stored, &beginning)) {
            Plan::SignIn(why) => Err(sign_in_required(&self.0, why)),
            Plan::Use => {
                // A renewal that follows at once would say this itself.
                if let Some(pending) = &stored.pending {
                    tracing::warn!(
                        event = "renewal_interrupted", account = %self.0.account.label(), what = %pending.what, since = pending.since,
                        "an earlier renewal was interrupted before its answer was stored; the token that there is still serves"
                    );
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Gets a new token now, however good the one that there is. One that another process has just got counts.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn renew(&self) -> Outcome {
        let current = self.current().await?;
        let flight = {
            let mut state = self.0.state();
            state.failed = None;
            match &state.flight {
                Some(flight) => flight.clone(),
                None => self.start(&mut state, RenewalReason::Asked, current, None),
            }
        };
        flight.await
    }

    /// Begins anew with the grant's own inputs, however good the token that there is: shows whether they are right.
    ///
    /// # Errors
    /// There is no token for them; a token that there was before is untouched.
    pub async fn mint(&self) -> Outcome {
        self.ask(Request::Mint).await
    }

    /// Gets the token for what a person brings.
    pub(crate) async fn redeem(&self, offer: Offer) -> Outcome {
        self.ask(Request::Redeem(offer)).await
    }

    /// Sends one request, once nobody renews any more.
    async fn ask(&self, request: Request) -> Outcome {
        let flight = loop {
            let other = {
                let mut state = self.0.state();
                match &state.flight {
                    Some(other) => other.clone(),
                    None => break self.start(&mut state, RenewalReason::SignIn, None, Some(request)),
                }
            };
            // Whatever becomes of it: what a person brings comes after it.
            let _ = other.await;
        };
        flight.await
    }

    /// Asks once whether a device code has become a token, and stores it. In a task of its own, like every renewal.
    pub(crate) async fn redeem_device_code(&self, offer: Offer) -> Result<Arc<Token>, TokenFault> {
        let inner = Arc::clone(&self.0);
        let task = self.0.tasks.spawn(async move {
            let token = Arc::new(crate::renewal::redeem_device_code(&inner, offer).await?);
            let stores_later = {
                let mut state = inner.state();
                state.renewed(&token);
                state.begins_to_store()
            };
            if stores_later {
                store_again(&inner);
            }
            Ok(token)
        });
        task.await.unwrap_or_else(|error| {
            Err(TokenFault::new(TokenFaultKind::Invalid, format!("the sign-in ended without a result: {error}")))
        })
    }

    /// What is stored for the account: its token, and a request that was begun and whose end nobody noted.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn stored(&self) -> Result<Stored, StoreError> {
        let stored = self.0.store.load(&self.0.key).await?;
        self.0.know(stored.token.as_ref());
        Ok(stored)
    }

    /// Whether the newest token is in the store, or there is none: `false` while it lives in this process only.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.0.state().unstored.is_none()
    }

    /// Under which name the token is stored.
    #[must_use]
    pub fn key(&self) -> &TokenKey {
        &self.0.key
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> TokenStats {
        TokenStats {
            token_requests: self.0.stats.token_requests.load(Ordering::Relaxed),
            rejections: self.0.stats.rejections.load(Ordering::Relaxed),
            expires_at: self.0.state().current.as_ref().and_then(|token| token.expires_at),
        }
    }

    /// Starts the one renewal, in a task of its own.
    fn start(
        &self,
        state: &mut State,
        reason: RenewalReason,
        replace: Option<Arc<Token>>,
        asked: Option<Request>,
    ) -> Flight {
        let inner = Arc::clone(&self.0);
        let task = self.0.tasks.spawn(async move {
            // Also a renewal that ends by a panic makes way for the next one.
            let landing = Landing(Arc::clone(&inner));
            let signs_in = asked.is_some();
            let outcome = renew(&inner, reason, replace.as_deref(), asked).await.map(Arc::new);
            let mut state = inner.state();
            match &outcome {
                Ok(token) => state.renewed(token),
                // What a person brought in vain says nothing about the token that there is, and who brought it is told.
                Err(_) if signs_in => {}
                Err(error) => {
                    let (event, account) = ("token_failed", inner.account.label());
                    tracing::warn!(event, %account, %reason, why = %error, "no token");
                    state.failed = Some(Box::new((Instant::now() + remember(error), error.clone())));
                }
            }
            let stores_later = state.begins_to_store();
            drop(state);
            drop(landing);
            if stores_later {
                store_again(&inner);
            }
            outcome
        });
        let flight: Flight = task
            .map(|ended| {
                ended.unwrap_or_else(|error| {
                    let why = format!("the renewal ended without a result: {error}");
                    Err(TokenError::new(TokenErrorKind::Unavailable, why))
                })
            })
            .boxed()
            .shared();
        state.flight = Some(flight.clone());
        flight
    }
}

/// Sees to a token that the store could not take, in a task of its own.
fn store_again(inner: &Arc<Inner>) {
    let later = Arc::clone(inner);
    inner.tasks.spawn(async move { store_later(&later).await });
}

/// Takes the flight off the board when its task ends, however it ends.
struct Landing(Arc<Inner>);

impl Drop for Landing {
    fn drop(&mut self) {
        self.0.state().flight = None;
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TokenSource").field(&self.0.account.label()).finish()
    }
}

//! The token of one account: kept, judged, renewed once for all who wait.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use keyway_component::Redactor;
use keyway_http::{Clock, Jitter, Transport};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::{
    account::{Account, Grant},
    fault::{TokenError, TokenErrorKind},
    freshness::{Freshness, RenewalReason, freshness},
    plan::{Facts, Plan, plan},
    renewal::renew,
    store::{Stored, TokenKey, TokenStore},
    token::Token,
};

/// A refusal is told to all who ask within this time, without asking again.
const REMEMBER_DENIAL: Duration = Duration::from_secs(60);
/// An outage is looked at again sooner.
const REMEMBER_OUTAGE: Duration = Duration::from_secs(10);

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

pub(crate) struct Inner {
    pub(crate) account: Arc<Account>,
    pub(crate) key: TokenKey,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) redactor: Redactor,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jitter: Arc<dyn Jitter>,
    pub(crate) token_timeout: Duration,
    pub(crate) stats: Counters,
    tasks: TaskTracker,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) token_requests: AtomicU64,
    rejections: AtomicU64,
}

type Outcome = Result<Arc<Token>, TokenError>;
type Flight = Shared<BoxFuture<'static, Outcome>>;

#[derive(Default)]
struct State {
    current: Option<Arc<Token>>,
    flight: Option<Flight>,
    failed: Option<(Instant, TokenError)>,
}

// === impl TokenSource ===

impl TokenSource {
    /// A source that has no token yet. Nothing is read or asked for until [`TokenSource::token`].
    #[must_use]
    pub fn new(parts: TokenSourceParts) -> Self {
        let TokenSourceParts { account, store, transport, redactor, clock, jitter, token_timeout, tasks } = parts;
        account.register_secrets(&redactor);
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
            key,
            store,
            transport,
            redactor,
            clock,
            jitter,
            token_timeout,
            stats,
            tasks,
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
            let reason = match wanted.map(|token| (token, freshness(token, self.0.clock.now()))) {
                Some((token, Freshness::Fresh)) => return Ok(Arc::clone(token)),
                Some((token, Freshness::RenewSoon)) if self.0.renews_beside() => {
                    if state.flight.is_none() && !state.failed_lately() {
                        // Nobody waits for it: the task goes on by itself.
                        drop(self.start(&mut state, RenewalReason::Expiring, current.clone()));
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
                    self.start(&mut state, reason, replace)
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

    /// The current token, if there is one in this process or in the store. No request is made.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn current(&self) -> Result<Option<Arc<Token>>, crate::store::StoreError> {
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
        let stored = self.0.store.load(&self.0.key).await.map_err(|error| TokenError {
            kind: TokenErrorKind::Unavailable,
            message: error.to_string(),
            oauth: None,
            retry_after: None,
        })?;
        let begins_with = self.0.begins_with().await;
        let facts = Facts {
            stored: &stored,
            replace: None,
            now: self.0.clock.now(),
            begins_with: begins_with.as_deref(),
            can_refresh: self.0.account.component.oauth2.grants.refresh_token.is_some(),
            refresh_refused: false,
            mints_anew: self.0.account.mints_anew(),
        };
        match plan(&facts) {
            // The renewal says in its own words why a person is needed, and asks nobody for that.
            Plan::SignIn(_) => self.token(None).await.map(|_| ()),
            _ => Ok(()),
        }
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
    fn start(&self, state: &mut State, reason: RenewalReason, replace: Option<Arc<Token>>) -> Flight {
        let inner = Arc::clone(&self.0);
        let task = self.0.tasks.spawn(async move {
            let outcome = renew(&inner, reason, replace.as_deref()).await.map(Arc::new);
            let mut state = inner.state();
            state.flight = None;
            match &outcome {
                Ok(token) => {
                    state.current = Some(Arc::clone(token));
                    state.failed = None;
                }
                Err(error) => {
                    let (event, account) = ("token_failed", inner.account.label());
                    tracing::warn!(event, %account, %reason, why = %error, "no token");
                    state.failed = Some((Instant::now() + remember(error), error.clone()));
                }
            }
            outcome
        });
        let flight: Flight = task
            .map(|ended| {
                ended.unwrap_or_else(|error| {
                    Err(TokenError {
                        kind: TokenErrorKind::Unavailable,
                        message: format!("the renewal ended without a result: {error}"),
                        oauth: None,
                        retry_after: None,
                    })
                })
            })
            .boxed()
            .shared();
        state.flight = Some(flight.clone());
        flight
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TokenSource").field(&self.0.account.label()).finish()
    }
}

// === impl Inner ===

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a renewal may begin while the old token is in use: only where that does not kill it.
    fn renews_beside(&self) -> bool {
        let oauth2 = &self.account.component.oauth2;
        let mints = self.account.mints_anew() && oauth2.grants.refresh_token.is_none();
        mints || oauth2.old_token_survives
    }

    /// The token that there is, if it has not ended and was not refused.
    fn old_but_good(&self, state: &State, rejected: Option<&Arc<Token>>) -> Option<Arc<Token>> {
        let token = state.current.as_ref()?;
        let refused = rejected.is_some_and(|rejected| rejected.is_same(token));
        let ended = token.expires_at.is_some_and(|end| end <= self.clock.now());
        (!refused && !ended).then(|| Arc::clone(token))
    }

    /// The stored record, or this process's own token where the store does not have it (it could not be written).
    pub(crate) fn newest(&self, mut stored: Stored) -> Stored {
        let state = self.state();
        let newer = |held: &Arc<Token>| stored.token.as_ref().is_none_or(|token| token.obtained_at < held.obtained_at);
        if let Some(held) = state.current.as_ref().filter(|held| newer(held)) {
            stored.token = Some(held.as_ref().clone());
        }
        stored
    }

    /// Keyed hash of the credential's code or refresh token, where its grant begins with one.
    pub(crate) async fn begins_with(&self) -> Option<String> {
        let name = match self.account.grant {
            Grant::AuthorizationCode => "code",
            Grant::RefreshToken => "refresh_token",
            _ => return None,
        };
        let secret = self.account.inputs.secrets.get(name)?.read().await.ok()?;
        Some(self.store.keyed_hash(&[name, secret.expose_secret_text()]))
    }
}

// === impl State ===

impl State {
    fn failed_lately(&self) -> bool {
        self.failed.as_ref().is_some_and(|(until, _)| *until > Instant::now())
    }

    fn remembered_failure(&mut self) -> Option<TokenError> {
        if !self.failed_lately() {
            self.failed = None;
        }
        let (until, error) = self.failed.as_ref()?;
        let left = until.saturating_duration_since(Instant::now());
        let retry_after = error.retry_after.map(|_| left);
        Some(TokenError { retry_after, ..error.clone() })
    }
}

/// H03: how long a failed renewal speaks for the next ones.
fn remember(error: &TokenError) -> Duration {
    match error.kind {
        TokenErrorKind::Unavailable => {
            error.retry_after.unwrap_or(REMEMBER_OUTAGE).clamp(REMEMBER_OUTAGE, REMEMBER_DENIAL)
        }
        _ => REMEMBER_DENIAL,
    }
}

/// A time as RFC 3339 in UTC, for logs and summaries.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    chrono::DateTime::<chrono::Utc>::from(time).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

//! What a token source and its renewals share: the account's parts, the current token, the one renewal under way.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

use futures_util::future::{BoxFuture, Shared};
use keyway_component::Redactor;
use keyway_http::{Clock, Jitter, Transport};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    account::Account,
    dpop::Nonces,
    exchange::Exchange,
    fault::{TokenError, TokenErrorKind, TokenFault},
    freshness::Freshness,
    plan::Facts,
    spent::Beginning,
    store::{Stored, TokenKey, TokenStore, Version},
    token::Token,
};

/// A refusal is told to all who ask within this time, without asking again.
const REMEMBER_DENIAL: Duration = Duration::from_secs(60);
/// An outage is looked at again sooner.
const REMEMBER_OUTAGE: Duration = Duration::from_secs(10);

/// The parts of one account's token source.
pub(crate) struct Inner {
    pub(crate) account: Arc<Account>,
    /// What few accounts need.
    pub(crate) rare: OnceLock<Box<Rare>>,
    pub(crate) key: TokenKey,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) redactor: Redactor,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jitter: Arc<dyn Jitter>,
    pub(crate) token_timeout: Duration,
    pub(crate) stats: Counters,
    pub(crate) tasks: TaskTracker,
    pub(crate) closing: CancellationToken,
    pub(crate) state: Mutex<State>,
}

/// What only accounts have whose tokens are bound to a key, or whose server tells its endpoints.
#[derive(Default)]
pub(crate) struct Rare {
    /// Nonces of the servers that this account talks to.
    pub(crate) nonces: Nonces,
    /// The account with the endpoints that its server told.
    pub(crate) discovered: OnceLock<Arc<Account>>,
    /// Held by who asks the server for them: when it was last asked in vain, and what became of that.
    pub(crate) discovering: tokio::sync::Mutex<Option<(Instant, TokenFault)>>,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) token_requests: AtomicU64,
    pub(crate) rejections: AtomicU64,
}

pub(crate) type Outcome = Result<Arc<Token>, TokenError>;
pub(crate) type Flight = Shared<BoxFuture<'static, Outcome>>;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) current: Option<Arc<Token>>,
    pub(crate) flight: Option<Flight>,
    pub(crate) failed: Option<Box<(Instant, TokenError)>>,
    /// The token that was found in the store last.
    pub(crate) adopted: Option<Box<Token>>,
    pub(crate) unstored: Option<Box<Unstored>>,
    /// Whether somebody sees to that.
    pub(crate) stores_later: bool,
}

/// A token that the store could not take.
#[derive(Clone)]
pub(crate) struct Unstored {
    pub(crate) token: Token,
    /// What the store held instead.
    pub(crate) instead_of: Version,
}

// === impl Inner ===

impl Inner {
    pub(crate) fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }

    /// The account as far as it is known.
    pub(crate) fn known(&self) -> &Arc<Account> {
        self.rare.get().and_then(|rare| rare.discovered.get()).unwrap_or(&self.account)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What sends one token request.
    pub(crate) fn exchange(&self) -> Exchange<'_> {
        Exchange {
            account: self.known(),
            transport: self.transport.as_ref(),
            redactor: &self.redactor,
            rare: &self.rare,
            clock: self.clock.as_ref(),
            timeout: self.token_timeout,
            requests: &self.stats.token_requests,
        }
    }

    /// Whether a renewal may begin while the old token is in use: only where that does not kill it.
    pub(crate) fn renews_beside(&self) -> bool {
        let oauth2 = &self.account.component.oauth2;
        let mints = self.account.mints_anew() && oauth2.grants.refresh_token.is_none();
        mints || oauth2.old_token_survives
    }

    /// The token that there is, if it has not ended and was not refused.
    pub(crate) fn old_but_good(&self, state: &State, rejected: Option<&Arc<Token>>) -> Option<Arc<Token>> {
        let token = state.current.as_ref()?;
        let refused = rejected.is_some_and(|rejected| rejected.is_same(token));
        let ended = token.expires_at.is_some_and(|end| end <= self.clock.now());
        (!refused && !ended).then(|| Arc::clone(token))
    }

    /// The stored record, or this process's own token where there is none, or where the store could not take it and
    /// nobody wrote since. Which one is newer is not a question of their times: a clock may have been set, and a peer's
    /// may be wrong.
    pub(crate) fn newest(&self, mut stored: Stored) -> Stored {
        let state = self.state();
        // A place that was emptied is no place without a record: a person has signed out.
        if stored.token.is_none() && stored.version == Version::default() {
            stored.token = state.current.as_deref().cloned();
        }
        if let Some(unstored) = state.unstored.as_ref().filter(|unstored| unstored.instead_of == stored.version) {
            stored.token = Some(unstored.token.clone());
        }
        stored
    }

    /// Seconds since 1970.
    pub(crate) fn now_s(&self) -> u64 {
        self.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
    }

    /// Whether a token of this account still serves.
    pub(crate) fn freshness(&self, token: &Token) -> Freshness {
        self.account.renewal_rule().freshness(token, self.clock.now())
    }

    /// What a plan rests on, for a renewal that has tried nothing yet.
    pub(crate) fn facts<'a>(&self, stored: &'a Stored, beginning: &'a Beginning) -> Facts<'a> {
        Facts {
            stored,
            replace: None,
            now: self.clock.now(),
            rule: self.account.renewal_rule(),
            begins_with: beginning.input.as_deref(),
            code_spent: beginning.spent,
            can_refresh: self.account.component.oauth2.grants.refresh_token.is_some(),
            renews_itself: self.account.renews_with_access_token(),
            refresh_refused: false,
            mints_anew: self.account.mints_anew(),
        }
    }

    /// Makes a token that came from the store known to the redactor.
    pub(crate) fn know(&self, token: Option<&Token>) {
        let secrets = token
            .into_iter()
            .flat_map(|token| [Some(&token.access_token), token.refresh_token.as_ref(), token.dpop_key.as_ref()]);
        for secret in secrets.flatten() {
            self.redactor.know(&self.account.label(), secret);
        }
        if let Some(token) = token {
            self.account.know_captured(&token.captured, &self.redactor);
        }
    }

    /// Keyed hash of the secrets that say whose token it is: the credential's code or refresh token where its grant begins
    /// with one, and what a JWT or an exchange stands on. Another one means another token.
    pub(crate) async fn begins_with(&self) -> Option<String> {
        let names = self.account.identifying_secrets();
        if names.is_empty() {
            return None;
        }
        let mut read = Vec::new();
        for name in &names {
            read.push(self.account.inputs.secret(name)?.read().await.ok()?);
        }
        let parts = names.iter().zip(&read).flat_map(|(name, secret)| [name.as_str(), secret.expose_secret_text()]);
        Some(self.store.keyed_hash(&parts.collect::<Vec<_>>()))
    }
}

// === impl State ===

impl State {
    /// From now on this is the token, and no failure speaks for the next renewal.
    pub(crate) fn renewed(&mut self, token: &Arc<Token>) {
        self.current = Some(Arc::clone(token));
        self.failed = None;
    }

    /// Whether somebody has to begin to see to a token that could not be stored.
    pub(crate) fn begins_to_store(&mut self) -> bool {
        let begins = self.unstored.is_some() && !self.stores_later;
        self.stores_later |= begins;
        begins
    }

    pub(crate) fn failed_lately(&self) -> bool {
        self.failed.as_deref().is_some_and(|(until, _)| *until > Instant::now())
    }

    pub(crate) fn remembered_failure(&mut self) -> Option<TokenError> {
        if !self.failed_lately() {
            self.failed = None;
        }
        let (until, error) = self.failed.as_deref()?;
        let left = until.saturating_duration_since(Instant::now());
        let retry_after = error.retry_after.map(|_| left);
        Some(TokenError { retry_after, ..error.clone() })
    }
}

/// H03: how long a failed renewal speaks for the next ones.
pub(crate) fn remember(error: &TokenError) -> Duration {
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
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let date = i64::try_from(seconds).ok().and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
    // Files and servers may say any number; dates end somewhere.
    date.map_or_else(|| "beyond all dates".to_owned(), |date| date.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

//! One renewal, from the lock to the stored token. It runs in a task of its own that no message owns.
//!
//! lock → read the store again → still stale? → pending mark → one request → store, durably → unlock. The lock is held
//! for one request; between two of them it is released and the store is read again.

use std::time::{Duration, SystemTime};

use keyway_http::Schedule;
use tokio::time::Instant;

use crate::{
    account::Grant,
    exchange::{Exchange, Request},
    fault::{TokenError, TokenErrorKind, TokenFault, TokenFaultKind},
    freshness::RenewalReason,
    plan::{Facts, Plan, SignInReason, plan},
    shared::Inner,
    store::{Exclusive, Pending, StoreError, Stored},
    token::Token,
};

/// The lock outlives the token request by this, so that a slow answer never meets a lock that ended.
const LOCK_MARGIN: Duration = Duration::from_secs(10);

/// A store that changes under every plan is an outage, not a reason to go on for ever.
const MOST_PLANS: u32 = 5;

/// How one attempt ended without a token.
enum Ended {
    /// The store has changed, or another way is open: plan anew at once.
    PlanAnew,
    /// Once more after a wait.
    Later(TokenFault),
    /// For good.
    Stop(TokenError),
}

/// Gets a token that is not `replace`.
pub(crate) async fn renew(inner: &Inner, reason: RenewalReason, replace: Option<&Token>) -> Result<Token, TokenError> {
    let mut renewal = Renewal { inner, replace, refresh_refused: false };
    let retry = &inner.account.retry;
    let (mut schedule, begun, mut retries, mut plans) = (Schedule::new(retry), Instant::now(), 0, 1);
    loop {
        let fault = match renewal.attempt(reason).await {
            Ok(token) => return Ok(token),
            Err(Ended::PlanAnew) if plans < MOST_PLANS => {
                plans += 1;
                continue;
            }
            Err(Ended::PlanAnew) => {
                TokenFault::new(TokenFaultKind::NotProcessed, "others keep replacing the token in the store")
            }
            Err(Ended::Stop(error)) => return Err(error),
            Err(Ended::Later(fault)) => fault,
        };
        let wait = fault.retry_after.unwrap_or_else(|| schedule.next_wait(inner.jitter.fraction()));
        let too_long = wait > Duration::from_millis(retry.max_wait_ms)
            || begun.elapsed() + wait > Duration::from_millis(retry.max_elapsed_ms);
        if retries >= retry.count || too_long {
            return Err(renewal.unavailable(&fault, retries + 1));
        }
        retries += 1;
        tracing::warn!(
            event = "token_retry", account = %inner.account.label(), retry = retries,
            wait_ms = wait.as_millis() as u64, why = %fault, "no token yet"
        );
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // Only this wait is cut short by the end of the process, never a request.
            () = inner.closing.cancelled() => return Err(renewal.unavailable(&fault, retries)),
        }
    }
}

struct Renewal<'a> {
    inner: &'a Inner,
    replace: Option<&'a Token>,
    refresh_refused: bool,
}

// === impl Renewal ===

impl Renewal<'_> {
    async fn attempt(&mut self, reason: RenewalReason) -> Result<Token, Ended> {
        let inner = self.inner;
        let ttl = inner.token_timeout.saturating_add(LOCK_MARGIN);
        let mut guard = inner.store.exclusive(&inner.key, ttl).await.map_err(|error| self.store_failed(&error))?;
        let stored = guard.load().await.map_err(|error| self.store_failed(&error))?;
        let stored = inner.newest(stored);
        inner.know(stored.token.as_ref());
        let begins_with = inner.begins_with().await;
        let facts = Facts {
            replace: self.replace,
            refresh_refused: self.refresh_refused,
            ..inner.facts(&stored, begins_with.as_deref())
        };
        let request = match plan(&facts) {
            Plan::Use => {
                let token = stored.token.ok_or(Ended::PlanAnew)?;
                tracing::info!(event = "token_adopted", account = %inner.account.label(), %reason, "a token renewed by another process is used");
                return Ok(token);
            }
            Plan::Refresh => {
                let refresh_token = stored.token.as_ref().and_then(|token| token.refresh_token.clone());
                Request::Refresh(refresh_token.ok_or(Ended::PlanAnew)?)
            }
            Plan::Mint => Request::Mint,
            Plan::SignIn(why) => return Err(Ended::Stop(self.sign_in(why, None))),
        };
        self.mark(guard.as_mut(), &stored, &request, begins_with.as_deref()).await?;
        let exchange = Exchange {
            account: &inner.account,
            transport: inner.transport.as_ref(),
            redactor: &inner.redactor,
            clock: inner.clock.as_ref(),
            timeout: inner.token_timeout,
            requests: &inner.stats.token_requests,
        };
        match exchange.send(&request, stored.token.as_ref()).await {
            Ok(mut token) => {
                if matches!(request, Request::Mint) {
                    token.begun_with = begins_with;
                }
                self.keep(guard.as_mut(), &stored, &token).await?;
                log_renewed(inner, reason, &request, &token);
                Ok(token)
            }
            Err(fault) => Err(self.judge(guard.as_mut(), &stored, &request, fault).await),
        }
    }

    /// Notes on disk that what is about to be sent may be used up by it. Grants that mint anew lose nothing.
    async fn mark(
        &self,
        guard: &mut dyn Exclusive,
        stored: &Stored,
        request: &Request,
        begins_with: Option<&str>,
    ) -> Result<(), Ended> {
        let (what, sent) = match (request, &self.inner.account.grant) {
            (Request::Refresh(token), _) => ("refresh", self.inner.store.keyed_hash(&[token.expose_secret_text()])),
            (Request::Mint, Grant::AuthorizationCode) => ("code", begins_with.unwrap_or_default().to_owned()),
            (Request::Mint, Grant::RefreshToken) => ("refresh", begins_with.unwrap_or_default().to_owned()),
            (Request::Mint, _) => return Ok(()),
        };
        let before = stored.pending.as_ref().filter(|pending| pending.sent == sent);
        if let Some(pending) = before {
            tracing::warn!(
                event = "renewal_interrupted", account = %self.inner.account.label(), what = %pending.what, since = pending.since,
                "an earlier renewal was interrupted before its answer was stored; it is tried once more"
            );
        }
        let since = self.inner.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let times = before.map_or(0, |pending| pending.times).saturating_add(1);
        let pending = Pending { since, what: what.to_owned(), sent, times };
        match guard.mark_pending(Some(pending)).await {
            // What can be got again anew needs no mark.
            Err(error) if self.inner.account.mints_anew() => {
                tracing::warn!(event = "no_pending_mark", account = %self.inner.account.label(), %error, "the token store cannot be written");
                Ok(())
            }
            marked => marked.map_err(|error| self.store_failed(&error)),
        }
    }

    /// Stores the token before anybody uses it. A store that fails now would lose the only copy of a rotated refresh
    /// token if the token were thrown away, so it is kept in memory and the loss is told aloud.
    async fn keep(&self, guard: &mut dyn Exclusive, stored: &Stored, token: &Token) -> Result<(), Ended> {
        match guard.replace_if(stored.version, token).await {
            Ok(_) => Ok(()),
            Err(StoreError::Conflict) => self.keep_all_the_same(guard, token).await,
            Err(error) => {
                tracing::error!(
                    event = "token_not_stored", account = %self.inner.account.label(), %error,
                    "the new token could not be stored and lives in this process only; mend the store before it ends"
                );
                Ok(())
            }
        }
    }

    /// Somebody wrote, or removed the record, in spite of the lock. What a peer got stands; an empty place is filled.
    async fn keep_all_the_same(&self, guard: &mut dyn Exclusive, token: &Token) -> Result<(), Ended> {
        let now = guard.load().await.map_err(|error| self.store_failed(&error))?;
        if now.token.is_some() {
            return Err(Ended::PlanAnew);
        }
        guard.replace_if(now.version, token).await.map(|_| ()).map_err(|error| self.store_failed(&error))
    }

    async fn judge(
        &mut self,
        guard: &mut dyn Exclusive,
        stored: &Stored,
        request: &Request,
        fault: TokenFault,
    ) -> Ended {
        use TokenFaultKind::{Denied, Invalid, InvalidClient, InvalidGrant, MaybeProcessed, NotProcessed, Unreachable};
        let interrupted = stored.pending.is_some();
        match fault.kind {
            MaybeProcessed | Invalid => {}
            // This request did nothing. An earlier one that is still marked may have.
            NotProcessed | Unreachable => {
                let _ = guard.mark_pending(stored.pending.clone()).await;
            }
            // The server has answered about what was sent: the mark has nothing to warn of any more.
            InvalidGrant | InvalidClient | Denied => {
                let _ = guard.mark_pending(None).await;
            }
        }
        match (fault.kind, request) {
            (InvalidGrant, Request::Refresh(_)) => {
                // A peer without our lock may have rotated in between (another machine, another tool).
                let again = guard.load().await.map(|now| now.version != stored.version).unwrap_or(false);
                if !again {
                    self.refresh_refused = true;
                }
                if again || self.inner.account.mints_anew() {
                    return Ended::PlanAnew;
                }
                let why = if interrupted { SignInReason::Interrupted } else { SignInReason::Spent };
                Ended::Stop(self.sign_in(why, Some(fault)))
            }
            (InvalidGrant, Request::Mint) if !self.inner.account.mints_anew() => {
                let why = if interrupted { SignInReason::Interrupted } else { SignInReason::Spent };
                Ended::Stop(self.sign_in(why, Some(fault)))
            }
            (InvalidGrant | Denied | InvalidClient, _) => Ended::Stop(self.denied(fault)),
            (Unreachable, _) => {
                let message = format!("no token for `{}`: {fault}", self.inner.account.label());
                Ended::Stop(TokenError::new(TokenErrorKind::Unusable, message))
            }
            (Invalid, _) => {
                let message = format!("no token for `{}`: {fault}", self.inner.account.label());
                let kind = TokenErrorKind::ResponseInvalid;
                Ended::Stop(TokenError { kind, message, oauth: fault.oauth, retry_after: None })
            }
            (NotProcessed, _) => Ended::Later(fault),
            // RFC 6749 section 4.1.2: a code works once, so it is not sent twice.
            (MaybeProcessed, Request::Mint) if self.inner.account.grant == Grant::AuthorizationCode => {
                Ended::Stop(self.unavailable(&fault, 1))
            }
            // A refresh token may rotate: one repetition under the mark, then the outage is told.
            (MaybeProcessed, _) if interrupted && self.sends_refresh_token(request) => {
                Ended::Stop(self.unavailable(&fault, 2))
            }
            (MaybeProcessed, _) => Ended::Later(fault),
        }
    }

    fn sends_refresh_token(&self, request: &Request) -> bool {
        matches!(request, Request::Refresh(_)) || self.inner.account.grant == Grant::RefreshToken
    }

    fn denied(&self, fault: TokenFault) -> TokenError {
        let account = &self.inner.account;
        let mut message = format!("no token for `{}`: {fault}", account.label());
        if fault.kind == TokenFaultKind::InvalidClient {
            message.push_str("; check client id and secret");
            if account.component.environments.len() > 1 {
                message.push_str(&format!(", and that they belong to the environment `{}`", account.environment));
            }
        }
        TokenError { kind: TokenErrorKind::Denied, message, oauth: fault.oauth, retry_after: None }
    }

    fn unavailable(&self, fault: &TokenFault, attempts: u32) -> TokenError {
        let times = if attempts == 1 { "one attempt".to_owned() } else { format!("{attempts} attempts") };
        let message = format!("no token for `{}` after {times}: {fault}", self.inner.account.label());
        let (oauth, retry_after) = (fault.oauth.clone(), fault.retry_after);
        TokenError { kind: TokenErrorKind::Unavailable, message, oauth, retry_after }
    }

    fn sign_in(&self, why: SignInReason, fault: Option<TokenFault>) -> TokenError {
        let account = &self.inner.account;
        let said = fault.as_ref().and_then(|fault| fault.oauth.as_deref()).map(crate::fault::OAuthAnswer::in_brackets);
        let what = match why {
            SignInReason::NoInput => "there is neither a stored token nor anything to get one with",
            SignInReason::Spent => "what it had is spent, expired or revoked",
            SignInReason::Interrupted => {
                "an earlier renewal was interrupted before its answer was stored, and may have used up what it sent"
            }
        };
        let input = if account.grant == Grant::RefreshToken { "refresh token" } else { "code" };
        let place = match &account.endpoints.authorization {
            Some(url) if account.grant == Grant::AuthorizationCode => format!(" at {url}"),
            _ => String::new(),
        };
        let message = format!(
            "`{}` needs a person to sign in: {what}{}; get a new {input}{place} and give it to the credential",
            account.label(),
            said.unwrap_or_default()
        );
        TokenError {
            kind: TokenErrorKind::SignInRequired,
            message,
            oauth: fault.and_then(|fault| fault.oauth),
            retry_after: None,
        }
    }

    fn store_failed(&self, error: &StoreError) -> Ended {
        let message = format!("no token for `{}`: {error}", self.inner.account.label());
        Ended::Stop(TokenError::new(TokenErrorKind::Unavailable, message))
    }
}

/// The one event of a renewal, stable for those who watch logs.
fn log_renewed(inner: &Inner, reason: RenewalReason, request: &Request, token: &Token) {
    let how = match request {
        Request::Refresh(_) => "refresh_token",
        Request::Mint => inner.account.grant.name(),
    };
    let expires_at = token.expires_at.map_or_else(|| "unknown".to_owned(), crate::shared::rfc3339);
    let scope = token.scope.as_deref().unwrap_or("not told");
    tracing::info!(
        event = "token_renewed", account = %inner.account.label(), %reason, how, %expires_at,
        expiry_source = %token.expiry_source, scope = %keyway_component::printable(&inner.redactor.text(scope), 200), "token renewed"
    );
}

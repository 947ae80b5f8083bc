//! One renewal, from the lock to the stored token. It runs in a task of its own that no message owns.
//!
//! lock → read the store again → still stale? → pending mark → one request → store, durably → unlock. The lock is held
//! for one request; between two of them it is released and the store is read again.

mod later;
mod words;

use std::time::Duration;

use keyway_http::Schedule;
use tokio::time::Instant;

use crate::{
    account::Grant,
    exchange::{Offer, Request},
    fault::{TokenError, TokenErrorKind, TokenFault, TokenFaultKind},
    freshness::RenewalReason,
    plan::{Facts, Plan, SignInReason, plan},
    shared::{Inner, Unstored},
    store::{Exclusive, Pending, StoreError, Stored, Version},
    token::Token,
};

/// The lock outlives the token requests by this, so that a slow answer never meets a lock that ended.
const LOCK_MARGIN: Duration = Duration::from_secs(10);

/// A store that changes under every plan is an outage, not a reason to go on for ever.
const MOST_PLANS: u32 = 5;

pub(crate) use later::store_later;

/// What a request sends that it may use up: what it is (`refresh` or `code`), and its keyed hash.
struct Sent {
    what: &'static str,
    hash: String,
}

/// How one attempt ended without a token.
enum Ended {
    /// The store has changed, or another way is open: plan anew at once.
    PlanAnew,
    /// Once more after a wait.
    Later(TokenFault),
    /// For good.
    Stop(TokenError),
}

/// Gets a token that is not `replace`, or the one for the request that somebody asks for.
pub(crate) async fn renew(
    inner: &Inner,
    reason: RenewalReason,
    replace: Option<&Token>,
    asked: Option<Request>,
) -> Result<Token, TokenError> {
    let mut renewal = Renewal { inner, replace, asked, refresh_refused: false };
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

/// Asks once whether a device code has become a token. There is nothing to lose before that, so the question needs no
/// lock; the token is stored under it.
pub(crate) async fn redeem_device_code(inner: &Inner, offer: Offer) -> Result<Token, TokenFault> {
    let request = Request::Redeem(offer.clone());
    let mut token = inner.exchange().send(&request, None).await?;
    let renewal = Renewal { inner, replace: None, asked: Some(request.clone()), refresh_refused: false };
    token.begun_with = inner.begins_with().await.or_else(|| Some(renewal.hash_of(&offer)));
    renewal.store(&token).await;
    if let Some(told) = inner.exchange().told_by_api(&token).await {
        renewal.store(&told).await;
        token = told;
    }
    words::log_renewed(inner, RenewalReason::SignIn, &request, &token);
    Ok(token)
}

/// Says why only a person can go on, without trying anything.
pub(crate) fn sign_in_required(inner: &Inner, why: SignInReason) -> TokenError {
    Renewal { inner, replace: None, asked: None, refresh_refused: false }.sign_in(why, None)
}

struct Renewal<'a> {
    inner: &'a Inner,
    replace: Option<&'a Token>,
    /// What somebody asks for, whatever is stored.
    asked: Option<Request>,
    refresh_refused: bool,
}

// === impl Renewal ===

impl Renewal<'_> {
    async fn attempt(&mut self, reason: RenewalReason) -> Result<Token, Ended> {
        let inner = self.inner;
        // Before the lock, which is held for one request.
        inner.discover().await.map(|_| ()).map_err(|fault| self.not_discovered(fault))?;
        let ttl = inner.token_timeout.saturating_mul(inner.account.requests_for_a_token()).saturating_add(LOCK_MARGIN);
        let mut guard = inner.store.exclusive(&inner.key, ttl).await.map_err(|error| self.store_failed(&error))?;
        let stored = guard.load().await.map_err(|error| self.store_failed(&error))?;
        let stored = inner.newest(stored);
        inner.know(stored.token.as_ref());
        let beginning = inner.beginning().await.map_err(|error| self.store_failed(&error))?;
        let facts =
            Facts { replace: self.replace, refresh_refused: self.refresh_refused, ..inner.facts(&stored, &beginning) };
        let request = match self.asked.clone() {
            Some(request) => request,
            None => match plan(&facts) {
                Plan::Use => {
                    let token = stored.token.ok_or(Ended::PlanAnew)?;
                    tracing::info!(event = "token_adopted", account = %inner.account.label(), %reason, "a token renewed by another process is used");
                    inner.state().adopted = Some(Box::new(token.clone()));
                    return Ok(token);
                }
                Plan::Refresh => {
                    let itself = inner.account.renews_with_access_token();
                    let with = stored.token.as_ref().and_then(|token| {
                        if itself { Some(token.access_token.clone()) } else { token.refresh_token.clone() }
                    });
                    Request::Refresh(with.ok_or(Ended::PlanAnew)?)
                }
                Plan::Mint => Request::Mint,
                Plan::SignIn(why) => return Err(Ended::Stop(self.sign_in(why, None))),
            },
        };
        let sent = self.sent(&request, beginning.input.as_deref());
        if let (Request::Mint, Some(Sent { what: "code", hash })) = (&request, &sent) {
            self.refuse_spent(hash).await?;
        }
        self.mark(guard.as_mut(), &stored, sent.as_ref()).await?;
        match inner.exchange().send(&request, stored.token.as_ref()).await {
            Ok(mut token) => {
                match &request {
                    Request::Refresh(_) => {}
                    Request::Mint => token.begun_with = beginning.input,
                    // An input that the credential still names is older than what a person has just brought.
                    Request::Redeem(offer) => {
                        token.begun_with = beginning.input.or_else(|| Some(self.hash_of(offer)));
                    }
                }
                self.keep(guard.as_mut(), &stored, &token).await?;
                if let Some(told) = inner.exchange().told_by_api(&token).await {
                    let stored = guard.load().await.map_err(|error| self.store_failed(&error))?;
                    self.keep(guard.as_mut(), &stored, &told).await?;
                    token = told;
                }
                words::log_renewed(inner, reason, &request, &token);
                Ok(token)
            }
            Err(fault) => Err(self.judge(guard.as_mut(), &stored, &request, sent.as_ref(), fault).await),
        }
    }

    fn not_discovered(&self, fault: TokenFault) -> Ended {
        let stop = |kind| Ended::Stop(TokenError::new(kind, self.no_token(&fault)));
        match fault.kind {
            TokenFaultKind::NotProcessed => Ended::Later(fault),
            TokenFaultKind::Unreachable => stop(TokenErrorKind::Unusable),
            _ => stop(TokenErrorKind::ResponseInvalid),
        }
    }

    /// A code that a credential names is sent once. What a person brings is held against its request instead: each
    /// authorization request is answered once.
    async fn refuse_spent(&self, hash: &str) -> Result<(), Ended> {
        match self.inner.spend(hash).await {
            Ok(true) => Ok(()),
            // Another process was quicker: what it stores, or its mark, says how to go on.
            Ok(false) => Err(Ended::PlanAnew),
            Err(error) => Err(self.store_failed(&error)),
        }
    }

    /// Lets a code be sent again: the server has done nothing with it. A mark that stays only costs a new sign-in.
    async fn unspend(&self, request: &Request, sent: Option<&Sent>) {
        if let (Request::Mint, Some(Sent { what: "code", hash })) = (request, sent) {
            let _ = self.inner.unspend(hash).await;
        }
    }

    /// What a request may use up, and its mark.
    fn sent(&self, request: &Request, begins_with: Option<&str>) -> Option<Sent> {
        let begun = || begins_with.unwrap_or_default().to_owned();
        let (what, hash) = match (request, &self.inner.account.grant) {
            (Request::Refresh(token), _) => ("refresh", self.inner.store.keyed_hash(&[token.expose_secret_text()])),
            (Request::Mint, Grant::AuthorizationCode) => ("code", begun()),
            (Request::Mint, Grant::RefreshToken) => ("refresh", begun()),
            (Request::Redeem(offer @ Offer::Code { .. }), _) => ("code", self.hash_of(offer)),
            (Request::Redeem(offer @ Offer::RefreshToken(_)), _) => ("refresh", self.hash_of(offer)),
            // Grants that mint anew lose nothing, and a device asks until it gets its token.
            (Request::Redeem(Offer::DeviceCode(_)) | Request::Mint, _) => return None,
        };
        Some(Sent { what, hash })
    }

    /// Notes on disk that what is about to be sent may be used up by it.
    async fn mark(&self, guard: &mut dyn Exclusive, stored: &Stored, sent: Option<&Sent>) -> Result<(), Ended> {
        let Some(Sent { what, hash }) = sent else { return Ok(()) };
        let before = stored.pending.as_ref().filter(|pending| pending.sent == *hash);
        if let Some(pending) = before {
            tracing::warn!(
                event = "renewal_interrupted", account = %self.inner.account.label(), what = %pending.what,
                since = pending.since, times = pending.times,
                "an earlier renewal was interrupted before its answer was stored; it is tried once more"
            );
        }
        let (since, times) = (self.inner.now_s(), before.map_or(0, |pending| pending.times).saturating_add(1));
        let pending = Pending { since, what: (*what).to_owned(), sent: hash.clone(), times };
        match guard.mark_pending(Some(pending)).await {
            // What can be got again anew needs no mark.
            Err(error) if self.inner.account.mints_anew() => {
                tracing::warn!(event = "no_pending_mark", account = %self.inner.account.label(), %error, "the token store cannot be written");
                Ok(())
            }
            marked => marked.map_err(|error| self.store_failed(&error)),
        }
    }

    /// Puts a token that a person has just got in the place of whatever is there. One that cannot be stored is kept, like
    /// any other.
    async fn store(&self, token: &Token) {
        let inner = self.inner;
        let kept = async {
            let mut guard = inner.store.exclusive(&inner.key, inner.token_timeout).await?;
            let stored = guard.load().await?;
            // Only a plan that has changed keeps a token from its place, and whoever asks has none.
            let _ = self.keep(guard.as_mut(), &stored, token).await;
            Ok::<_, StoreError>(())
        };
        if let Err(error) = kept.await {
            self.not_stored(token, Version::default(), &error);
        }
    }

    /// Keeps a token in this process, to be stored as soon as that is possible.
    fn not_stored(&self, token: &Token, instead_of: Version, error: &StoreError) {
        tracing::error!(
            event = "token_not_stored", account = %self.inner.account.label(), %error,
            "the new token could not be stored and lives in this process only; mend the store before it ends"
        );
        self.inner.state().unstored = Some(Box::new(Unstored { token: token.clone(), instead_of }));
    }

    /// As [`Inner::begins_with`] makes it for what a credential names.
    fn hash_of(&self, offer: &Offer) -> String {
        let (name, secret) = match offer {
            Offer::Code { code, .. } => ("code", code),
            Offer::DeviceCode(code) => ("device_code", code),
            Offer::RefreshToken(token) => ("refresh_token", token),
        };
        self.inner.store.keyed_hash(&[name, secret.expose_secret_text()])
    }

    /// Stores the token before anybody uses it. A store that fails now would lose the only copy of a rotated refresh
    /// token if the token were thrown away, so it is kept in memory and the loss is told aloud.
    async fn keep(&self, guard: &mut dyn Exclusive, stored: &Stored, token: &Token) -> Result<(), Ended> {
        let mut instead_of = stored.version;
        let mut kept = guard.replace_if(instead_of, token).await;
        if kept == Err(StoreError::Conflict) {
            // Somebody wrote, or removed the record, in spite of the lock. What a peer got stands, unless a person has
            // just signed in, whose code works once; an empty place is filled.
            match guard.load().await {
                Ok(now) if now.token.is_some() && self.asked.is_none() => return Err(Ended::PlanAnew),
                Ok(now) => {
                    instead_of = now.version;
                    kept = guard.replace_if(instead_of, token).await;
                }
                Err(error) => kept = Err(error),
            }
        }
        match kept {
            Ok(_) => {
                self.inner.state().unstored = None;
                Ok(())
            }
            Err(error) => {
                self.not_stored(token, instead_of, &error);
                Ok(())
            }
        }
    }

    async fn judge(
        &mut self,
        guard: &mut dyn Exclusive,
        stored: &Stored,
        request: &Request,
        sent: Option<&Sent>,
        fault: TokenFault,
    ) -> Ended {
        use TokenFaultKind::{
            AuthorizationPending, Denied, Invalid, InvalidClient, InvalidGrant, MaybeProcessed, NotProcessed,
            SecondFactor, SlowDown, Unreachable,
        };
        // An older mark is about this request only where it is of the same code or refresh token.
        let same = |pending: &Pending| sent.is_some_and(|sent| sent.hash == pending.sent);
        let interrupted = stored.pending.as_ref().is_some_and(same);
        match fault.kind {
            MaybeProcessed | Invalid => {}
            // This request did nothing. An earlier one that is still marked may have.
            NotProcessed | Unreachable => {
                let _ = guard.mark_pending(stored.pending.clone()).await;
                self.unspend(request, sent).await;
            }
            // The server has answered about what was sent: the mark has nothing to warn of any more. An older one stays
            // where it explains the refusal, and where it is about something else than what a person has brought.
            InvalidGrant | InvalidClient | Denied | SecondFactor | AuthorizationPending | SlowDown => {
                let explains = fault.kind == InvalidGrant || matches!(request, Request::Redeem(_));
                let _ = guard.mark_pending(stored.pending.clone().filter(|_| explains)).await;
                // A client that is not let in has not used its code up.
                if fault.kind == InvalidClient {
                    self.unspend(request, sent).await;
                }
            }
        }
        let why = if interrupted { SignInReason::Interrupted } else { SignInReason::Spent };
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
                Ended::Stop(self.sign_in(why, Some(fault)))
            }
            (InvalidGrant, Request::Mint) if !self.inner.account.mints_anew() => {
                Ended::Stop(self.sign_in(why, Some(fault)))
            }
            (InvalidGrant, Request::Redeem(offer)) => Ended::Stop(self.offer_refused(offer, fault)),
            (SecondFactor, _) => Ended::Stop(TokenError::new(TokenErrorKind::SignInRequired, self.no_token(&fault))),
            (InvalidGrant | Denied | InvalidClient | AuthorizationPending | SlowDown, _) => {
                Ended::Stop(self.denied(fault))
            }
            (Unreachable, _) => Ended::Stop(TokenError::new(TokenErrorKind::Unusable, self.no_token(&fault))),
            (Invalid, _) => {
                let message = self.no_token(&fault);
                let kind = TokenErrorKind::ResponseInvalid;
                Ended::Stop(TokenError { kind, message, oauth: fault.oauth, retry_after: None })
            }
            (NotProcessed, _) => Ended::Later(fault),
            // RFC 6749 section 4.1.2: a code works once, so it is not sent twice.
            (MaybeProcessed, _) if *request.grant(&self.inner.account.grant) == Grant::AuthorizationCode => {
                Ended::Stop(self.unavailable(&fault, 1))
            }
            // A refresh token may rotate: one repetition under the mark, then the outage is told.
            (MaybeProcessed, _) if interrupted && *request.grant(&self.inner.account.grant) == Grant::RefreshToken => {
                Ended::Stop(self.unavailable(&fault, 2))
            }
            (MaybeProcessed, _) => Ended::Later(fault),
        }
    }
}

//! What a renewal says: its errors, each with what to do, and its one event.

use std::fmt::Display;

use super::{Ended, Renewal};
use crate::{
    exchange::{Offer, Request},
    fault::{OAuthAnswer, TokenError, TokenErrorKind, TokenFault, TokenFaultKind},
    freshness::RenewalReason,
    plan::SignInReason,
    shared::Inner,
    store::StoreError,
    token::Token,
};

// === impl Renewal ===

impl Renewal<'_> {
    /// The sentence of most errors: whose token it is, and why there is none.
    pub(super) fn no_token(&self, why: impl Display) -> String {
        format!("no token for `{}`: {why}", self.inner.account.label())
    }

    pub(super) fn denied(&self, fault: TokenFault) -> TokenError {
        let account = &self.inner.account;
        let mut message = self.no_token(&fault);
        if fault.kind == TokenFaultKind::InvalidClient {
            let method = account.component.oauth2.auth_method_of(account.grant.name()).as_str();
            message.push_str(&format!(
                "; check client id and secret, and whether the server takes them as `{method}` (`token_endpoint_auth_method`)"
            ));
            if account.component.environments.len() > 1 {
                message.push_str(&format!(", and that they belong to the environment `{}`", account.environment));
            }
        }
        if fault.oauth.as_ref().is_some_and(|said| said.error.as_deref() == Some("invalid_scope")) {
            let asked = keyway_component::printable(&account.scope_text(), 200);
            message.push_str(&format!(
                "; it was asked for `{asked}`: correct the scope of the credential or of the component"
            ));
        }
        TokenError { kind: TokenErrorKind::Denied, message, oauth: fault.oauth, retry_after: None }
    }

    pub(super) fn unavailable(&self, fault: &TokenFault, attempts: u32) -> TokenError {
        let times = if attempts == 1 { "one attempt".to_owned() } else { format!("{attempts} attempts") };
        let message = format!("no token for `{}` after {times}: {fault}", self.inner.account.label());
        let (oauth, retry_after) = (fault.oauth.clone(), fault.retry_after);
        TokenError { kind: TokenErrorKind::Unavailable, message, oauth, retry_after }
    }

    pub(super) fn sign_in(&self, why: SignInReason, fault: Option<TokenFault>) -> TokenError {
        let account = &self.inner.account;
        let said = fault.as_ref().and_then(|fault| fault.oauth.as_deref()).map(OAuthAnswer::in_brackets);
        let what = match why {
            SignInReason::NoInput => "there is neither a stored token nor anything to get one with",
            SignInReason::Spent => "what it had is spent, expired or revoked",
            SignInReason::Interrupted => {
                "an earlier renewal was interrupted before its answer was stored, and may have used up what it sent"
            }
        };
        let label = account.label();
        let message = format!(
            "`{label}` needs a person to sign in: {what}{}; {}",
            said.unwrap_or_default(),
            account.sign_in_hint()
        );
        TokenError {
            kind: TokenErrorKind::SignInRequired,
            message,
            oauth: fault.and_then(|fault| fault.oauth),
            retry_after: None,
        }
    }

    pub(super) fn store_failed(&self, error: &StoreError) -> Ended {
        Ended::Stop(TokenError::new(TokenErrorKind::Unavailable, self.no_token(error)))
    }

    /// What a person brought works for nobody any more; the token that there was, if any, is untouched.
    pub(super) fn offer_refused(&self, offer: &Offer, fault: TokenFault) -> TokenError {
        let what = match offer {
            Offer::Code { .. } => "the code was refused, so it is wrong, spent or too old",
            Offer::DeviceCode(_) => "the device code was refused, so it is too old",
            Offer::RefreshToken(_) => "the refresh token was refused, so it is wrong, spent or of another client",
        };
        let said = fault.oauth.as_deref().map(OAuthAnswer::in_brackets).unwrap_or_default();
        let message = self.no_token(format_args!("{what}{said}; begin anew"));
        TokenError { kind: TokenErrorKind::Denied, message, oauth: fault.oauth, retry_after: None }
    }
}

/// The one event of a renewal, stable for those who watch logs.
pub(super) fn log_renewed(inner: &Inner, reason: RenewalReason, request: &Request, token: &Token) {
    let how = match request {
        Request::Refresh(_) => "refresh_token",
        Request::Mint => inner.account.grant.name(),
        Request::Redeem(_) => "sign_in",
    };
    let expires_at = token.expires_at.map_or_else(|| "unknown".to_owned(), crate::shared::rfc3339);
    let scope = token.scope.as_deref().unwrap_or("not told");
    tracing::info!(
        event = "token_renewed", account = %inner.account.label(), %reason, how, %expires_at,
        expiry_source = %token.expiry_source, scope = %keyway_component::printable(&inner.redactor.text(scope), 200), "token renewed"
    );
}

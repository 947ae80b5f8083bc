//! The second token request: a short-lived token becomes a long-lived one.

use std::time::Duration;

use keyway_component::{Secret, component::SecondExchange};
use serde_json::Value;

use super::{Exchange, Post, Request};
use crate::{
    dialect::hear,
    fault::{TokenFault, TokenFaultKind},
    token::Token,
};

/// How often it is tried. It uses nothing up, and what came before it often cannot be had again.
const ATTEMPTS: u32 = 3;
const BETWEEN: Duration = Duration::from_millis(500);

// === impl Exchange ===

impl Exchange<'_> {
    /// Exchanges a token that was just got, where the component says so.
    pub(super) async fn second(&self, request: &Request, first: Token) -> Result<Token, TokenFault> {
        let Some(second) = &self.account.component.oauth2.second_exchange else { return Ok(first) };
        // What a person brings as a refresh token begins with a second one too; a renewal has had its own.
        if matches!(request, Request::Refresh(_)) {
            return Ok(first);
        }
        for left in (0..ATTEMPTS).rev() {
            match self.exchanged(second, &first).await {
                Ok(token) => return Ok(token),
                Err(fault) => match fault.kind {
                    TokenFaultKind::NotProcessed | TokenFaultKind::MaybeProcessed if left > 0 => {
                        tokio::time::sleep(fault.retry_after.unwrap_or(BETWEEN).min(BETWEEN * 10)).await;
                    }
                    // What began it works once, or was rotated: the token that it gave is better than none.
                    _ if matches!(request, Request::Redeem(_)) || !self.account.mints_anew() => {
                        tracing::error!(
                            event = "no_second_exchange", account = %self.account.label(), why = %fault,
                            "the token was not exchanged for the one that should follow; it is used as it is"
                        );
                        return Ok(first);
                    }
                    _ => return Err(fault),
                },
            }
        }
        Ok(first)
    }

    async fn exchanged(&self, second: &SecondExchange, first: &Token) -> Result<Token, TokenFault> {
        let account = self.account;
        let Some(endpoint) = &account.endpoints.second else { return Ok(first.clone()) };
        for secret in [Some(&first.access_token), first.refresh_token.as_ref()].into_iter().flatten() {
            self.redactor.know(&account.label(), secret);
        }
        let auth = account.component.oauth2.auth_method_of(account.grant.name());
        let mut secrets = self.client_secrets(auth, &second.token_params).await?;
        secrets.insert("access_token".to_owned(), first.access_token.clone());
        secrets.extend(first.dpop_key.iter().map(|key| (super::DPOP_KEY.to_owned(), key.clone())));
        let grant_type = Some(second.grant_type.as_str()).filter(|_| !second.token_params.contains_key("grant_type"));
        let post = Post {
            auth,
            overlay: &second.token_params,
            grant_type,
            encoding: second.encoding,
            method: second.method,
            secrets: &secrets,
            redirect_uri: account.redirect_uri(),
            has_target: true,
        };
        let end = self.post(endpoint, b"", post).await?;
        let heard = hear(end, &account.component, second.encoding, self.redactor, self.clock.now())?;
        for name in ["access_token", "refresh_token"] {
            if let Some(secret) = heard.standard.get(name).and_then(Value::as_str) {
                self.redactor.know(&account.label(), &Secret::new(secret));
            }
        }
        let unread = |_| TokenFault::new(TokenFaultKind::Invalid, "the second answer cannot be read as a token");
        let answer = serde_json::from_value(Value::Object(heard.standard)).map_err(unread)?;
        let mut token = self.token(&answer, &Request::Mint, None, first.refresh_token.as_ref());
        // What the first answer told stays told.
        let mut extra = first.extra.clone();
        extra.append(&mut token.extra);
        let dpop_key = first.dpop_key.clone();
        Ok(Token { extra, dpop_key, scope: token.scope.or_else(|| first.scope.clone()), ..token })
    }
}

//! The second token request: a short-lived token becomes a long-lived one.

use std::time::Duration;

use keyway_component::{
    Secret, Template,
    component::{ClientAuthMethod, SecondExchange},
};
use serde_json::Value;

use super::{Exchange, Post, Request};
use crate::{
    dialect::{Hearing, hear},
    fault::{TokenFault, TokenFaultKind},
    token::Token,
};

/// How often it is tried. It uses nothing up, and what came before it often cannot be had again.
pub(crate) const ATTEMPTS: u32 = 3;
pub(super) const BETWEEN: Duration = Duration::from_millis(500);

// === impl Exchange ===

impl Exchange<'_> {
    /// Exchanges a token that was just got, where the component says so.
    pub(super) async fn second(&self, request: &Request, first: Token) -> Result<Token, TokenFault> {
        let Some(second) = &self.account.component.oauth2.second_exchange else { return Ok(first) };
        // What a person brings as a refresh token begins with a second one too; most renewals have had their own.
        let is_renewal = matches!(request, Request::Refresh(_));
        if is_renewal && !second.after_renewal {
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
                    _ if is_renewal || matches!(request, Request::Redeem(_)) || !self.account.mints_anew() => {
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
        // RFC 6749 section 2.3: the client shows in one way who it is.
        let own_header = second.headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"));
        let auth = if own_header {
            ClientAuthMethod::None
        } else {
            account.component.oauth2.auth_method_of(account.grant.name())
        };
        let mut secrets = self.client_secrets(auth, &second.token_params).await?;
        let in_headers: Vec<&str> = second.headers.values().flat_map(Template::names).collect();
        secrets.extend(self.read_named(&in_headers).await?);
        secrets.insert("access_token".to_owned(), first.access_token.clone());
        secrets.extend(first.dpop_key.iter().map(|key| (super::DPOP_KEY.to_owned(), key.clone())));
        let post = Post {
            grant_type: second.grant_type.as_deref().filter(|_| !second.token_params.contains_key("grant_type")),
            method: second.method,
            headers: Some(&second.headers),
            redirect_uri: account.redirect_uri(),
            ..Post::new(auth, &second.token_params, second.encoding, &secrets)
        };
        let end = self.post(endpoint, b"", post).await?;
        let at = second.token_response.as_ref().unwrap_or(&account.component.oauth2.token_response);
        let by = Hearing::of(&account.component, second.encoding, self.redactor, self.clock.now());
        let heard = hear(end, &Hearing { at, ..by })?;
        for name in ["access_token", "refresh_token"] {
            if let Some(secret) = heard.standard.get(name).and_then(Value::as_str) {
                self.redactor.know(&account.label(), &Secret::new(secret));
            }
        }
        let unread = |_| TokenFault::new(TokenFaultKind::Invalid, "the second answer cannot be read as a token");
        let answer = serde_json::from_value(Value::Object(heard.standard)).map_err(unread)?;
        let (kept, default_s) = (first.refresh_token.as_ref(), at.default_expires_in);
        let mut token = self.token(&answer, &Request::Mint, None, kept, default_s);
        // What the first answer told stays told.
        let mut extra = first.extra.clone();
        extra.append(&mut token.extra);
        let dpop_key = first.dpop_key.clone();
        Ok(Token { extra, dpop_key, scope: token.scope.or_else(|| first.scope.clone()), ..token })
    }
}

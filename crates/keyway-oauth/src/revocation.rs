//! The end of a token: revoked where the server takes that (RFC 7009), and forgotten here.

use std::time::Duration;

use http::StatusCode;
use keyway_component::{
    Secret, Template,
    component::{ClientAuthMethod, RevokedToken},
};
use keyway_http::{AttemptEnd, throttle_wait};
use url::{Url, form_urlencoded};

use crate::{
    exchange::Post,
    fault::{OAuthAnswer, TokenFault},
    source::TokenSource,
    store::{StoreError, Stored},
};

/// What became of a token at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// There was none.
    NoToken,
    /// The server has ended it (or does not know it, RFC 7009 section 2.2).
    Revoked,
    /// The component has no revocation endpoint.
    NoEndpoint,
    /// It is still valid: the server cannot, or will not (RFC 7009 section 2.2.1).
    StillValid {
        /// What the server said, or what kept the request from it.
        why: String,
        /// When to try again, where the server says so.
        retry_after: Option<Duration>,
    },
}

// === impl TokenSource ===

impl TokenSource {
    /// Revokes the stored token: its refresh token first, with which servers end the whole grant, then its access
    /// token. It stays stored: [`TokenSource::forget`] takes it away.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn revoke(&self) -> Result<Revocation, StoreError> {
        let inner = self.inner();
        // A key is no token of the authorization server, and must not be sent there.
        if inner.account.grant.is_unasked() {
            return Ok(Revocation::NoEndpoint);
        }
        // A server that cannot be asked where tokens are revoked is taken for one that revokes none.
        let account = inner.discover().await.unwrap_or_else(|_| inner.known());
        // Under the lock: no renewal is under way whose new token would outlive this.
        let mut guard = inner.store.exclusive(&inner.key, inner.token_timeout).await?;
        let stored = inner.newest(guard.load().await?);
        inner.know(stored.token.as_ref());
        let Some(token) = stored.token else { return Ok(Revocation::NoToken) };
        // Its host may be one that came with the token.
        let settled = account.settled(&token.captured).ok();
        let endpoint = settled.as_ref().unwrap_or(account).endpoints.revocation.clone();
        let Some(endpoint) = endpoint else { return Ok(Revocation::NoEndpoint) };
        let has_refresh_token = token.refresh_token.is_some();
        let only = account.component.oauth2.revocation_request.as_ref().and_then(|request| request.token);
        let refresh_token =
            token.refresh_token.as_ref().map(|token| (token, "refresh_token", RevokedToken::RefreshToken));
        let both = refresh_token.into_iter().chain([(&token.access_token, "access_token", RevokedToken::AccessToken)]);
        for (token, hint, _) in both.filter(|(.., kind)| only.is_none_or(|only| only == *kind)) {
            match self.revoke_one(&endpoint, token, hint).await {
                Ok(()) => {}
                // RFC 7009 section 2.2.1: some servers end refresh tokens only, and with them the whole grant.
                Err((_, unsupported)) if unsupported && hint == "access_token" && has_refresh_token => {}
                Err((left, _)) => return Ok(left),
            }
        }
        Ok(Revocation::Revoked)
    }

    /// Takes the stored token away, under the lock. Returns whether there was one.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn forget(&self) -> Result<bool, StoreError> {
        let inner = self.inner();
        let mut guard = inner.store.exclusive(&inner.key, inner.token_timeout).await?;
        let Stored { token, version, pending } = guard.load().await?;
        if token.is_some() || pending.is_some() {
            guard.remove_if(version).await?;
        }
        let mut state = inner.state();
        let (held, unstored) = (state.current.take(), state.unstored.take());
        state.failed = None;
        Ok(token.is_some() || held.is_some() || unstored.is_some())
    }

    /// Revokes one token. What is left of it comes with whether the server revokes no tokens of its kind.
    async fn revoke_one(&self, endpoint: &Url, token: &Secret, hint: &str) -> Result<(), (Revocation, bool)> {
        let left = |fault: &TokenFault| (still_valid(fault.to_string(), None), false);
        let exchange = self.inner().exchange();
        let account = self.account();
        let own = account.component.oauth2.revocation_request.clone().unwrap_or_default();
        // RFC 6749 section 2.3: the client shows in one way who it is.
        let own_header = own.headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"));
        let usual = || account.component.oauth2.auth_method_of(account.grant.name());
        let auth = match own.token_endpoint_auth_method {
            None if own_header => ClientAuthMethod::None,
            told => told.unwrap_or_else(usual),
        };
        let mut secrets = exchange.client_secrets(auth, &own.params).await.map_err(|fault| left(&fault))?;
        let in_headers: Vec<&str> = own.headers.values().flat_map(Template::names).collect();
        secrets.extend(exchange.read_named(&in_headers).await.map_err(|fault| left(&fault))?);
        secrets.insert("token".to_owned(), token.clone());
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", token.expose_secret_text()).append_pair("token_type_hint", hint);
        let post = Post {
            has_target: false,
            method: own.method,
            headers: Some(&own.headers),
            ..Post::new(auth, &own.params, own.encoding, &secrets)
        };
        let end = exchange.post(endpoint, form.finish().as_bytes(), post).await.map_err(|fault| left(&fault))?;
        self.judge_revocation(end)
    }

    fn judge_revocation(&self, end: AttemptEnd) -> Result<(), (Revocation, bool)> {
        let inner = self.inner();
        let answer = match end {
            AttemptEnd::Answered(answer) => answer,
            AttemptEnd::NeverSent(fault) | AttemptEnd::MaybeProcessed(fault) => {
                return Err((still_valid(inner.redactor.text(&fault.detail).into_owned(), None), false));
            }
        };
        // RFC 7009 section 2.2 says 200; others say that it was accepted, or that there is nothing more to say.
        if answer.status.is_success() {
            return Ok(());
        }
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        let said = OAuthAnswer::read(answer.status.as_u16(), &body, &inner.redactor);
        // RFC 7009 section 2.2.1: only then does the server say that it could do it later.
        let wait = (answer.status == StatusCode::SERVICE_UNAVAILABLE)
            .then(|| throttle_wait(&inner.account.component.throttle, &answer.headers, |_| None, inner.clock.now()))
            .flatten();
        let unsupported = said.error.as_deref() == Some("unsupported_token_type");
        Err((still_valid(format!("the revocation endpoint did not do it{}", said.in_brackets()), wait), unsupported))
    }
}

fn still_valid(why: String, retry_after: Option<Duration>) -> Revocation {
    Revocation::StillValid { why, retry_after }
}

//! A token source's sign-ins: what begins one, and what ends one.

use std::sync::Arc;

use keyway_component::Secret;

use super::{AnswerError, AuthorizationRequest, Code};
use crate::{exchange::Offer, fault::TokenError, source::TokenSource, store::StoreError, token::Token};

/// Why a sign-in cannot begin, or ended without a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The component or the credential does not allow it.
    #[error("{0}")]
    NotPossible(String),
    /// The answer gives no code.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The server gives no token for it.
    #[error(transparent)]
    Token(#[from] TokenError),
}

// === impl TokenSource ===

impl TokenSource {
    /// Begins a sign-in whose answer arrives at a redirect URI (see [`super::Redirect::of`]). No request is made:
    /// where the server tells its endpoints itself, [`TokenSource::discover`] goes before.
    ///
    /// # Errors
    /// The component or the credential does not allow it.
    pub fn authorization_request(&self, redirect_uri: &str) -> Result<AuthorizationRequest, SignInError> {
        let request = AuthorizationRequest::new(self.inner().known(), redirect_uri)?;
        let inner = self.inner();
        for secret in [request.code_verifier(), request.dpop_key()].into_iter().flatten() {
            inner.redactor.know(&inner.account.inputs_label(), &secret);
        }
        Ok(request)
    }

    /// Ends a sign-in: exchanges the code, once, and stores the token before it is given. The request is used up
    /// (RFC 6749 section 4.1.2). A caller that goes away does not interrupt it.
    ///
    /// # Errors
    /// There is no token for it; a token that there was before is untouched.
    pub async fn redeem_code(&self, request: AuthorizationRequest, code: Code) -> Result<Arc<Token>, TokenError> {
        let (redirect_uri, state) = (request.redirect_uri().to_owned(), request.state().to_owned());
        self.redeem({
            let Code { code, callback } = code;
            let (code_verifier, dpop_key) = (request.code_verifier(), request.dpop_key());
            Offer::Code { code, code_verifier, redirect_uri, callback, state, dpop_key }
        })
        .await
    }

    /// Begins a line of tokens with a refresh token that was got elsewhere: it is exchanged, and what comes of it is
    /// stored.
    ///
    /// # Errors
    /// There is no token for it; a token that there was before is untouched.
    pub async fn import_refresh_token(&self, refresh_token: Secret) -> Result<Arc<Token>, TokenError> {
        self.redeem(Offer::RefreshToken(refresh_token)).await
    }

    /// Puts a token that was got elsewhere in the place of the account's. No request is made.
    ///
    /// # Errors
    /// The store cannot take it.
    pub async fn adopt(&self, mut token: Token) -> Result<(), StoreError> {
        let inner = self.inner();
        inner.know(Some(&token));
        token.begun_with = inner.begins_with().await;
        let mut held = inner.store.exclusive(&inner.key, inner.token_timeout).await?;
        let version = held.load().await?.version;
        held.replace_if(version, &token).await?;
        inner.state().renewed(&Arc::new(token));
        Ok(())
    }
}

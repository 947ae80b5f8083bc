//! Requests to the API with a token that is bound to a key (RFC 9449 section 7).

use keyway_http::{AttemptEnd, WireCall};

use crate::{
    dpop::{DPOP, Proven, wants_nonce},
    fault::{TokenError, TokenErrorKind},
    source::TokenSource,
    token::Token,
};

// === impl TokenSource ===

impl TokenSource {
    /// Proves, for one attempt, that this side has the key of its token; does nothing for a token without one.
    ///
    /// # Errors
    /// The stored key is damaged.
    pub fn prove(&self, call: &mut WireCall, token: &Token) -> Result<(), TokenError> {
        let Some(key) = &token.dpop_key else { return Ok(()) };
        let inner = self.inner();
        let (method, url, now) = (call.method.as_str(), &call.url, inner.clock.now());
        let proven = Proven { method, url, access_token: Some(&token.access_token), now };
        let proof = inner.rare().nonces.prove(key, &proven).map_err(|error| {
            let why = format!("no proof of possession for `{}`: {error}", inner.account.label());
            TokenError::new(TokenErrorKind::Unusable, why)
        })?;
        call.headers.insert(DPOP, proof);
        Ok(())
    }

    /// Adopts the nonce of an answer, and says whether the same request has to be sent once more with it.
    #[must_use]
    pub fn hear_nonce(&self, url: &url::Url, end: &AttemptEnd) -> bool {
        let AttemptEnd::Answered(answer) = end else { return false };
        self.inner().rare().nonces.adopt(url, &answer.headers);
        wants_nonce(answer.status, &answer.headers, &answer.body)
    }
}

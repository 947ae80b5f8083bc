//! Tokens that are bound to a key (RFC 9449): the key of an exchange, and its proofs.

use http::HeaderValue;
use keyway_component::Secret;
use url::Url;

use super::{Exchange, Offer, Request};
use crate::{
    assertion::KeyError,
    dpop::{Proven, new_key},
    fault::{TokenFault, TokenFaultKind},
    token::Token,
};

/// The name of the key among the secrets of a request. No template can name it.
pub(super) const DPOP_KEY: &str = "dpop key";

// === impl Exchange ===

impl Exchange<'_> {
    /// RFC 9449 section 5: a refresh token of a public client is bound to the key of its first token. A new sign-in gets
    /// a new one.
    pub(super) fn dpop_key(&self, request: &Request, before: Option<&Token>) -> Result<Secret, TokenFault> {
        let held = before.and_then(|token| token.dpop_key.clone());
        let key = match request {
            Request::Redeem(Offer::Code { dpop_key: Some(key), .. }) => Ok(key.clone()),
            Request::Refresh(_) | Request::Redeem(Offer::DeviceCode(_)) => held.map_or_else(new_key, Ok),
            _ => new_key(),
        };
        let key = key.map_err(|error| unusable(&error))?;
        self.redactor.know(&self.account.label(), &key);
        Ok(key)
    }

    /// A proof for a request to an OAuth endpoint.
    pub(super) fn proof(&self, key: &Secret, method: &str, url: &Url) -> Result<HeaderValue, TokenFault> {
        let proven = Proven { method, url, access_token: None, now: self.clock.now() };
        self.rare.get_or_init(Box::default).nonces.prove(key, &proven).map_err(|error| unusable(&error))
    }
}

fn unusable(error: &KeyError) -> TokenFault {
    TokenFault::new(TokenFaultKind::Unreachable, format!("no proof of possession can be made: {error}"))
}

//! The header that carries the access token, made once a token and not once a message.

use std::sync::{Arc, Mutex, PoisonError};

use http::{
    HeaderName, HeaderValue,
    header::{InvalidHeaderName, InvalidHeaderValue},
};
use keyway_component::component::Authorization;
use keyway_oauth::Token;

/// The header of one account.
pub(crate) struct AuthorizationHeader {
    name: HeaderName,
    scheme: String,
    last: Mutex<Option<(Arc<Token>, HeaderValue)>>,
}

// === impl AuthorizationHeader ===

impl AuthorizationHeader {
    /// The header that a component declares, or the query parameter.
    pub(crate) fn of(authorization: &Authorization) -> Result<Result<Self, String>, InvalidHeaderName> {
        let (name, scheme) = match authorization {
            Authorization::Header { name, scheme } => (name, scheme),
            Authorization::Query { name } => return Ok(Err(name.clone())),
        };
        let name = HeaderName::try_from(name.as_str())?;
        Ok(Ok(Self { name, scheme: scheme.clone(), last: Mutex::default() }))
    }

    pub(crate) fn name(&self) -> &HeaderName {
        &self.name
    }

    /// Its value for a token. An error: the token has characters that no header can carry.
    pub(crate) fn value(&self, token: &Arc<Token>) -> Result<HeaderValue, InvalidHeaderValue> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((made_for, value)) if Arc::ptr_eq(made_for, token) => Ok(value.clone()),
            _ => {
                let access_token = token.access_token.expose_secret_text();
                let mut value = match self.scheme.as_str() {
                    "" => HeaderValue::from_str(access_token)?,
                    scheme => HeaderValue::from_str(&format!("{scheme} {access_token}"))?,
                };
                value.set_sensitive(true);
                *last = Some((Arc::clone(token), value.clone()));
                Ok(value)
            }
        }
    }
}

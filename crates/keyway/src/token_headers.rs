//! The headers that carry an account's access token, made once a token and not once a message.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderName, HeaderValue, header::InvalidHeaderValue};
use keyway_oauth::Token;

/// Headers with their values.
pub(crate) type Headers = Arc<[(HeaderName, HeaderValue)]>;

/// Those of the last token.
#[derive(Default)]
pub(crate) struct TokenHeaders(Mutex<Option<(Arc<Token>, Headers)>>);

// === impl TokenHeaders ===

impl TokenHeaders {
    /// The headers for a token; `places` are names and schemes. An error: the token has characters that no header can
    /// carry.
    pub(crate) fn of(
        &self,
        token: &Arc<Token>,
        places: &[(HeaderName, String)],
    ) -> Result<Headers, InvalidHeaderValue> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((made_for, headers)) if Arc::ptr_eq(made_for, token) => Ok(Arc::clone(headers)),
            _ => {
                let made = |(name, scheme): &(HeaderName, String)| Ok((name.clone(), value(token, scheme)?));
                let headers: Headers = places.iter().map(made).collect::<Result<_, _>>()?;
                *last = Some((Arc::clone(token), Arc::clone(&headers)));
                Ok(headers)
            }
        }
    }
}

fn value(token: &Token, scheme: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let access_token = token.access_token.expose_secret_text();
    let mut value = match scheme {
        "" => HeaderValue::from_str(access_token)?,
        scheme => HeaderValue::from_str(&format!("{scheme} {access_token}"))?,
    };
    value.set_sensitive(true);
    Ok(value)
}

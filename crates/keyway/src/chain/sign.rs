//! Puts the token where the component says, and only where it may go.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};
use keyway_component::component::Authorization;
use keyway_http::WireCall;
use keyway_oauth::Token;

use super::confine::Confined;
use crate::{
    connection::Connection,
    failure::{Code, Failure},
};

/// Signs a call for one attempt, and says whether it did. An origin that gets no token gets no other secret of the account either.
pub(super) async fn sign(
    call: &mut WireCall,
    confined: Confined,
    connection: &Connection,
    token: &Token,
) -> Result<bool, Failure> {
    if !confined.token {
        return Ok(false);
    }
    for (name, value) in connection.secret_headers().await?.iter() {
        call.headers.insert(name.clone(), value.clone());
    }
    let access_token = token.access_token.expose_secret_text();
    match &connection.account().component.api.authorization {
        Authorization::Header { name, scheme } => {
            let text = if scheme.is_empty() {
                Cow::Borrowed(access_token)
            } else {
                Cow::Owned(format!("{scheme} {access_token}"))
            };
            let unfit = || {
                Failure::new(
                    Code::TokenResponseInvalid,
                    "the access token has characters that no header can carry; report it to the vendor",
                )
            };
            let name = HeaderName::try_from(name.as_str()).map_err(|_| unfit())?;
            let mut value = HeaderValue::from_str(&text).map_err(|_| unfit())?;
            value.set_sensitive(true);
            call.headers.insert(name, value);
        }
        Authorization::Query { name } => {
            call.url.query_pairs_mut().append_pair(name, access_token);
        }
    }
    Ok(true)
}

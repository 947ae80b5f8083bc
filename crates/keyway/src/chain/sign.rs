//! Puts the token where the component says, and only where it may go.

use std::sync::Arc;

use keyway_http::{AttemptEnd, WireCall};
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
    token: &Arc<Token>,
) -> Result<bool, Failure> {
    if !confined.token {
        return Ok(false);
    }
    for (name, value) in connection.secret_headers().await?.iter() {
        call.headers.insert(name.clone(), value.clone());
    }
    let headers = connection.token_headers(token).map_err(|_| {
        Failure::new(
            Code::TokenResponseInvalid,
            "the access token has characters that no header can carry; report it to the vendor",
        )
    })?;
    for (name, value) in headers.iter() {
        call.headers.insert(name.clone(), value.clone());
    }
    for name in &connection.prepared().authorization_query {
        call.url.query_pairs_mut().append_pair(name, token.access_token.expose_secret_text());
    }
    Ok(true)
}

/// Sends a call. A signed one has a proof of its own where its token is bound to a key, and a server that wants its nonce
/// in it gets the call once more (RFC 9449 section 9).
pub(super) async fn send(
    mut call: WireCall,
    signed: bool,
    connection: &Connection,
    token: &Token,
) -> Result<AttemptEnd, Failure> {
    let transport = connection.transport();
    if !signed || token.dpop_key.is_none() {
        return Ok(transport.send(call).await);
    }
    let tokens = connection.tokens();
    tokens.prove(&mut call, token)?;
    let end = transport.send(call.clone()).await;
    if !tokens.hear_nonce(&call.url, &end) {
        return Ok(end);
    }
    tokens.prove(&mut call, token)?;
    let end = transport.send(call.clone()).await;
    // A nonce that comes with a good answer is for the next request.
    let _ = tokens.hear_nonce(&call.url, &end);
    Ok(end)
}

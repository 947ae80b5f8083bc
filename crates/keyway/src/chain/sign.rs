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
    let prepared = connection.prepared();
    // Most components have none of these.
    if !(prepared.secret_headers.is_empty() && prepared.secret_query.is_empty()) {
        let parts = connection.secret_parts().await?;
        for (name, value) in &parts.headers {
            call.headers.insert(name.clone(), value.clone());
        }
        for (name, value) in &parts.query {
            // The link to a next page may have it already.
            if !call.url.query_pairs().any(|(known, _)| known == *name) {
                call.url.query_pairs_mut().append_pair(name, value.expose_secret_text());
            }
        }
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

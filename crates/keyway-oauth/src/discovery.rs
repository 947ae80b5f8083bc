//! Asks an authorization server about itself, once, where its component leaves endpoints out (RFC 8414 section 3).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use keyway_http::{AttemptEnd, WireCall};
use tokio::time::Instant;

use crate::{
    account::Account,
    fault::{TokenError, TokenErrorKind, TokenFault, TokenFaultKind},
    metadata::{Metadata, MetadataError, places},
    shared::Inner,
    source::TokenSource,
};

/// The most bytes of metadata.
const MAX_BODY_BYTES: u64 = 1 << 20;

// === impl Inner ===

impl Inner {
    /// The account with all its endpoints. The server is asked once. A failure is asked about again, but not by those who
    /// waited for it: each of them would wait as long as the one before.
    pub(crate) async fn discover(&self) -> Result<&Arc<Account>, TokenFault> {
        if !self.account.awaits_discovery() {
            return Ok(&self.account);
        }
        let (rare, came) = (self.rare(), Instant::now());
        if let Some(account) = rare.discovered.get() {
            return Ok(account);
        }
        let mut last = rare.discovering.lock().await;
        match &*last {
            _ if rare.discovered.get().is_some() => {}
            Some((failed, fault)) if *failed >= came => return Err(fault.clone()),
            _ => match self.discovered().await {
                Ok(account) => _ = rare.discovered.set(account),
                Err(fault) => {
                    *last = Some((Instant::now(), fault.clone()));
                    return Err(fault);
                }
            },
        }
        Ok(self.known())
    }

    async fn discovered(&self) -> Result<Arc<Account>, TokenFault> {
        let issuer = self.account.endpoints.issuer.clone().unwrap_or_default();
        let metadata = self.ask(&issuer).await?;
        let account = self.account.with_metadata(metadata);
        let account = account.map_err(|error| TokenFault::new(TokenFaultKind::Invalid, error.to_string()))?;
        tracing::info!(event = "issuer_discovered", account = %account.label(), %issuer, "the server's endpoints are known");
        Ok(Arc::new(account))
    }

    async fn ask(&self, issuer: &str) -> Result<Metadata, TokenFault> {
        let mut last = TokenFault::new(TokenFaultKind::Invalid, "the issuer is no URL; correct `issuer`");
        for url in places(issuer) {
            let shown = url.to_string();
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
            let (timeout, max_body_bytes) = (self.token_timeout, MAX_BODY_BYTES);
            let call = WireCall { method: Method::GET, url, headers, body: Bytes::new(), timeout, max_body_bytes };
            let fault = |kind, why: &str| TokenFault::new(kind, self.redactor.text(why).into_owned());
            match self.transport.send(call).await {
                AttemptEnd::Answered(answer) if answer.status == StatusCode::OK => {
                    match Metadata::read(issuer, &answer.body) {
                        Ok(metadata) => return Ok(metadata),
                        // Sites that answer everything with a page do so here too: the other place may be the right one.
                        Err(error @ MetadataError::NoObject) if last.kind != TokenFaultKind::NotProcessed => {
                            last = fault(TokenFaultKind::Invalid, &error.to_string());
                        }
                        Err(MetadataError::NoObject) => {}
                        Err(error) => return Err(fault(TokenFaultKind::Invalid, &error.to_string())),
                    }
                }
                AttemptEnd::Answered(answer) => {
                    let status = answer.status;
                    let kind = if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                        TokenFaultKind::NotProcessed
                    } else {
                        TokenFaultKind::Invalid
                    };
                    let why = format!(
                        "`{shown}` answered {status} instead of the server's metadata; check `issuer`, or write the \
                         endpoints into the component"
                    );
                    // One place that is down may be the right one: it is asked again.
                    if last.kind != TokenFaultKind::NotProcessed {
                        last = fault(kind, &why);
                    }
                }
                AttemptEnd::NeverSent(end) if end.is_final() => {
                    return Err(fault(TokenFaultKind::Unreachable, &end.detail));
                }
                // Nothing is used up by a question.
                AttemptEnd::NeverSent(end) | AttemptEnd::MaybeProcessed(end) => {
                    return Err(fault(TokenFaultKind::NotProcessed, &end.detail));
                }
            }
        }
        Err(last)
    }
}

// === impl TokenSource ===

impl TokenSource {
    /// The account with the endpoints that its server tells (RFC 8414), where the component leaves them out. No token
    /// is asked for.
    ///
    /// # Errors
    /// The server tells none, or names another issuer.
    pub async fn discover(&self) -> Result<Arc<Account>, TokenError> {
        self.inner().discover().await.cloned().map_err(|fault| {
            let kind = match fault.kind {
                TokenFaultKind::NotProcessed => TokenErrorKind::Unavailable,
                TokenFaultKind::Unreachable => TokenErrorKind::Unusable,
                _ => TokenErrorKind::ResponseInvalid,
            };
            TokenError::new(kind, format!("no endpoints for `{}`: {fault}", self.account().label()))
        })
    }
}

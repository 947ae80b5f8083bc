//! What goes wrong when a token is asked for.

use std::time::Duration;

use keyway_component::{Pointer, Redactor, printable};
use serde_json::Value;

use crate::store::StoreError;

/// Longest text of a server that is passed on, in characters.
const LONGEST_TEXT: usize = 500;

/// Why there is no token. Cheap to clone: all waiting messages get the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TokenError {
    /// What kind it is.
    pub kind: TokenErrorKind,
    /// What happened, and what to do.
    pub message: String,
    /// The token endpoint's own words.
    pub oauth: Option<Box<OAuthAnswer>>,
    /// How long to wait before asking again, if that is known.
    pub retry_after: Option<Duration>,
}

/// The kinds of reasons why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenErrorKind {
    /// A person has to sign in.
    SignInRequired,
    /// The authorization server refuses for good.
    Denied,
    /// It cannot be reached, or cannot answer now: never taken for a denial.
    Unavailable,
    /// No request can be made: a secret, a certificate or an address is not as it should be.
    Unusable,
    /// It answers with something that is no token answer.
    ResponseInvalid,
}

/// What the token endpoint said (RFC 6749 section 5.2), without secrets and without control characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OAuthAnswer {
    /// The status of the answer.
    pub status: u16,
    /// The member `error`; unknown codes are passed on as they are.
    pub error: Option<String>,
    /// The member `error_description`.
    pub error_description: Option<String>,
    /// The member `error_detail`, which some vendors add.
    pub error_detail: Option<String>,
}

/// How one token request ended, when it ended without a token. The dialect's side of [`TokenError`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TokenFault {
    /// What kind of end it was.
    pub kind: TokenFaultKind,
    /// What happened.
    pub message: String,
    /// The endpoint's own words.
    pub oauth: Option<Box<OAuthAnswer>>,
    /// The wait that it asks for.
    pub retry_after: Option<Duration>,
}

/// The kinds of ends of a token request without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFaultKind {
    /// Refused: code, refresh token or password are wrong, spent or revoked (`invalid_grant`).
    InvalidGrant,
    /// Refused: the client is not known, or its secret is wrong.
    InvalidClient,
    /// Refused for another reason.
    Denied,
    /// The account asks for a second factor, which no grant can give.
    SecondFactor,
    /// A person has not decided yet (RFC 8628 section 3.5).
    AuthorizationPending,
    /// The same, and the client asks too often.
    SlowDown,
    /// It cannot be sent at all: certificate, address, set-up. Sending it again would meet the same.
    Unreachable,
    /// The server never saw it, or says that it did nothing: it may be sent again.
    NotProcessed,
    /// Nobody knows whether the server did it.
    MaybeProcessed,
    /// The answer is none that means anything.
    Invalid,
}

// === impl TokenError ===

impl TokenError {
    /// An error without words of the token endpoint.
    pub(crate) fn new(kind: TokenErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), oauth: None, retry_after: None }
    }
}

/// A store that fails is an outage, never a denial.
impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::new(TokenErrorKind::Unavailable, error.to_string())
    }
}

// === impl OAuthAnswer ===

impl OAuthAnswer {
    /// From an error answer's body.
    pub(crate) fn read(status: u16, body: &Value, redactor: &Redactor) -> Self {
        Self::read_at(status, body, &Pointer::new("/error"), &Pointer::new("/error_description"), redactor)
    }

    /// From an error answer's body whose code and description stand elsewhere.
    pub(crate) fn read_at(
        status: u16,
        body: &Value,
        error: &Pointer,
        description: &Pointer,
        redactor: &Redactor,
    ) -> Self {
        let text = |at: &Pointer| {
            let text = match at.find(body)? {
                Value::String(text) => text.clone(),
                Value::Null => return None,
                other => other.to_string(),
            };
            Some(printable(&redactor.text(&text), LONGEST_TEXT))
        };
        Self {
            status,
            error: text(error),
            error_description: text(description),
            error_detail: text(&Pointer::new("/error_detail")),
        }
    }

    /// The answer in one line: ` (400 invalid_grant: The code is spent)`.
    pub(crate) fn in_brackets(&self) -> String {
        let mut line = format!(" ({}", self.status);
        for (before, text) in [(" ", &self.error), (": ", &self.error_description)] {
            if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
                line.push_str(before);
                line.push_str(text);
            }
        }
        line.push(')');
        line
    }
}

// === impl TokenFault ===

impl TokenFault {
    pub(crate) fn new(kind: TokenFaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), oauth: None, retry_after: None }
    }
}

//! A message that failed: a stable code, a sentence that says what to do, and the answer when one came.

use std::{fmt, ops::Deref, time::Duration};

use keyway_oauth::{OAuthAnswer, TokenError, TokenErrorKind};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::Answer;

/// What kind of failure it is. A closed list: a new code is a new minor version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The line is no message.
    InvalidMessage,
    /// It names a component that is not there.
    UnknownComponent,
    /// It names an account that the command did not admit, or none where there are several.
    UnknownCredential,
    /// It names an action that the component does not have.
    UnknownAction,
    /// Its `params` do not fit the action.
    InvalidParams,
    /// Its URL leaves the component's API.
    UrlNotAllowed,
    /// The host's address is private, and nobody allowed it.
    AddressNotAllowed,
    /// A person has to sign in.
    SignInRequired,
    /// The authorization server refuses, or the API refuses a token that was just renewed.
    TokenDenied,
    /// The token endpoint cannot be reached or cannot serve.
    TokenUnavailable,
    /// The token endpoint answers with something that is no token.
    TokenResponseInvalid,
    /// The API answered with a status of 400 or more.
    HttpStatus,
    /// The API asks for a longer wait than allowed, or kept refusing.
    RateLimited,
    /// No whole answer in time.
    Timeout,
    /// No connection, or it broke.
    Network,
    /// The server's certificate or the TLS handshake.
    Tls,
    /// The answer is longer than allowed.
    ResponseTooLarge,
    /// The answer is not what it says it is.
    ResponseInvalid,
    /// The connection is known to be broken, and this message could not wait until it is not.
    GateClosed,
    /// The process was stopped before the message was done.
    Interrupted,
    /// A fault of Keyway's own.
    Internal,
}

/// Why a message has no good answer. Cheap to move; the parts are read through `Deref`.
#[derive(Debug, Clone)]
pub struct Failure(Box<FailureParts>);

/// The parts of a [`Failure`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FailureParts {
    /// What kind it is.
    pub code: Code,
    /// What happened and what to do, without secrets.
    pub message: String,
    /// Whether the same message may be sent again, now or after `retry_after`, without the risk of doing it twice.
    pub retryable: bool,
    /// How long to wait before that.
    pub retry_after: Option<Duration>,
    /// The token endpoint's own words.
    pub oauth: Option<OAuthAnswer>,
    /// Every attempt before the last one.
    pub history: Vec<Attempt>,
    /// The request as it was resolved, if it got that far.
    pub request: Option<RequestSummary>,
    /// The answer, when one came.
    pub answer: Option<Answer>,
    /// API requests that were sent.
    pub attempts: u32,
    /// Time from the message's start.
    pub elapsed: Duration,
}

/// One attempt that was not the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Attempt {
    /// The status of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong on the wire instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Why it was not the last.
    pub reason: String,
    /// Milliseconds that were waited after it.
    pub waited_ms: u64,
}

/// The request of a failed message: enough to find it again, and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RequestSummary {
    /// Its method.
    pub method: String,
    /// Its URL, secret query values masked.
    pub url: String,
    /// The credential's name.
    pub credential: String,
}

// === impl Code ===

impl Code {
    /// All codes, for documentation and tests.
    pub const ALL: &[Self] = &[
        Self::InvalidMessage,
        Self::UnknownComponent,
        Self::UnknownCredential,
        Self::UnknownAction,
        Self::InvalidParams,
        Self::UrlNotAllowed,
        Self::AddressNotAllowed,
        Self::SignInRequired,
        Self::TokenDenied,
        Self::TokenUnavailable,
        Self::TokenResponseInvalid,
        Self::HttpStatus,
        Self::RateLimited,
        Self::Timeout,
        Self::Network,
        Self::Tls,
        Self::ResponseTooLarge,
        Self::ResponseInvalid,
        Self::GateClosed,
        Self::Interrupted,
        Self::Internal,
    ];

    /// As it is written in outcomes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidMessage => "invalid_message",
            Self::UnknownComponent => "unknown_component",
            Self::UnknownCredential => "unknown_credential",
            Self::UnknownAction => "unknown_action",
            Self::InvalidParams => "invalid_params",
            Self::UrlNotAllowed => "url_not_allowed",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::SignInRequired => "sign_in_required",
            Self::TokenDenied => "token_denied",
            Self::TokenUnavailable => "token_unavailable",
            Self::TokenResponseInvalid => "token_response_invalid",
            Self::HttpStatus => "http_status",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::Tls => "tls",
            Self::ResponseTooLarge => "response_too_large",
            Self::ResponseInvalid => "response_invalid",
            Self::GateClosed => "gate_closed",
            Self::Interrupted => "interrupted",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Failure ===

impl Failure {
    /// A failure with nothing but its code and what to say about it.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(FailureParts {
            code,
            message: message.into(),
            retryable: false,
            retry_after: None,
            oauth: None,
            history: Vec::new(),
            request: None,
            answer: None,
            attempts: 0,
            elapsed: Duration::ZERO,
        }))
    }

    /// The parts, to fill in.
    pub(crate) fn parts_mut(&mut self) -> &mut FailureParts {
        &mut self.0
    }

    /// The parts, taken out.
    #[must_use]
    pub fn into_parts(self) -> FailureParts {
        *self.0
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let code = match error.kind {
            TokenErrorKind::SignInRequired => Code::SignInRequired,
            TokenErrorKind::Denied => Code::TokenDenied,
            TokenErrorKind::Unavailable | TokenErrorKind::Unusable => Code::TokenUnavailable,
            TokenErrorKind::ResponseInvalid => Code::TokenResponseInvalid,
        };
        let mut failure = Self::new(code, error.message);
        let parts = failure.parts_mut();
        parts.retryable = error.kind == TokenErrorKind::Unavailable;
        parts.retry_after = error.retry_after;
        parts.oauth = error.oauth.map(|oauth| *oauth);
        failure
    }
}

impl Deref for Failure {
    type Target = FailureParts;

    fn deref(&self) -> &FailureParts {
        &self.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}

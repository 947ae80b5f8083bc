//! A token as it was got.

mod captured;

use std::time::{Duration, SystemTime};

use keyway_component::Secret;
use serde_json::{Map, Value};

pub use captured::Captured;

/// An access token with all that came with it.
#[derive(Clone)]
pub struct Token {
    /// What the API wants to see.
    pub access_token: Secret,
    /// What renews it without a person.
    pub refresh_token: Option<Secret>,
    /// When it was got, by this machine's clock.
    pub obtained_at: SystemTime,
    /// When it ends; `None` when nobody knows, and then it is renewed when the API refuses it.
    pub expires_at: Option<SystemTime>,
    /// How `expires_at` is known.
    pub expiry_source: ExpirySource,
    /// The scope that was granted, when the answer names it (RFC 6749 section 5.1).
    pub scope: Option<String>,
    /// All further members of the answer, Podio's `ref` among them.
    pub extra: Map<String, Value>,
    /// The private key that it is bound to (RFC 9449), as it is stored.
    pub dpop_key: Option<Secret>,
    /// Variables that were read from the answers that led to it, by name.
    pub captured: Captured,
    /// Keyed hash of the one-time input (code, or refresh token got elsewhere) that began this line of tokens.
    pub begun_with: Option<String>,
}

/// How the end of a token is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpirySource {
    /// The answer says it.
    Answer,
    /// The component's `default_expires_in`.
    ComponentDefault,
    /// The claim `exp` of a token that is a JWT (RFC 7519 section 4.1.4).
    JwtClaim,
    /// The lifetime of the token before.
    LastSeen,
    /// It is not known.
    Unknown,
}

// === impl Token ===

impl Token {
    /// How long it lives in all, when that is known.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.expires_at.map(|end| end.duration_since(self.obtained_at).unwrap_or_default())
    }

    /// Whether both are the very same access token.
    #[must_use]
    pub fn is_same(&self, other: &Token) -> bool {
        self.access_token.expose_secret_text() == other.access_token.expose_secret_text()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Further members may be secrets too: only their names are shown.
        let members: Vec<&String> = self.extra.keys().collect();
        f.debug_struct("Token")
            .field("expires_at", &self.expires_at)
            .field("expiry_source", &self.expiry_source)
            .field("has_refresh_token", &self.refresh_token.is_some())
            .field("has_scope", &self.scope.is_some())
            .field("further_members", &members)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Display for ExpirySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Answer => "answer",
            Self::ComponentDefault => "component_default",
            Self::JwtClaim => "jwt_claim",
            Self::LastSeen => "last_seen",
            Self::Unknown => "unknown",
        })
    }
}

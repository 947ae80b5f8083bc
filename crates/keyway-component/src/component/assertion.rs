//! JWTs that the client makes itself (RFC 7523): to show who it is, or as a grant.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{json_template::JsonTemplate, template::Template};

/// Claims or header members: a value adds or replaces one, `null` leaves it out, and so does an empty text.
pub type Claims = BTreeMap<String, Option<JsonTemplate>>;

/// How a JWT is made (RFC 7523 section 3). It has the claims `iss`, `sub`, `aud`, `iat`, `exp` and `jti`, and those that
/// are laid over them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// How it is signed. Absent: `RS256` with a private key, `HS256` with the client's secret.
    #[serde(default)]
    pub algorithm: Option<SigningAlgorithm>,
    /// The claim `aud`; the token endpoint's URL when absent.
    #[serde(default)]
    pub audience: Option<Template>,
    /// Seconds from `iat` to `exp`.
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 10, max = 3600))]
    pub lifetime_s: u32,
    /// Laid over the header `{"typ": "JWT", "alg": …}`, such as `"kid": "{key_id}"`.
    #[serde(default)]
    pub header: Claims,
    /// Laid over the claims.
    #[serde(default)]
    pub claims: Claims,
}

/// How a JWT is signed (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SigningAlgorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    RS256,
    /// RSA, PKCS #1 v1.5, SHA-384.
    RS384,
    /// RSA, PKCS #1 v1.5, SHA-512.
    RS512,
    /// RSA, PSS, SHA-256.
    PS256,
    /// RSA, PSS, SHA-384.
    PS384,
    /// RSA, PSS, SHA-512.
    PS512,
    /// ECDSA on P-256, SHA-256.
    ES256,
    /// ECDSA on P-384, SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
    /// HMAC with SHA-256, keyed with the client's secret.
    HS256,
    /// HMAC with SHA-384, keyed with the client's secret.
    HS384,
    /// HMAC with SHA-512, keyed with the client's secret.
    HS512,
}

fn five_minutes() -> u32 {
    300
}

impl Default for Assertion {
    fn default() -> Self {
        let (algorithm, audience, header, claims) = Default::default();
        Self { algorithm, audience, lifetime_s: five_minutes(), header, claims }
    }
}

// === impl Assertion ===

impl Assertion {
    /// All names that its templates ask for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let values = self.header.values().chain(self.claims.values()).flatten().flat_map(JsonTemplate::names);
        self.audience.iter().flat_map(Template::names).chain(values)
    }
}

// === impl SigningAlgorithm ===

impl SigningAlgorithm {
    /// The member `alg` of the header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
        }
    }

    /// Whether a shared secret signs, and no private key.
    #[must_use]
    pub fn is_hmac(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }

    /// The secret that signs.
    #[must_use]
    pub fn key(self) -> &'static str {
        if self.is_hmac() { "client_secret" } else { "private_key" }
    }
}

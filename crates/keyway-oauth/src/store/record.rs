//! One stored record, and its form as bytes.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use keyway_component::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::token::{ExpirySource, Token};

/// Counts the replacements of one token; 0 where there never was one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// What a store holds under one key.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// The token, if there ever was one.
    pub token: Option<Token>,
    /// Its version.
    pub version: Version,
    /// A request that was begun and whose end nobody noted.
    pub pending: Option<Pending>,
}

/// A token request that may have used up what it sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// When it was begun: seconds since 1970.
    pub since: u64,
    /// What it was: `refresh` or `code`.
    pub what: String,
    /// Keyed hash of the refresh token or code that it sent.
    pub sent: String,
    /// How many times it has been sent.
    pub times: u32,
}

// === impl Pending ===

impl Pending {
    /// When it was begun. A damaged record may say any number: one beyond all times is as late as can be told.
    #[must_use]
    pub fn begun_at(&self) -> SystemTime {
        time(self.since.saturating_mul(1000))
    }
}

/// The record as JSON, before encryption. Times are milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct Wire {
    version: u64,
    token: Option<WireToken>,
    pending: Option<Pending>,
}

#[derive(Serialize, Deserialize)]
struct WireToken {
    access_token: String,
    refresh_token: Option<String>,
    obtained_at_ms: u64,
    expires_at_ms: Option<u64>,
    expiry_source: String,
    scope: Option<String>,
    extra: Map<String, Value>,
    /// These two are absent in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dpop_key: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    captured: BTreeMap<String, String>,
    begun_with: Option<String>,
}

// === impl Stored ===

impl Stored {
    /// As bytes, wiped after use.
    pub(crate) fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let wire =
            Wire { version: self.version.0, token: self.token.as_ref().map(to_wire), pending: self.pending.clone() };
        serde_json::to_vec(&wire).map(Zeroizing::new).map_err(|error| error.to_string())
    }

    /// From bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        // The error's text could quote the record: only its place is passed on.
        let wire: Wire = serde_json::from_slice(bytes)
            .map_err(|error| format!("the record has a fault at line {} column {}", error.line(), error.column()))?;
        Ok(Self { token: wire.token.map(from_wire), version: Version(wire.version), pending: wire.pending })
    }
}

fn to_wire(token: &Token) -> WireToken {
    WireToken {
        access_token: token.access_token.expose_secret_text().to_owned(),
        refresh_token: token.refresh_token.as_ref().map(|secret| secret.expose_secret_text().to_owned()),
        obtained_at_ms: millis(token.obtained_at),
        expires_at_ms: token.expires_at.map(millis),
        expiry_source: token.expiry_source.to_string(),
        scope: token.scope.clone(),
        extra: token.extra.clone(),
        dpop_key: token.dpop_key.as_ref().map(|key| key.expose_secret_text().to_owned()),
        captured: token
            .captured
            .iter()
            .map(|(name, value)| (name.to_owned(), value.expose_secret_text().to_owned()))
            .collect(),
        begun_with: token.begun_with.clone(),
    }
}

fn from_wire(wire: WireToken) -> Token {
    let sources = [
        ExpirySource::Answer,
        ExpirySource::ComponentDefault,
        ExpirySource::JwtClaim,
        ExpirySource::LastSeen,
        ExpirySource::Unknown,
    ];
    let source = sources.into_iter().find(|source| source.to_string() == wire.expiry_source);
    Token {
        access_token: Secret::new(wire.access_token),
        refresh_token: wire.refresh_token.map(Secret::new),
        obtained_at: time(wire.obtained_at_ms),
        expires_at: wire.expires_at_ms.map(time),
        expiry_source: source.unwrap_or(ExpirySource::Unknown),
        scope: wire.scope,
        extra: wire.extra,
        dpop_key: wire.dpop_key.map(Secret::new),
        captured: wire.captured.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
        begun_with: wire.begun_with,
    }
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rfc3339;

    #[test]
    fn a_pending_request_is_told_whatever_its_record_says() {
        let told = |since: u64| {
            let pending = Pending { since, what: "refresh".to_owned(), sent: String::new(), times: 1 };
            rfc3339(pending.begun_at())
        };
        assert_eq!(told(0), "1970-01-01T00:00:00Z");
        assert_eq!(told(1_800_000_000), "2027-01-15T08:00:00Z");
        assert_eq!(told(u64::MAX), "beyond all dates");
    }
}

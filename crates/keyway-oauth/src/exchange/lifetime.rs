//! How long a new token lives. Pure.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::token::ExpirySource;

/// No token is believed to live longer: ten years.
const LONGEST_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// H10: the answer, then the component's default, then the token's own claim, then what was seen last, then nothing.
pub(super) fn lifetime(
    told: Option<Duration>,
    default_s: Option<u64>,
    jwt_exp_s: Option<u64>,
    last_seen: Option<Duration>,
    now: SystemTime,
) -> (Option<Duration>, ExpirySource) {
    let until = |exp: u64| {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Duration::from_secs(exp).checked_sub(now).filter(|left| !left.is_zero())
    };
    [
        (told, ExpirySource::Answer),
        (default_s.map(Duration::from_secs), ExpirySource::ComponentDefault),
        (jwt_exp_s.and_then(until), ExpirySource::JwtClaim),
        (last_seen, ExpirySource::LastSeen),
    ]
    .into_iter()
    .find_map(|(lifetime, source)| Some((Some(lifetime?.min(LONGEST_LIFETIME)), source)))
    .unwrap_or((None, ExpirySource::Unknown))
}

/// The claims of a JWT, unverified.
pub(super) fn jwt_claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

/// The claim `exp` of a JWT: it only says when to renew.
pub(super) fn jwt_exp(token: &str) -> Option<u64> {
    jwt_claims(token)?.get("exp")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h10_a_missing_expires_in_has_four_fallbacks() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let seconds = |s: u64| Some(Duration::from_secs(s));
        let table = [
            (lifetime(seconds(1), Some(2), Some(1_003), seconds(4), now), (seconds(1), ExpirySource::Answer)),
            (lifetime(None, Some(2), Some(1_003), seconds(4), now), (seconds(2), ExpirySource::ComponentDefault)),
            (lifetime(None, None, Some(1_003), seconds(4), now), (seconds(3), ExpirySource::JwtClaim)),
            (lifetime(None, None, Some(999), seconds(4), now), (seconds(4), ExpirySource::LastSeen)),
            (lifetime(None, None, None, None, now), (None, ExpirySource::Unknown)),
        ];
        for (found, wanted) in table {
            assert_eq!(found, wanted);
        }
        let claims = URL_SAFE_NO_PAD.encode(br#"{"exp":1234}"#);
        assert_eq!(jwt_exp(&format!("e30.{claims}.sig")), Some(1234));
        for opaque in ["abc", "a.b.c", "a.b", "..", ""] {
            assert_eq!(jwt_exp(opaque), None, "{opaque}");
        }
    }
}

//! Whether a token still serves. Pure: token and time go in, a judgement comes out.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use crate::token::Token;

/// A token is renewed when less than this is left, or a tenth of its lifetime if that is less: a lifetime of 3 s works. The
/// same span before that, it is renewed beside its use.
const LARGEST_MARGIN: Duration = Duration::from_secs(60);

/// What to do with a token now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Use it.
    Fresh,
    /// Use it; a renewal may begin beside.
    RenewSoon,
    /// Renew first.
    Stale,
}

/// Why a token is asked for. Its text is the log's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenewalReason {
    /// There is none.
    Missing,
    /// The one there is ends.
    Expiring,
    /// The API refused it.
    Rejected,
    /// Somebody asked for a new one.
    Asked,
    /// A person signed in.
    SignIn,
    /// The credential names another code or refresh token than the one that began it.
    InputChanged,
}

/// When the tokens of an account are renewed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RenewalRule {
    /// What is left of a token then, at most half of its lifetime; a minute or a tenth of the lifetime when absent.
    pub margin: Option<Duration>,
    /// Whether nothing but itself renews a token, while it lives. Then that is done in the second half of its life: a flow
    /// that runs now and then would find it dead otherwise.
    pub itself: bool,
}

// === impl RenewalRule ===

impl RenewalRule {
    /// Judges a token. One whose end is unknown is fresh until the API refuses it.
    #[must_use]
    pub fn freshness(&self, token: &Token, now: SystemTime) -> Freshness {
        let (Some(end), Some(lifetime)) = (token.expires_at, token.lifetime()) else { return Freshness::Fresh };
        let usual = LARGEST_MARGIN.min(lifetime / 10);
        let margin = match self.margin {
            _ if self.itself => lifetime / 2,
            Some(margin) => margin.min(lifetime / 2),
            None => usual,
        };
        match end.duration_since(now) {
            Ok(left) if left > margin + usual => Freshness::Fresh,
            Ok(left) if left > margin => Freshness::RenewSoon,
            _ => Freshness::Stale,
        }
    }
}

impl fmt::Display for RenewalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Expiring => "expiring",
            Self::Rejected => "rejected",
            Self::Asked => "asked",
            Self::SignIn => "sign_in",
            Self::InputChanged => "input_changed",
        })
    }
}

#[cfg(test)]
mod tests {
    use keyway_component::Secret;

    use super::*;
    use crate::token::ExpirySource;

    #[test]
    fn the_margin_is_a_minute_or_a_tenth() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let token = |lifetime: Option<f64>| Token {
            access_token: Secret::new("a"),
            refresh_token: None,
            obtained_at: start,
            expires_at: lifetime.map(|seconds| start + Duration::from_secs_f64(seconds)),
            expiry_source: ExpirySource::Answer,
            scope: None,
            extra: Default::default(),
            dpop_key: None,
            captured: Default::default(),
            begun_with: None,
        };
        let table = [
            (Some(28_800.0), 0.0, Freshness::Fresh),
            (Some(28_800.0), 28_679.0, Freshness::Fresh),
            (Some(28_800.0), 28_681.0, Freshness::RenewSoon),
            (Some(28_800.0), 28_741.0, Freshness::Stale),
            (Some(28_800.0), 30_000.0, Freshness::Stale),
            (Some(3.0), 2.3, Freshness::Fresh),
            (Some(3.0), 2.5, Freshness::RenewSoon),
            (Some(3.0), 2.8, Freshness::Stale),
            (Some(0.0), 0.0, Freshness::Stale),
            (None, 1e9, Freshness::Fresh),
        ];
        for (lifetime, after, wanted) in table {
            let now = start + Duration::from_secs_f64(after);
            assert_eq!(RenewalRule::default().freshness(&token(lifetime), now), wanted, "{lifetime:?} after {after}");
        }
        // A component that names a margin.
        for (margin, lifetime, after, wanted) in [
            (900, 3_600.0, 2_600.0, Freshness::Fresh),
            (900, 3_600.0, 2_650.0, Freshness::RenewSoon),
            (900, 3_600.0, 2_701.0, Freshness::Stale),
            (900, 1_000.0, 0.0, Freshness::Fresh),
            (900, 1_000.0, 501.0, Freshness::Stale),
            (1, 3_600.0, 3_598.0, Freshness::RenewSoon),
        ] {
            let rule = RenewalRule { margin: Some(Duration::from_secs(margin)), itself: false };
            let now = start + Duration::from_secs_f64(after);
            assert_eq!(rule.freshness(&token(Some(lifetime)), now), wanted, "{margin} of {lifetime} after {after}");
        }
        // What renews only itself is renewed from half of its life on.
        let month = 30.0 * 86_400.0;
        for (lifetime, after, wanted) in [
            (Some(month), 0.49 * month, Freshness::Fresh),
            (Some(month), 0.49999 * month, Freshness::RenewSoon),
            (Some(month), 0.51 * month, Freshness::Stale),
            (Some(month), 2.0 * month, Freshness::Stale),
            (None, month, Freshness::Fresh),
        ] {
            let now = start + Duration::from_secs_f64(after);
            let rule = RenewalRule { margin: None, itself: true };
            assert_eq!(rule.freshness(&token(lifetime), now), wanted, "{lifetime:?} after {after}");
        }
    }
}

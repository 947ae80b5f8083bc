//! What to do for a token, decided from what is stored. Pure.

use std::time::SystemTime;

use crate::{
    freshness::{Freshness, RenewalRule},
    store::Stored,
    token::Token,
};

/// The next step towards a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// The stored token serves: a peer renewed it.
    Use,
    /// Renew with the stored refresh token.
    Refresh,
    /// Get one with the grant's own inputs.
    Mint,
    /// Only a person can go on.
    SignIn(SignInReason),
}

/// Why a person is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignInReason {
    /// There never was a code or refresh token.
    NoInput,
    /// The one that there is has been used up, and what it gave cannot be renewed.
    Spent,
    /// The exchange of the code was interrupted: whether it was used up is not known, and a code works once.
    Interrupted,
}

/// What the decision rests on.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) stored: &'a Stored,
    /// The token that must not come back: rejected by the API, or about to end.
    pub(crate) replace: Option<&'a Token>,
    pub(crate) now: SystemTime,
    /// When a token is due.
    pub(crate) rule: RenewalRule,
    /// Keyed hash of the credential's code or refresh token, where its grant begins with one.
    pub(crate) begins_with: Option<&'a str>,
    /// Whether the credential's code has been sent already.
    pub(crate) code_spent: bool,
    /// Whether the component renews at all.
    pub(crate) can_refresh: bool,
    /// Whether an access token renews itself.
    pub(crate) renews_itself: bool,
    /// Whether this renewal's refresh token was refused already.
    pub(crate) refresh_refused: bool,
    /// Whether the grant's inputs are all kept.
    pub(crate) mints_anew: bool,
}

/// Decides.
pub(crate) fn plan(facts: &Facts<'_>) -> Plan {
    let stored = facts.stored.token.as_ref();
    // A credential with another code or refresh token than the one that began the stored line means a new sign-in.
    let new_input =
        facts.begins_with.filter(|input| stored.is_none_or(|token| token.begun_with.as_deref() != Some(input)));
    if let Some(token) = stored.filter(|_| new_input.is_none()) {
        let unwanted = facts.replace.is_some_and(|replace| replace.is_same(token));
        if !unwanted && facts.rule.freshness(token, facts.now) != Freshness::Stale {
            return Plan::Use;
        }
        let renewable = token.refresh_token.is_some() || facts.renews_itself;
        if renewable && facts.can_refresh && !facts.refresh_refused {
            return Plan::Refresh;
        }
    }
    if facts.mints_anew {
        return Plan::Mint;
    }
    match (new_input, &facts.stored.pending) {
        (Some(input), Some(pending)) if pending.what == "code" && pending.sent == input => {
            Plan::SignIn(SignInReason::Interrupted)
        }
        (Some(_), _) => Plan::Mint,
        (None, _) if stored.is_some() => Plan::SignIn(SignInReason::Spent),
        (None, Some(_)) => Plan::SignIn(SignInReason::Interrupted),
        (None, None) if facts.code_spent => Plan::SignIn(SignInReason::Spent),
        (None, _) => Plan::SignIn(SignInReason::NoInput),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keyway_component::Secret;

    use super::*;
    use crate::{
        store::{Pending, Version},
        token::ExpirySource,
    };

    fn token(access: &str, ends_in: i64, refresh: bool, begun_with: Option<&str>) -> Token {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        Token {
            access_token: Secret::new(access),
            refresh_token: refresh.then(|| Secret::new("r")),
            obtained_at: now - Duration::from_secs(3600),
            expires_at: now.checked_add_signed_secs(ends_in),
            expiry_source: ExpirySource::Answer,
            scope: None,
            extra: Default::default(),
            dpop_key: None,
            captured: Default::default(),
            begun_with: begun_with.map(str::to_owned),
        }
    }

    trait Signed {
        fn checked_add_signed_secs(self, seconds: i64) -> Option<SystemTime>;
    }

    impl Signed for SystemTime {
        fn checked_add_signed_secs(self, seconds: i64) -> Option<SystemTime> {
            let span = Duration::from_secs(seconds.unsigned_abs());
            if seconds < 0 { self.checked_sub(span) } else { self.checked_add(span) }
        }
    }

    #[test]
    fn every_state_has_its_plan() {
        use Plan::{Mint, Refresh, SignIn, Use};
        let none = || None;
        let good = || Some(token("a", 1800, true, None));
        let stale = || Some(token("a", -1, true, None));
        let no_refresh = || Some(token("a", -1, false, None));
        let from_code = |ends| Some(token("a", ends, true, Some("h1")));
        let spent = || Some(token("a", -1, false, Some("h1")));
        let pending = Some(Pending { since: 0, what: "code".into(), sent: "h1".into(), times: 1 });
        let a = token("a", 0, false, None);
        let b = token("b", 0, false, None);
        // stored, replace, begins_with, refresh_refused, mints_anew, pending -> plan
        let table = [
            ("nothing yet", none(), None, None, false, true, None, Mint),
            ("good", good(), None, None, false, true, None, Use),
            ("a peer renewed what was rejected", good(), Some(&b), None, false, true, None, Use),
            ("rejected", good(), Some(&a), None, false, true, None, Refresh),
            ("stale", stale(), None, None, false, true, None, Refresh),
            ("stale, refresh refused", stale(), None, None, true, true, None, Mint),
            ("stale, no refresh token", no_refresh(), None, None, false, true, None, Mint),
            ("code at hand", none(), None, Some("h1"), false, false, None, Mint),
            ("code used, token good", from_code(1800), None, Some("h1"), false, false, None, Use),
            ("code used, token stale", from_code(-1), None, Some("h1"), false, false, None, Refresh),
            ("code used and gone from the credential", from_code(1800), None, None, false, false, None, Use),
            ("a new code", from_code(1800), None, Some("h2"), false, false, None, Mint),
            (
                "code used, refresh refused",
                from_code(-1),
                None,
                Some("h1"),
                true,
                false,
                None,
                SignIn(SignInReason::Spent),
            ),
            (
                "code used, nothing to renew with",
                spent(),
                None,
                Some("h1"),
                false,
                false,
                None,
                SignIn(SignInReason::Spent),
            ),
            ("no code", none(), None, None, false, false, None, SignIn(SignInReason::NoInput)),
            ("interrupted", none(), None, Some("h1"), false, false, pending.clone(), SignIn(SignInReason::Interrupted)),
            ("interrupted, then a new code", none(), None, Some("h2"), false, false, pending, Mint),
        ];
        for (case, stored, replace, begins_with, refresh_refused, mints_anew, pending, wanted) in table {
            let stored = Stored { token: stored, version: Version(1), pending };
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
            let facts = Facts {
                stored: &stored,
                replace,
                now,
                rule: RenewalRule::default(),
                begins_with,
                code_spent: false,
                can_refresh: true,
                renews_itself: false,
                refresh_refused,
                mints_anew,
            };
            assert_eq!(plan(&facts), wanted, "{case}");
            if case == "stale, no refresh token" {
                assert_eq!(plan(&Facts { renews_itself: true, ..facts }), Refresh, "an access token renews itself");
            }
            if begins_with.is_none() && wanted == SignIn(SignInReason::NoInput) {
                assert_eq!(
                    plan(&Facts { code_spent: true, ..facts }),
                    SignIn(SignInReason::Spent),
                    "{case}, code spent"
                );
            }
        }
    }
}

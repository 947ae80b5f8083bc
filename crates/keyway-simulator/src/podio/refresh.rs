//! Podio's refresh tokens: which live, which were used up, and which grant each descends from.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use super::auth::{CLIENT_ID, Caller, Owner, REFRESH_TOKEN};
use crate::{ids, options::Options};

const IDLE: Duration = Duration::from_secs(28 * 24 * 3600);

/// All tokens that descend from one grant: RFC 9700 section 4.14.2 revokes them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Family(u64);

/// A refresh token of a family, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) caller: Caller,
    pub(crate) scope: String,
    pub(crate) family: Family,
    last_used: Instant,
}

/// Why a refresh token gives nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Dead {
    /// It is not known, not this client's, or too old.
    Unknown,
    /// It was used up before.
    Used,
    /// It was used up before, and that ends its family.
    Revoked(Family),
}

#[derive(Debug)]
pub(crate) struct RefreshTokens {
    rotate: bool,
    reuse_revokes: bool,
    live: HashMap<String, Refresh>,
    used: HashMap<String, Refresh>,
    families: u64,
    rotations: u64,
    reuses: u64,
}

// === impl RefreshTokens ===

impl RefreshTokens {
    pub(crate) fn new(options: &Options) -> Self {
        let mut tokens = Self {
            rotate: options.rotate_refresh_tokens,
            reuse_revokes: options.refresh_reuse_revokes,
            live: HashMap::new(),
            used: HashMap::new(),
            families: 0,
            rotations: 0,
            reuses: 0,
        };
        let ada = Caller { owner: Owner::User(9_000_001), client: CLIENT_ID.to_owned() };
        let family = tokens.new_family();
        tokens.keep(REFRESH_TOKEN.to_owned(), ada, "global:all", family);
        tokens
    }

    /// The first refresh token of a new grant.
    pub(crate) fn begin(&mut self, caller: &Caller, scope: &str) -> (String, Family) {
        let (token, family) = (ids::hex(32), self.new_family());
        self.keep(token.clone(), caller.clone(), scope, family);
        (token, family)
    }

    /// Whose token it is, and the one that serves from now on: the same, or its successor where tokens rotate.
    pub(crate) fn redeem(&mut self, token: &str, client: &str) -> Result<(String, Refresh), Dead> {
        if let Some(used) = self.used.get(token).filter(|used| used.caller.client == client) {
            self.reuses += 1;
            if !self.reuse_revokes {
                return Err(Dead::Used);
            }
            let family = used.family;
            self.live.retain(|_, refresh| refresh.family != family);
            return Err(Dead::Revoked(family));
        }
        let known = self.live.get(token).filter(|known| known.caller.client == client);
        let known = known.filter(|known| known.last_used.elapsed() <= IDLE).ok_or(Dead::Unknown)?.clone();
        let next = if self.rotate {
            self.rotations += 1;
            self.live.remove(token);
            self.used.insert(token.to_owned(), known.clone());
            ids::hex(32)
        } else {
            token.to_owned()
        };
        self.keep(next.clone(), known.caller.clone(), &known.scope, known.family);
        Ok((next, known))
    }

    pub(crate) fn live(&self) -> BTreeSet<String> {
        self.live.keys().cloned().collect()
    }

    /// How many were replaced by a successor, and how many came again after that.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.rotations, self.reuses)
    }

    pub(crate) fn reset_counts(&mut self) {
        (self.rotations, self.reuses) = (0, 0);
    }

    pub(crate) fn kill(&mut self) {
        self.live.clear();
    }

    pub(crate) fn kill_of(&mut self, caller: &Caller) {
        self.live.retain(|_, refresh| refresh.caller != *caller);
    }

    fn new_family(&mut self) -> Family {
        self.families += 1;
        Family(self.families)
    }

    fn keep(&mut self, token: String, caller: Caller, scope: &str, family: Family) {
        self.live.insert(token, Refresh { caller, scope: scope.to_owned(), family, last_used: Instant::now() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(rotate: bool, reuse_revokes: bool) -> RefreshTokens {
        let (rotate_refresh_tokens, refresh_reuse_revokes) = (rotate, reuse_revokes);
        RefreshTokens::new(&Options { rotate_refresh_tokens, refresh_reuse_revokes, ..Options::default() })
    }

    fn next(tokens: &mut RefreshTokens, token: &str) -> Result<String, Dead> {
        tokens.redeem(token, CLIENT_ID).map(|(next, _)| next)
    }

    #[test]
    fn a_token_that_does_not_rotate_serves_again() {
        for reuse_revokes in [false, true] {
            let mut tokens = tokens(false, reuse_revokes);
            for _ in 0..2 {
                assert_eq!(next(&mut tokens, REFRESH_TOKEN).unwrap(), REFRESH_TOKEN);
            }
            assert_eq!(tokens.counts(), (0, 0));
        }
    }

    #[test]
    fn a_used_token_is_refused_and_its_successor_lives() {
        let mut tokens = tokens(true, false);
        let second = next(&mut tokens, REFRESH_TOKEN).unwrap();
        assert_eq!(next(&mut tokens, REFRESH_TOKEN), Err(Dead::Used));
        assert_eq!(tokens.live(), [second.clone()].into());
        assert!(next(&mut tokens, &second).is_ok());
        assert_eq!(tokens.counts(), (2, 1));
    }

    #[test]
    fn reuse_ends_the_family_and_no_other() {
        let mut tokens = tokens(true, true);
        let caller = Caller { owner: Owner::User(9_000_001), client: CLIENT_ID.to_owned() };
        let (other, family) = tokens.begin(&caller, "global:all");
        let second = next(&mut tokens, REFRESH_TOKEN).unwrap();
        let third = next(&mut tokens, &second).unwrap();
        // Somebody else's client ends nothing.
        assert_eq!(tokens.redeem(&second, "another client").unwrap_err(), Dead::Unknown);
        assert_eq!(tokens.live(), [third.clone(), other.clone()].into());
        assert!(matches!(next(&mut tokens, REFRESH_TOKEN), Err(Dead::Revoked(ended)) if ended != family));
        assert_eq!(tokens.live(), [other].into());
        assert_eq!(next(&mut tokens, &third), Err(Dead::Unknown));
        assert_eq!(tokens.counts(), (2, 1));
    }
}

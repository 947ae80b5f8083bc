//! The origin map: real origins led to loopback, so that a shipped component runs unchanged against a simulator.

use std::collections::BTreeMap;

use keyway_component::Origin;
use url::Url;

/// Where each real origin is found instead. Applied just before connecting: everything above sees the real names.
#[derive(Debug, Clone, Default)]
pub struct OriginMap(BTreeMap<Origin, Origin>);

/// A URL that an active map does not know, or a map that leads off this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnmappedOrigin {
    /// The map is active and has no place for this origin.
    #[error(
        "`{0}` is not in the origin map, and while a map is active nothing else is reached; add it, or leave the map out"
    )]
    Unmapped(String),
    /// The map's own target is not on this machine.
    #[error("the origin map leads to `{0}`, which is not loopback; use 127.0.0.1")]
    NotLoopback(Origin),
}

// === impl OriginMap ===

impl OriginMap {
    /// A map from real origins to loopback ones.
    ///
    /// # Errors
    /// A target that is not loopback by its text.
    pub fn new(pairs: impl IntoIterator<Item = (Origin, Origin)>) -> Result<Self, UnmappedOrigin> {
        let map: BTreeMap<Origin, Origin> = pairs.into_iter().collect();
        match map.values().find(|target| !target.is_loopback()) {
            Some(target) => Err(UnmappedOrigin::NotLoopback(target.clone())),
            None => Ok(Self(map)),
        }
    }

    /// Where the URL is really sought.
    ///
    /// # Errors
    /// An origin that the map does not have.
    pub fn apply(&self, url: &Url) -> Result<Url, UnmappedOrigin> {
        let unmapped =
            || UnmappedOrigin::Unmapped(Origin::of(url).map_or_else(|| url.scheme().to_owned(), |o| o.to_string()));
        let target = Origin::of(url).and_then(|origin| self.0.get(&origin)).ok_or_else(unmapped)?;
        target.apply_to(url).ok_or_else(unmapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_unmapped_and_off_this_machine() {
        let pair = |a: &str, b: &str| (a.parse().unwrap(), b.parse().unwrap());
        let map = OriginMap::new([pair("https://api.podio.com", "http://127.0.0.1:4000")]).unwrap();
        let url = |text: &str| Url::parse(text).unwrap();
        assert_eq!(map.apply(&url("https://api.podio.com/a?b=c")).unwrap().as_str(), "http://127.0.0.1:4000/a?b=c");
        assert!(map.apply(&url("https://api.podio.com:444/a")).is_err());
        assert!(map.apply(&url("https://evil.test/")).is_err());
        assert!(OriginMap::new([pair("https://api.podio.com", "http://10.0.0.1")]).is_err());
    }
}

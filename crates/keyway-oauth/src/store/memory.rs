//! Tokens in memory: gone with the process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::OwnedMutexGuard;

use super::{Exclusive, Pending, StoreError, StoreFuture, Stored, TokenKey, TokenStore, Version};
use crate::{fingerprint::keyed_hash, token::Token};

/// Keeps tokens as long as the process lives. Clones share them.
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

struct Shared {
    hash_key: [u8; 32],
    places: Mutex<BTreeMap<TokenKey, Place>>,
}

/// Where one token rests. There may be thousands, so what is large lies elsewhere.
#[derive(Default)]
struct Place {
    lease: Arc<tokio::sync::Mutex<()>>,
    record: Box<Stored>,
}

struct MemoryGuard {
    store: MemoryStore,
    key: TokenKey,
    _lease: OwnedMutexGuard<()>,
}

// === impl MemoryStore ===

impl MemoryStore {
    /// An empty store with a hash key of its own.
    #[must_use]
    pub fn new() -> Self {
        let mut hash_key = [0; 32];
        // Without randomness the hashes could be guessed, yet they never leave this process.
        let _ = getrandom::fill(&mut hash_key);
        Self(Arc::new(Shared { hash_key, places: Mutex::default() }))
    }

    fn get(&self, key: &TokenKey) -> Stored {
        self.places().get(key).map(|place| Stored::clone(&place.record)).unwrap_or_default()
    }

    fn change<T>(&self, key: &TokenKey, change: impl FnOnce(&mut Stored) -> T) -> T {
        change(&mut self.places().entry(key.clone()).or_default().record)
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<TokenKey, Place>> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl TokenStore for MemoryStore {
    fn keyed_hash(&self, parts: &[&str]) -> String {
        keyed_hash(&self.0.hash_key, parts)
    }

    fn load<'a>(&'a self, key: &'a TokenKey) -> StoreFuture<'a, Stored> {
        Box::pin(async move { Ok(self.get(key)) })
    }

    fn exclusive<'a>(&'a self, key: &'a TokenKey, _ttl: Duration) -> StoreFuture<'a, Box<dyn Exclusive>> {
        let lease = Arc::clone(&self.places().entry(key.clone()).or_default().lease);
        Box::pin(async move {
            let lease = lease.lock_owned().await;
            Ok(Box::new(MemoryGuard { store: self.clone(), key: key.clone(), _lease: lease }) as Box<dyn Exclusive>)
        })
    }

    fn is_durable(&self) -> bool {
        false
    }

    fn place(&self) -> String {
        "in memory, gone with the process".to_owned()
    }
}

impl Exclusive for MemoryGuard {
    fn load(&mut self) -> StoreFuture<'_, Stored> {
        Box::pin(async { Ok(self.store.get(&self.key)) })
    }

    fn mark_pending(&mut self, pending: Option<Pending>) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.store.change(&self.key, |record| record.pending = pending);
            Ok(())
        })
    }

    fn remove_if(&mut self, expected: Version) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.store.change(&self.key, |record| {
                if record.version != expected {
                    return Err(StoreError::Conflict);
                }
                *record = Stored { token: None, version: Version(expected.0 + 1), pending: None };
                Ok(())
            })
        })
    }

    fn replace_if<'a>(&'a mut self, expected: Version, token: &'a Token) -> StoreFuture<'a, Version> {
        Box::pin(async move {
            self.store.change(&self.key, |record| {
                if record.version != expected {
                    return Err(StoreError::Conflict);
                }
                *record = Stored { token: Some(token.clone()), version: Version(expected.0 + 1), pending: None };
                Ok(record.version)
            })
        })
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryStore")
    }
}

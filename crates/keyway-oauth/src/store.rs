//! Where tokens rest: the [`TokenStore`] trait, in memory and in encrypted files.
//!
//! The trait fits a database as well: a version that is compared and set, and an exclusive lease with a time to live.

mod cipher;
pub(crate) mod file;
mod key;
#[cfg(feature = "keyring")]
mod keyring;
mod memory;
mod record;

use std::{fmt, future::Future, pin::Pin, time::Duration};

pub(crate) use cipher::{Bound, secret_name};
pub use file::FileStore;
pub use key::StoreKey;
pub use memory::MemoryStore;
pub use record::{Pending, Stored, Version};

use crate::token::Token;

/// What the methods of a store return.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Which token it is. Two accounts, environments or fingerprints never share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenKey {
    /// The component's name.
    pub component: String,
    /// The environment's name.
    pub environment: String,
    /// The credential's name.
    pub credential: String,
    /// Keyed hash of grant, client, user or app, scope, token endpoint and base URL: a credential that now means
    /// another account finds no token of the old one, and does not overwrite it either.
    pub fingerprint: String,
}

/// Keeps tokens between messages, processes and machines.
pub trait TokenStore: Send + Sync + 'static {
    /// A hash of the parts under the store's own key, equal for equal parts as long as the key lasts.
    fn keyed_hash(&self, parts: &[&str]) -> String;

    /// What is stored under a key, without any lock.
    fn load<'a>(&'a self, key: &'a TokenKey) -> StoreFuture<'a, Stored>;

    /// Waits until nobody else renews this token, in this process or another. The lease ends when the guard is
    /// dropped, or after `ttl` in stores that cannot see a holder die.
    fn exclusive<'a>(&'a self, key: &'a TokenKey, ttl: Duration) -> StoreFuture<'a, Box<dyn Exclusive>>;

    /// Whether tokens outlive this process.
    fn is_durable(&self) -> bool;

    /// Where tokens are, in a few words for a person.
    fn place(&self) -> String;
}

/// The right to replace one token. A guard that lost its lease cannot write: [`StoreError::Conflict`].
pub trait Exclusive: Send {
    /// What is stored now.
    fn load(&mut self) -> StoreFuture<'_, Stored>;

    /// Notes that a request is about to be sent whose effect may be lost with this process, or with `None` that no
    /// such request is open.
    fn mark_pending(&mut self, pending: Option<Pending>) -> StoreFuture<'_, ()>;

    /// Takes the token with that version away, durably. The empty place has the next version: a version never stands for
    /// two tokens, and a place that was emptied is not one that never had any.
    fn remove_if(&mut self, expected: Version) -> StoreFuture<'_, ()>;

    /// Puts a token in the place of the one with that version, durably, and ends any pending mark.
    fn replace_if<'a>(&'a mut self, expected: Version, token: &'a Token) -> StoreFuture<'a, Version>;
}

/// Why a store cannot do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The medium failed.
    #[error(
        "the token store at `{place}` cannot be used: {why}; make room there, let this user write there, or choose another folder with --token-store"
    )]
    Io {
        /// Path or address.
        place: String,
        /// What the system said.
        why: String,
    },
    /// The record does not open with this key.
    #[error(
        "the token file `{place}` does not open with this key; use the key that it was written with, or remove the file and sign in again"
    )]
    WrongKey {
        /// Path or address.
        place: String,
    },
    /// The folder's records were written with another key.
    #[error(
        "the tokens in `{place}` do not open with this key, and nothing was written; give the key that they were written with (KEYWAY_KEY, KEYWAY_KEY_FILE, or the file `key` beside them), or name another folder"
    )]
    KeyMismatch {
        /// The folder.
        place: String,
    },
    /// What should be a key is none.
    #[error("`{place}` holds no key: {why}")]
    NoKey {
        /// Path, or the name of an environment variable.
        place: String,
        /// What a key is.
        why: String,
    },
    /// A file is not there.
    #[error("`{place}` is not there; check the path")]
    Missing {
        /// Path.
        place: String,
    },
    /// The record is damaged or of a later version.
    #[error("the token file `{place}` cannot be read: {why}; remove it and sign in again")]
    Unreadable {
        /// Path or address.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// Others can read what must be secret.
    #[error("`{place}` can be read by others (mode {mode:o}); run `chmod 600` on it")]
    Permissions {
        /// Path.
        place: String,
        /// Its mode bits.
        mode: u32,
    },
    /// Somebody else holds the lease for too long.
    #[error("another process has been renewing this token for {waited_ms} ms; see what it waits for, or end it")]
    Locked {
        /// How long was waited.
        waited_ms: u128,
    },
    /// Somebody else wrote in between.
    #[error("the token was replaced by another process in the meantime")]
    Conflict,
}

impl fmt::Display for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.component, self.environment, self.credential)
    }
}

//! A sign-in that is begun in one process and finished in another: its request, encrypted, beside the token's file.

use std::{path::PathBuf, time::Duration};

use super::AuthorizationRequest;
use crate::store::{
    Bound, FileStore, StoreError, StoreKey, TokenKey,
    file::{make_private_folder, remove_file, replace_file},
};

/// What the files are bound to, beside their account.
const SIGN_IN: &str = "keyway sign-in";

/// A sign-in that nobody has finished by then is given up.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// Requests that wait for their answer, one an account.
#[derive(Debug, Clone)]
pub struct SavedSignIns {
    store: FileStore,
}

// === impl SavedSignIns ===

impl SavedSignIns {
    /// Those in the folder of a token store.
    #[must_use]
    pub fn new(store: &FileStore) -> Self {
        Self { store: store.clone() }
    }

    /// Keeps a request, in the place of an earlier one of the same account.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn keep(&self, key: &TokenKey, request: &AuthorizationRequest) -> Result<(), StoreError> {
        let path = self.path(key);
        let failed = |why: String| StoreError::Io { place: path.display().to_string(), why };
        let plain =
            serde_json::to_vec(request).map(zeroize::Zeroizing::new).map_err(|error| failed(error.to_string()))?;
        let sealed = self.key().seal(&Bound::record(SIGN_IN, key), &plain).map_err(failed)?;
        make_private_folder(path.parent().unwrap_or(self.store.folder()))?;
        replace_file(&path, &sealed).map_err(|error| failed(error.to_string()))
    }

    /// The request that waits, if there is one. One that is older than a day waits for nobody any more.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn get(&self, key: &TokenKey) -> Result<Option<AuthorizationRequest>, StoreError> {
        let path = self.path(key);
        let place = path.display().to_string();
        let failed = |why: String| StoreError::Io { place: place.clone(), why };
        let sealed = match std::fs::read(&path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
        };
        let begun = std::fs::metadata(&path).and_then(|file| file.modified());
        if begun.is_ok_and(|begun| begun.elapsed().is_ok_and(|age| age > LONGEST_WAIT)) {
            self.remove(key)?;
            return Ok(None);
        }
        let plain = self.key().open(&Bound::record(SIGN_IN, key), &place, &sealed)?;
        let request = serde_json::from_slice(&plain)
            .map_err(|_| StoreError::Unreadable { place: place.clone(), why: "it holds no request".to_owned() })?;
        Ok(Some(request))
    }

    /// Takes a request away: its answer is used once. Returns whether it was this call that did, and not another process.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn remove(&self, key: &TokenKey) -> Result<bool, StoreError> {
        let path = self.path(key);
        remove_file(&path).map_err(|error| StoreError::Io { place: path.display().to_string(), why: error.to_string() })
    }

    fn key(&self) -> &StoreKey {
        self.store.key()
    }

    fn path(&self, key: &TokenKey) -> PathBuf {
        self.store.path(key).with_extension("sign-in")
    }
}

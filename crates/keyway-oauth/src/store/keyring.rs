//! The key in the system's keyring: Secret Service, Keychain or Credential Manager. Needs the feature `keyring`.

use keyring::v1::{Entry, Error};

use super::{StoreError, StoreKey};

/// Under which name the key is kept.
const SERVICE: &str = "keyway";
const USER: &str = "token store key";

// === impl StoreKey ===

impl StoreKey {
    /// The key in the system's keyring, made there when it is first asked for.
    ///
    /// # Errors
    /// There is no keyring, it is locked, or it holds something that is no key.
    pub fn from_keyring() -> Result<Self, StoreError> {
        // The keyring's own calls block, and must not meet a runtime.
        let asked = std::thread::spawn(|| Self::of_entry(&Entry::new(SERVICE, USER).map_err(|error| no(&error))?));
        asked.join().unwrap_or_else(|_| Err(StoreError::NoKey { place: place(), why: "asking it failed".to_owned() }))
    }

    fn of_entry(entry: &Entry) -> Result<Self, StoreError> {
        match entry.get_secret() {
            Ok(bytes) => Self::from_slice(&place(), &zeroize::Zeroizing::new(bytes), "32 bytes"),
            Err(Error::NoEntry) => {
                let key = Self::generate()?;
                entry.set_secret(key.as_bytes()).map_err(|error| no(&error))?;
                // Another process may have been there at the same moment: what lies there now is the key.
                let bytes = zeroize::Zeroizing::new(entry.get_secret().map_err(|error| no(&error))?);
                Self::from_slice(&place(), &bytes, "32 bytes")
            }
            Err(error) => Err(no(&error)),
        }
    }
}

fn place() -> String {
    "the system's keyring".to_owned()
}

fn no(error: &Error) -> StoreError {
    let what = match error {
        Error::NoDefaultStore => "there is none that answers".to_owned(),
        other => other.to_string(),
    };
    StoreError::NoKey {
        place: place(),
        why: format!("{what}; unlock it, or give the key with KEYWAY_KEY or KEYWAY_KEY_FILE instead"),
    }
}

//! Encryption at rest: XChaCha20-Poly1305 with a random nonce, and what the text is about bound in.

use std::path::Path;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use keyway_component::Secret;
use zeroize::Zeroizing;

use super::{StoreError, StoreKey, TokenKey};

/// First byte of everything that is sealed. A reader for each older one stays, with a test.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

/// What a sealed text is about. Under another name it does not open, so that two files cannot be swapped.
pub(crate) struct Bound(Vec<u8>);

// === impl Bound ===

impl Bound {
    pub(crate) fn new(kind: &str, parts: &[&str]) -> Self {
        let mut bound = format!("{kind} v1").into_bytes();
        for part in parts {
            bound.push(0);
            bound.extend_from_slice(part.as_bytes());
        }
        Self(bound)
    }

    /// A record of a token store, by what it is and whose.
    pub(crate) fn record(kind: &str, key: &TokenKey) -> Self {
        Self::new(kind, &[&key.component, &key.environment, &key.credential, &key.fingerprint])
    }
}

// === impl StoreKey ===

impl StoreKey {
    /// Encrypts bytes under their name.
    pub(crate) fn seal(&self, bound: &Bound, plain: &[u8]) -> Result<Vec<u8>, String> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
        let payload = Payload { msg: plain, aad: &bound.0 };
        let sealed =
            self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| "encryption failed".to_owned())?;
        Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts bytes that were sealed under this name.
    pub(crate) fn open(&self, bound: &Bound, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let unreadable = |why: &str| StoreError::Unreadable { place: place.to_owned(), why: why.to_owned() };
        let (version, rest) = sealed.split_first().ok_or_else(|| unreadable("it is empty"))?;
        if *version != VERSION {
            return Err(unreadable(&format!("it is of version {version}, and this Keyway reads {VERSION}")));
        }
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| unreadable("it is cut off"))?;
        let payload = Payload { msg: sealed, aad: &bound.0 };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), payload);
        plain.map(Zeroizing::new).map_err(|_| StoreError::WrongKey { place: place.to_owned() })
    }

    /// Seals one secret of an account (or of a client, named `client NAME`) for a file: `{"sealed": "…"}`.
    ///
    /// # Errors
    /// The machine gives no randomness.
    pub fn seal_secret(&self, component: &str, owner: &str, name: &str, secret: &Secret) -> Result<String, StoreError> {
        let sealed = self.seal(&secret_name(component, owner, name), secret.expose_secret_text().as_bytes());
        let sealed = sealed.map_err(|why| StoreError::Io { place: format!("the secret `{name}`"), why })?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a secret that was sealed for this account.
    pub(crate) fn open_secret(&self, component: &str, owner: &str, name: &str, text: &str) -> Result<Secret, String> {
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| "it is not what was sealed".to_owned())?;
        let plain = self.open(&secret_name(component, owner, name), name, &sealed).map_err(|error| match error {
            StoreError::WrongKey { .. } => {
                "it was sealed with another key, or for another account or secret".to_owned()
            }
            other => other.to_string(),
        })?;
        let text = std::str::from_utf8(&plain).map_err(|_| "it is no text".to_owned())?;
        Ok(Secret::new(text))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.as_bytes().into())
    }
}

fn secret_name(component: &str, owner: &str, name: &str) -> Bound {
    Bound::new("keyway secret", &[component, owner, name])
}

#[cfg(unix)]
pub(super) fn check_mode(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    let place = path.display().to_string();
    let metadata =
        std::fs::metadata(path).map_err(|error| StoreError::Io { place: place.clone(), why: error.to_string() })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(StoreError::Permissions { place, mode }) }
}

#[cfg(not(unix))]
pub(super) fn check_mode(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_for_its_account_and_no_other() {
        let key = StoreKey::from_bytes([7; 32]);
        let sealed = key.seal_secret("podio", "acme", "client_secret", &Secret::new("hunter2")).unwrap();
        assert!(!sealed.contains("hunter2"));
        let open = |key: &StoreKey, component, owner, name| key.open_secret(component, owner, name, &sealed);
        assert_eq!(open(&key, "podio", "acme", "client_secret").unwrap().expose_secret_text(), "hunter2");
        let other = StoreKey::from_bytes([8; 32]);
        for refused in [
            open(&other, "podio", "acme", "client_secret"),
            open(&key, "podero", "acme", "client_secret"),
            open(&key, "podio", "other", "client_secret"),
            open(&key, "podio", "acme", "password"),
        ] {
            assert!(refused.unwrap_err().contains("another"));
        }
        assert!(key.open_secret("podio", "acme", "client_secret", &sealed[..20]).is_err());
        assert!(key.open_secret("podio", "acme", "client_secret", "%%").is_err());
    }
}

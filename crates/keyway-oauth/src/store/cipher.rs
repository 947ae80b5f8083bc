//! Encryption at rest: XChaCha20-Poly1305 with a random nonce, and what the text is about bound in.

use std::path::Path;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use keyway_component::{Component, Secret};
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
    pub fn seal_secret(
        &self,
        component: &Component,
        owner: &str,
        name: &str,
        secret: &Secret,
    ) -> Result<String, StoreError> {
        let bound = secret_name(&component.name, &component.secret_places(), owner, name);
        let sealed = self.seal(&bound, secret.expose_secret_text().as_bytes());
        let sealed = sealed.map_err(|why| StoreError::Io { place: format!("the secret `{name}`"), why })?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens a secret that was sealed for this account.
    pub(crate) fn open_secret(&self, bound: &Bound, text: &str) -> Result<Secret, String> {
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| "it is not what was sealed".to_owned())?;
        let plain = self.open(bound, "the secret", &sealed).map_err(|error| match error {
            StoreError::WrongKey { .. } => {
                "it was sealed with another key, for another account or secret, or for other hosts than the component names now"
                    .to_owned()
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

/// What a sealed secret is bound to: component, the hosts that secrets go to, the account or client, the secret's name.
pub(crate) fn secret_name(component: &str, places: &str, owner: &str, name: &str) -> Bound {
    Bound::new("keyway secret", &[component, places, owner, name])
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
        let component = |token_host: &str| -> Component {
            serde_json::from_value(serde_json::json!({
                "keyway": 1, "name": "acme", "title": "Acme", "version": "1", "environments": {"production": {}},
                "oauth2": {
                    "token_endpoint": format!("https://{token_host}/token"),
                    "token_endpoint_auth_method": "client_secret_post", "grants": {"client_credentials": {}}
                },
                "api": {"base_url": "https://api.acme.test/v1"}
            }))
            .unwrap()
        };
        let (key, acme) = (StoreKey::from_bytes([7; 32]), component("auth.acme.test"));
        let sealed = key.seal_secret(&acme, "one", "client_secret", &Secret::new("hunter2")).unwrap();
        assert!(!sealed.contains("hunter2"));
        let open = |key: &StoreKey, component: &Component, owner, name| {
            key.open_secret(&secret_name(&component.name, &component.secret_places(), owner, name), &sealed)
        };
        assert_eq!(open(&key, &acme, "one", "client_secret").unwrap().expose_secret_text(), "hunter2");
        for refused in [
            open(&StoreKey::from_bytes([8; 32]), &acme, "one", "client_secret"),
            open(&key, &component("evil.test"), "one", "client_secret"),
            open(&key, &acme, "other", "client_secret"),
            open(&key, &acme, "one", "password"),
        ] {
            assert!(refused.unwrap_err().contains("another"));
        }
        let bound = || secret_name("acme", &acme.secret_places(), "one", "client_secret");
        assert!(key.open_secret(&bound(), &sealed[..20]).is_err());
        assert!(key.open_secret(&bound(), "%%").is_err());
    }
}

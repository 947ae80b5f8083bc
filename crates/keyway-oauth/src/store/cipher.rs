//! Encryption of records at rest: XChaCha20-Poly1305 with a random nonce and the record's name bound in.

use std::path::Path;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use super::{StoreError, TokenKey};

/// First byte of every token file. A reader for each older one stays, with a test.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;

/// The key of a file store: 32 random bytes.
#[derive(Clone)]
pub struct StoreKey(Zeroizing<[u8; KEY_BYTES]>);

// === impl StoreKey ===

impl StoreKey {
    /// A key from its bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Reads the key file, or makes one that its owner alone can read.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self, StoreError> {
        let io = |error: std::io::Error| StoreError::Io { place: path.display().to_string(), why: error.to_string() };
        match std::fs::read(path).map(Zeroizing::new) {
            Ok(bytes) => {
                check_mode(path)?;
                let bytes: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| StoreError::Unreadable {
                    place: path.display().to_string(),
                    why: format!("a key has {KEY_BYTES} bytes, this file has {}", bytes.len()),
                })?;
                Ok(Self::from_bytes(bytes))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(io(error)),
        }
    }

    fn create(path: &Path) -> Result<Self, StoreError> {
        let io = |error: std::io::Error| StoreError::Io { place: path.display().to_string(), why: error.to_string() };
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| io(std::io::Error::other(error.to_string())))?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        std::io::Write::write_all(&mut file, &bytes).map_err(io)?;
        file.as_file().sync_all().map_err(io)?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(Self::from_bytes(bytes)),
            // Another process was quicker: its key is the one.
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Self::open_or_create(path),
            Err(error) => Err(io(error.error)),
        }
    }

    /// Encrypts a record under its name.
    pub(crate) fn seal(&self, key: &TokenKey, plain: &[u8]) -> Result<Vec<u8>, String> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
        let payload = Payload { msg: plain, aad: &bound_name(key) };
        let sealed =
            self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| "encryption failed".to_owned())?;
        Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts a record that was sealed under this name.
    pub(crate) fn open(&self, key: &TokenKey, place: &str, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let unreadable = |why: &str| StoreError::Unreadable { place: place.to_owned(), why: why.to_owned() };
        let (version, rest) = file.split_first().ok_or_else(|| unreadable("it is empty"))?;
        if *version != VERSION {
            return Err(unreadable(&format!("it is of version {version}, and this Keyway reads {VERSION}")));
        }
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| unreadable("it is cut off"))?;
        let payload = Payload { msg: sealed, aad: &bound_name(key) };
        let plain = self.cipher().decrypt(&XNonce::from(*nonce), payload);
        plain.map(Zeroizing::new).map_err(|_| StoreError::WrongKey { place: place.to_owned() })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreKey([secret])")
    }
}

/// What the record is about; a file under another name does not open.
fn bound_name(key: &TokenKey) -> Vec<u8> {
    let parts = [&key.component, &key.environment, &key.credential, &key.fingerprint];
    let mut bound = b"keyway token v1".to_vec();
    for part in parts {
        bound.push(0);
        bound.extend_from_slice(part.as_bytes());
    }
    bound
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

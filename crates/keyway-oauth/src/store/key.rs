//! The key of a file store: where it comes from, and whether it is the folder's.

use std::path::Path;

use base64::{Engine, engine::general_purpose};
use zeroize::Zeroizing;

use super::{
    StoreError,
    cipher::{Bound, check_mode},
};

const KEY_BYTES: usize = 32;
/// The name of the record that tells whether a key is the folder's.
const CHECK: &str = "key-check";
const CHECK_TEXT: &[u8] = b"keyway";

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

    /// A key from text: 32 bytes as 64 hex digits, or as base64 (RFC 4648, either alphabet, padded or not). `place` is
    /// what an error names.
    ///
    /// # Errors
    /// The text is none of these.
    pub fn from_text(place: &str, text: &str) -> Result<Self, StoreError> {
        let text = text.trim();
        let bytes = Zeroizing::new(unhex(text).or_else(|| unbase64(text)).unwrap_or_default());
        Self::from_slice(place, &bytes, "64 hex digits, or 44 characters of base64")
    }

    /// A new random key.
    ///
    /// # Errors
    /// The machine gives no randomness.
    pub fn generate() -> Result<Self, StoreError> {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes)
            .map_err(|error| StoreError::Io { place: "the machine's randomness".to_owned(), why: error.to_string() })?;
        Ok(Self::from_bytes(bytes))
    }

    /// Reads a key file: 32 bytes as they are, or as text. Its owner alone may read it.
    ///
    /// # Errors
    /// A file that cannot be read, that others can read, or that holds no key.
    pub fn from_file(path: &Path) -> Result<Self, StoreError> {
        let place = path.display().to_string();
        let bytes = std::fs::read(path).map(Zeroizing::new).map_err(|error| io_error(path, &error))?;
        check_mode(path)?;
        let text = std::str::from_utf8(&bytes).ok().filter(|_| bytes.len() != KEY_BYTES).map(str::trim);
        let decoded = text.and_then(|text| unhex(text).or_else(|| unbase64(text))).map(Zeroizing::new);
        let found = decoded.as_ref().unwrap_or(&bytes);
        Self::from_slice(&place, found, "32 bytes, or 64 hex digits, or 44 characters of base64")
    }

    pub(super) fn from_slice(place: &str, bytes: &[u8], wanted: &str) -> Result<Self, StoreError> {
        let bytes = bytes.try_into().map_err(|_| StoreError::NoKey {
            place: place.to_owned(),
            why: format!("a key is {wanted}; `openssl rand -hex 32` makes one"),
        })?;
        Ok(Self::from_bytes(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Reads the folder's key file, or makes one that its owner alone can read where no other key was used.
    pub(crate) fn of_folder(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join("key");
        match Self::from_file(&path) {
            // Whoever was first to claim a folder writes `key` before `key-check`, so that one without the other is
            // a folder with a key that is kept elsewhere; unless both were written just now.
            Err(StoreError::Missing { .. }) if folder.join(CHECK).exists() => match Self::from_file(&path) {
                Err(StoreError::Missing { .. }) => Err(StoreError::KeyMismatch { place: folder.display().to_string() }),
                opened => opened,
            },
            Err(StoreError::Missing { .. }) => Self::create(&path),
            opened => opened,
        }
    }

    fn create(path: &Path) -> Result<Self, StoreError> {
        let key = Self::generate()?;
        // Another process may have been quicker: then its key is the one.
        if write_new(path, key.as_bytes())? { Ok(key) } else { Self::from_file(path) }
    }

    /// Makes sure that this is the key with which the folder's records were written. The first key is; a key that is kept
    /// elsewhere cannot be the first where there are records already.
    pub(crate) fn check_folder(&self, folder: &Path, own: bool) -> Result<(), StoreError> {
        let path = folder.join(CHECK);
        let place = path.display().to_string();
        let bound = Bound::new("keyway key check", &[]);
        loop {
            match std::fs::read(&path) {
                Ok(sealed) => {
                    return match self.open(&bound, &place, &sealed) {
                        Ok(plain) if plain.as_slice() == CHECK_TEXT => Ok(()),
                        Ok(_) | Err(StoreError::WrongKey { .. }) => {
                            Err(StoreError::KeyMismatch { place: folder.display().to_string() })
                        }
                        Err(error) => Err(error),
                    };
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(io_error(&path, &error)),
            }
            if !own && has_records(folder) {
                return Err(StoreError::KeyMismatch { place: folder.display().to_string() });
            }
            let sealed = self.seal(&bound, CHECK_TEXT).map_err(|why| StoreError::Io { place: place.clone(), why })?;
            if write_new(&path, &sealed)? {
                return Ok(());
            }
        }
    }
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreKey([secret])")
    }
}

/// Whether a folder of tokens, or one below it, has any.
fn has_records(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| {
        path.extension().is_some_and(|extension| extension == "token") || (path.is_dir() && has_records(&path))
    })
}

/// Writes a file that nobody else has written yet. Returns whether it was this call that wrote it.
fn write_new(path: &Path, bytes: &[u8]) -> Result<bool, StoreError> {
    let io = |error: std::io::Error| io_error(path, &error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    std::io::Write::write_all(&mut file, bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(io(error.error)),
    }
}

fn io_error(path: &Path, error: &std::io::Error) -> StoreError {
    let place = path.display().to_string();
    match error.kind() {
        std::io::ErrorKind::NotFound => StoreError::Missing { place },
        _ => StoreError::Io { place, why: error.to_string() },
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != KEY_BYTES * 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    (0..KEY_BYTES).map(|n| u8::from_str_radix(text.get(n * 2..n * 2 + 2)?, 16).ok()).collect()
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    general_purpose::STANDARD_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_every_form() {
        let hex = "00".repeat(31) + "Ff";
        let mut bytes = [0; 32];
        bytes[31] = 255;
        let encoded = general_purpose::STANDARD.encode(bytes);
        for text in [hex.as_str(), &encoded, encoded.trim_end_matches('='), &format!("{encoded}\n")] {
            assert_eq!(StoreKey::from_text("KEYWAY_KEY", text).unwrap().as_bytes(), &bytes, "{text}");
        }
        for text in ["", "secret", "00", &hex[2..], &format!("{hex}00")] {
            let error = StoreKey::from_text("KEYWAY_KEY", text).unwrap_err().to_string();
            assert!(error.contains("KEYWAY_KEY") && error.contains("openssl rand"), "{error}");
            assert!(text.is_empty() || !error.contains(text) || text == "00", "a mistaken key is not shown: {error}");
        }
    }
}

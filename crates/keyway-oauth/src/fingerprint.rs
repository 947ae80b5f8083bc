//! Keyed hashes: equal inputs can be recognised, and nobody without the key can guess them.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// HMAC-SHA-256 of the parts, each with its length before it so that no two lists of parts meet; 32 hex digits.
pub(crate) fn keyed_hash(key: &[u8], parts: &[&str]) -> String {
    // A key of any length is accepted by HMAC (RFC 2104 section 2), so this never fails.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.finalize().into_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::keyed_hash;

    #[test]
    fn parts_and_keys_count() {
        assert_eq!(keyed_hash(b"k", &["a", "b"]), keyed_hash(b"k", &["a", "b"]));
        assert_ne!(keyed_hash(b"k", &["ab", ""]), keyed_hash(b"k", &["a", "b"]));
        assert_ne!(keyed_hash(b"k", &["a"]), keyed_hash(b"l", &["a"]));
        assert_eq!(keyed_hash(b"k", &["a"]).len(), 32);
    }
}

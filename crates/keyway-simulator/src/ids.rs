//! Tokens and ids of the simulated servers.

/// Random lower-case hex.
pub(crate) fn hex(characters: usize) -> String {
    let mut bytes = vec![0u8; characters.div_ceil(2)];
    // A simulator without randomness would still work, with tokens that can be guessed.
    let _ = getrandom::fill(&mut bytes);
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(characters);
    text
}

/// Random letters and digits, as oauthlib makes tokens.
pub(crate) fn alphanumeric(characters: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut bytes = vec![0u8; characters];
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

/// A random UUID.
pub(crate) fn uuid() -> String {
    let hex = hex(32);
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// Whether a text has the form of a UUID.
pub(crate) fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

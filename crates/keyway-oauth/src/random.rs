//! Randomness from the machine.

/// A random UUID (RFC 9562 section 5.4), for the placeholder `{uuid}`.
pub(crate) fn uuid() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_uuid_has_its_form_and_is_new() {
        let (one, other) = (super::uuid().unwrap(), super::uuid().unwrap());
        assert_eq!((one.len(), &one[14..15]), (36, "4"));
        assert!("89ab".contains(&one[19..20]));
        assert_ne!(one, other);
    }
}

//! JSON that is passed on as it came: numbers, key order and all.

use bytes::Bytes;
use serde_json::value::RawValue;

/// JSON that is nested deeper is not passed on as JSON: whoever reads a result with a parser that recurses would fall
/// over it, and no API means it.
pub(crate) const DEEPEST: usize = 512;

/// One valid JSON value, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawJson(Bytes);

// === impl RawJson ===

impl RawJson {
    /// Takes bytes that are one JSON value in UTF-8.
    ///
    /// # Errors
    /// They are not.
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, serde_json::Error> {
        let bytes = bytes.into();
        serde_json::from_slice::<&RawValue>(&bytes)?;
        Ok(Self(bytes))
    }

    /// Any value as JSON.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    pub fn of<T: serde::Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_vec(value).map(|bytes| Self(bytes.into()))
    }

    /// A part of a line that the parser has just validated, without copying it.
    pub(crate) fn part_of(line: &Bytes, part: &RawValue) -> Self {
        Self(line.slice_ref(part.get().as_bytes()))
    }

    /// Whether it is nested deeper than [`DEEPEST`].
    pub(crate) fn is_too_deep(&self) -> bool {
        is_too_deep(&self.0)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        &*self.0 == b"null"
    }
}

/// Whether valid JSON is nested deeper than [`DEEPEST`].
pub(crate) fn is_too_deep(json: &[u8]) -> bool {
    let opens = |byte: &u8| matches!(byte, b'[' | b'{');
    // Nearly all JSON is shorter than that would be, or has fewer brackets, and then none of its texts has to be told
    // from them.
    if json.len() <= 2 * DEEPEST || json.iter().filter(|byte| opens(byte)).count() <= DEEPEST {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for byte in json {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, _) if opens(byte) => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_that_of_brackets_outside_of_texts() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(!is_too_deep(nested(DEEPEST).as_bytes()));
        assert!(is_too_deep(nested(DEEPEST + 1).as_bytes()));
        assert!(is_too_deep(format!(r#"{{"a":"\"]","b":{}}}"#, nested(DEEPEST)).as_bytes()));
        assert!(!is_too_deep(format!("[{}]", vec!["[]"; 2 * DEEPEST].join(",")).as_bytes()), "beside, not inside");
        assert!(!is_too_deep(format!(r#"["{}\\","\"{}"]"#, "[".repeat(DEEPEST), "{".repeat(DEEPEST)).as_bytes()));
    }
}

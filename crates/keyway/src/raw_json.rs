//! JSON that is passed on as it came: numbers, key order and all.

use bytes::Bytes;
use serde_json::value::RawValue;

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

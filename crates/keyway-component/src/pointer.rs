//! JSON pointers (RFC 6901): where something stands in an answer.

mod seek;

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};

/// What a rule compares is no longer than this: a tree of more has many times its size.
const LONGEST_FOUND: usize = 64 << 10;

/// A JSON pointer such as `/error/message`; the empty one is the whole document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pointer(String);

// === impl Pointer ===

impl Pointer {
    /// A pointer from its text; the schema has checked its form.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether it means the whole document.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    /// What stands there, if anything.
    #[must_use]
    pub fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        document.pointer(&self.0)
    }

    /// What stands there, as text: a string as it is, a number or boolean as written.
    #[must_use]
    pub fn find_text(&self, document: &Value) -> Option<String> {
        text(self.find(document)?)
    }

    /// What stands there in JSON text, read without a tree of the whole. Nothing where the text is no JSON, and
    /// nothing where more than 64 KiB or 128 levels stand there: no rule asks for that.
    #[must_use]
    pub fn seek(&self, json: &[u8]) -> Option<Value> {
        let found = seek::seek(json, &self.steps()?)?.get();
        (found.len() <= LONGEST_FOUND).then(|| serde_json::from_str(found).ok())?
    }

    /// What stands there in JSON text, as the very text, however long it is.
    #[must_use]
    pub fn seek_raw<'j>(&self, json: &'j [u8]) -> Option<&'j str> {
        seek::seek(json, &self.steps()?).map(RawValue::get)
    }

    /// What [`Pointer::seek`] finds as text, as [`Pointer::find_text`] gives it.
    #[must_use]
    pub fn seek_text(&self, json: &[u8]) -> Option<String> {
        text(&self.seek(json)?)
    }

    /// Puts a value there, in objects that are made on the way.
    pub fn put(&self, document: &mut Value, value: Value) {
        let mut place = document;
        for step in self.steps().unwrap_or_default() {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place = &mut place[step.as_ref()];
        }
        *place = value;
    }

    /// The keys on the way. `None` for what is no pointer.
    fn steps(&self) -> Option<Vec<Cow<'_, str>>> {
        if self.0.is_empty() {
            return Some(Vec::new());
        }
        let key_of = |step| if str::contains(step, '~') { Cow::Owned(key(step)) } else { Cow::Borrowed(step) };
        self.0.strip_prefix('/').map(|steps| steps.split('/').map(key_of).collect())
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A key as a step of a pointer (RFC 6901 section 3).
pub(crate) fn step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The key of a step.
pub(crate) fn key(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Pointer {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pointer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A JSON pointer (RFC 6901), e.g. `/error/message`.",
            "pattern": "^(/([^~/]|~[01])*)*$"
        })
    }
}

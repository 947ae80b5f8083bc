//! Regular expressions in files. They run in linear time: no look-around, no back-references.

use std::fmt;

use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A regular expression, compiled when read; one that does not compile matches nothing and is a fault of the lint.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Pattern {
    source: String,
    compiled: Result<Box<(Regex, Regex)>, String>,
}

// === impl Pattern ===

impl Pattern {
    /// Whether the whole value matches: how variables are checked.
    #[must_use]
    pub fn matches_whole(&self, value: &str) -> bool {
        self.compiled.as_ref().is_ok_and(|both| both.1.is_match(value))
    }

    /// Whether it matches anywhere: how answers are recognised.
    #[must_use]
    pub fn matches_within(&self, text: &str) -> bool {
        self.compiled.as_ref().is_ok_and(|both| both.0.is_match(text))
    }

    /// What the first group caught, anywhere in the text.
    #[must_use]
    pub fn first_group<'t>(&self, text: &'t str) -> Option<&'t str> {
        let (within, _) = &**self.compiled.as_ref().ok()?;
        within.captures(text)?.get(1).map(|group| group.as_str())
    }

    /// Why it did not compile, in one line.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.compiled.as_ref().err().map(String::as_str)
    }

    /// How many groups it has.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.compiled.as_ref().map_or(0, |both| both.0.captures_len() - 1)
    }

    /// As it is written in the file.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl From<String> for Pattern {
    fn from(source: String) -> Self {
        let compile = || {
            let within = Regex::new(&source)?;
            let whole = Regex::new(&format!("^(?:{source})$"))?;
            Ok(Box::new((within, whole)))
        };
        let compiled = compile().map_err(|error: regex::Error| {
            let text = error.to_string();
            text.lines().last().unwrap_or("it does not compile").trim_start_matches("error: ").to_owned()
        });
        Self { source, compiled }
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.source
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source)
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A regular expression in the syntax of Rust's `regex` crate: linear time, no look-around."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_within_and_groups() {
        let wait = Pattern::from(r"wait (\d+) seconds".to_owned());
        assert!(wait.matches_within("please wait 3 seconds now"));
        assert!(!wait.matches_whole("please wait 3 seconds now"));
        assert_eq!(wait.first_group("please wait 3 seconds now"), Some("3"));
        let either = Pattern::from("a|b".to_owned());
        assert!(either.matches_whole("b") && !either.matches_whole("xb"));
        assert!(Pattern::from("(".to_owned()).error().is_some());
    }
}

//! Variables: values that templates may name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Capture;
use crate::{pattern::Pattern, template::Template};

/// A value that a user types, an environment gives or an answer tells, and that templates name as `{name}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// What it is and where it is found.
    #[serde(default)]
    pub description: Option<String>,
    /// How it is written into a JSON body.
    #[serde(default)]
    pub r#type: VariableType,
    /// Whether it is a secret: then it comes from `secrets`, is never shown, and no message can name it.
    #[serde(default)]
    pub secret: bool,
    /// What the whole value must match. Required where the variable stands in a scheme, host or port.
    #[serde(default)]
    pub pattern: Option<Pattern>,
    /// The value when none is given; it may name other variables.
    #[serde(default)]
    pub default: Option<Template>,
    /// Where it is read from when neither the account nor the environment gives it: the first of these that tells it. It
    /// obeys `pattern` and `type` like a typed one, is stored with the token, and goes before `default`.
    #[serde(default)]
    pub from: Vec<Capture>,
    /// What of a told text is the value: what the first group of this pattern catches. Absent: the whole.
    #[serde(default)]
    pub extract: Option<Pattern>,
}

/// How a variable is written into a JSON body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VariableType {
    /// As a string.
    #[default]
    String,
    /// As a number without fraction.
    Integer,
    /// As `true` or `false`.
    Boolean,
}

// === impl Variable ===

impl Variable {
    /// The value in a text that an answer told, or nothing where it has none.
    #[must_use]
    pub fn extracted(&self, text: String) -> Option<String> {
        let value = match &self.extract {
            None => text,
            Some(pattern) => pattern.first_group(&text)?.to_owned(),
        };
        Some(value).filter(|value| !value.is_empty())
    }
}

// === impl VariableType ===

impl VariableType {
    /// Whether a text is a value of this type.
    #[must_use]
    pub fn admits(self, text: &str) -> bool {
        match self {
            Self::String => true,
            Self::Integer => text.parse::<i64>().is_ok(),
            Self::Boolean => matches!(text, "true" | "false"),
        }
    }

    /// The text as a JSON value of this type; a text that is none stays a string.
    #[must_use]
    pub fn to_json(self, text: &str) -> serde_json::Value {
        match self {
            Self::Integer => text.parse::<i64>().map_or_else(|_| text.into(), Into::into),
            Self::Boolean => text.parse::<bool>().map_or_else(|_| text.into(), Into::into),
            Self::String => text.into(),
        }
    }
}

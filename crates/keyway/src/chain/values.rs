//! What the placeholders of a message and of its action stand for.

use std::borrow::Cow;

use keyway_component::{Template, component::Action};
use keyway_oauth::Account;
use serde_json::{Map, Value};

/// A parameter of the message, else the default that the action's schema gives it, else a variable of the account that is
/// no secret.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) given: &'a Map<String, Value>,
    pub(super) action: Option<&'a Action>,
    pub(super) account: &'a Account,
}

// === impl Values ===

impl<'a> Values<'a> {
    /// The value under a name, with its type.
    pub(super) fn json(&self, name: &str) -> Option<Cow<'a, Value>> {
        if let Some(value) = self.param(name) {
            return Some(Cow::Borrowed(value));
        }
        let text = self.account.values.get(name)?;
        let kind = self.account.component.variables.get(name).map(|variable| variable.r#type).unwrap_or_default();
        Some(Cow::Owned(kind.to_json(text)))
    }

    /// The value as text: the items of a list are joined by commas. `None` for objects too.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        match self.param(name) {
            Some(Value::Array(items)) => {
                let items: Option<Vec<_>> = items.iter().map(text_of).collect();
                Some(Cow::Owned(items?.join(",")))
            }
            Some(value) => text_of(value),
            None => self.account.values.get(name).map(Cow::Borrowed),
        }
    }

    fn param(&self, name: &str) -> Option<&'a Value> {
        match self.action {
            Some(action) => action.param(self.given, name),
            None => self.given.get(name).filter(|value| !value.is_null()),
        }
    }

    /// Whether there is a value for everything that a template names.
    pub(super) fn has_all_of(&self, template: &Template) -> bool {
        template.names().all(|name| self.json(name).is_some())
    }
}

/// A text, a number or a boolean as text.
pub(super) fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        _ => None,
    }
}

//! JSON values whose texts are templates.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::template::{Template, TemplateError};

/// Any JSON value. Its texts are templates, at whatever depth; member names are not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct JsonTemplate {
    source: Value,
    templates: Vec<Template>,
}

// === impl JsonTemplate ===

impl JsonTemplate {
    /// The names of its placeholders, repeats included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().flat_map(Template::names)
    }

    /// The value as it is written in the file.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// The value with every text replaced by what `fill` makes of it.
    ///
    /// # Errors
    /// The first that `fill` gives.
    pub fn render<E>(&self, fill: impl Fn(&Template) -> Result<Value, E>) -> Result<Value, E> {
        let mut templates = self.templates.iter();
        let mut filled = self.source.clone();
        replace(&mut filled, &mut |place| match templates.next() {
            Some(template) => fill(template).map(|value| *place = value),
            None => Ok(()),
        })?;
        Ok(filled)
    }
}

/// Visits every text, always in the same order.
fn replace<E>(value: &mut Value, visit: &mut impl FnMut(&mut Value) -> Result<(), E>) -> Result<(), E> {
    match value {
        Value::String(_) => visit(value),
        Value::Array(items) => items.iter_mut().try_for_each(|item| replace(item, visit)),
        Value::Object(members) => members.values_mut().try_for_each(|member| replace(member, visit)),
        _ => Ok(()),
    }
}

impl TryFrom<Value> for JsonTemplate {
    type Error = TemplateError;

    fn try_from(mut source: Value) -> Result<Self, TemplateError> {
        let mut templates = Vec::new();
        replace(&mut source, &mut |text| {
            templates.push(Template::parse(text.as_str().unwrap_or_default())?);
            Ok(())
        })?;
        Ok(Self { source, templates })
    }
}

impl From<JsonTemplate> for Value {
    fn from(template: JsonTemplate) -> Self {
        template.source
    }
}

impl JsonSchema for JsonTemplate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "JsonTemplate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "Any JSON value; `{name}` in its texts stands for a value." })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_filled_in_at_every_depth_and_the_rest_stays() {
        let template =
            JsonTemplate::try_from(json!({"a": ["{x}", 1, true], "b": {"c": "{x}{y}"}, "{z}": null})).unwrap();
        assert_eq!(template.names().collect::<Vec<_>>(), ["x", "x", "y"]);
        let fill = |template: &Template| template.render(|name| Some(name.to_uppercase().into())).map(Value::String);
        assert_eq!(template.render(fill).unwrap(), json!({"a": ["X", 1, true], "b": {"c": "XY"}, "{z}": null}));
        assert!(JsonTemplate::try_from(json!(["{"])).is_err());
    }
}

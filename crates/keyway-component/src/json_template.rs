//! JSON values whose texts are templates.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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

    /// The value with every text replaced by what `fill` makes of it. Members and items for which that is nothing are left
    /// out.
    ///
    /// # Errors
    /// The first that `fill` gives.
    pub fn render<E>(&self, fill: impl Fn(&Template) -> Result<Option<Value>, E>) -> Result<Option<Value>, E> {
        filled(&self.source, &mut self.templates.iter(), &fill)
    }
}

/// Visits the texts in the order in which [`templates_of`] does.
fn filled<E>(
    value: &Value,
    templates: &mut std::slice::Iter<'_, Template>,
    fill: &impl Fn(&Template) -> Result<Option<Value>, E>,
) -> Result<Option<Value>, E> {
    Ok(match value {
        Value::String(_) => match templates.next() {
            Some(template) => fill(template)?,
            None => None,
        },
        Value::Array(items) => {
            let mut all = Vec::with_capacity(items.len());
            for item in items {
                all.extend(filled(item, templates, fill)?);
            }
            Some(Value::Array(all))
        }
        Value::Object(members) => {
            let mut all = Map::new();
            for (name, member) in members {
                all.extend(filled(member, templates, fill)?.map(|member| (name.clone(), member)));
            }
            Some(Value::Object(all))
        }
        other => Some(other.clone()),
    })
}

/// The templates of all texts, in the order in which [`filled`] visits them.
fn templates_of(value: &Value, templates: &mut Vec<Template>) -> Result<(), TemplateError> {
    match value {
        Value::String(text) => templates.push(Template::parse(text)?),
        Value::Array(items) => items.iter().try_for_each(|item| templates_of(item, templates))?,
        Value::Object(members) => members.values().try_for_each(|member| templates_of(member, templates))?,
        _ => {}
    }
    Ok(())
}

impl TryFrom<Value> for JsonTemplate {
    type Error = TemplateError;

    fn try_from(source: Value) -> Result<Self, TemplateError> {
        let mut templates = Vec::new();
        templates_of(&source, &mut templates)?;
        Ok(Self { source, templates })
    }
}

impl From<Template> for JsonTemplate {
    fn from(template: Template) -> Self {
        Self { source: Value::String(template.source().to_owned()), templates: vec![template] }
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

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let itself = generator.subschema_for::<Self>();
        json_schema!({
            "description": "Any JSON value; `{name}` in its texts stands for a value.",
            "pattern": Template::PATTERN, "items": itself, "additionalProperties": itself
        })
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
        let fill = |template: &Template| {
            template.render(|name| Some(name.to_uppercase().into())).map(|text| Some(Value::String(text)))
        };
        let filled = template.render(fill).unwrap();
        assert_eq!(filled, Some(json!({"a": ["X", 1, true], "b": {"c": "XY"}, "{z}": null})));
        let without_x = |template: &Template| {
            Ok::<_, ()>(template.names().all(|name| name != "x").then(|| template.source().into()))
        };
        assert_eq!(template.render(without_x).unwrap(), Some(json!({"a": [1, true], "b": {}, "{z}": null})));
        assert!(JsonTemplate::try_from(json!(["{"])).is_err());
    }
}

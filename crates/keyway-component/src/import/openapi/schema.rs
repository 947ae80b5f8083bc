//! Schemas of parameters, as JSON Schema 2020-12 without references.

use serde_json::{Map, Value, json};

use super::Source;

/// Deeper than this no parameter goes; what refers to itself would never end.
const DEEPEST: usize = 8;
/// What says something about values. All else (`example`, `xml`, `x-…`) is for people and generators.
const KEYWORDS: [&str; 28] = [
    "type",
    "enum",
    "const",
    "format",
    "description",
    "title",
    "default",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
];

/// A schema of the description, or a parameter of version 2, which is one itself.
pub(super) fn json_schema(source: &Source<'_>, schema: &Value) -> Value {
    converted(source, schema, 0)
}

fn converted(source: &Source<'_>, schema: &Value, depth: usize) -> Value {
    let schema = source.resolved(schema);
    if depth > DEEPEST {
        return json!({});
    }
    let Some(members) = schema.as_object() else { return json!({}) };
    let inner = |value: &Value| converted(source, value, depth + 1);
    let mut out = Map::new();
    for name in KEYWORDS {
        let Some(value) = members.get(name) else { continue };
        let kept = match (name, value) {
            ("properties", Value::Object(properties)) => {
                Some(Value::Object(properties.iter().map(|(name, value)| (name.clone(), inner(value))).collect()))
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(items)) => Some(items.iter().map(inner).collect()),
            ("items" | "not", value) => Some(inner(value)),
            ("additionalProperties", Value::Object(_)) => Some(inner(value)),
            // In version 2 and 3.0 these are flags of `minimum` and `maximum`; a parameter's own `required` is one too.
            ("exclusiveMinimum", Value::Bool(true)) => members.get("minimum").cloned(),
            ("exclusiveMaximum", Value::Bool(true)) => members.get("maximum").cloned(),
            ("exclusiveMinimum" | "exclusiveMaximum" | "required", Value::Bool(_)) => None,
            ("pattern", Value::String(pattern)) => regex::Regex::new(pattern).is_ok().then(|| value.clone()),
            ("description" | "title", Value::String(text)) => Some(json!(crate::import::sentence(text))),
            ("type", Value::String(kind)) if kind == "file" => None,
            _ => Some(value.clone()),
        };
        out.extend(kept.map(|kept| (name.to_owned(), kept)));
    }
    if members.get("nullable") == Some(&Value::Bool(true))
        && let Some(Value::String(kind)) = out.get("type").cloned()
    {
        out.insert("type".to_owned(), json!([kind, "null"]));
    }
    Value::Object(out)
}

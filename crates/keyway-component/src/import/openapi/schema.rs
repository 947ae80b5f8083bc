//! Schemas of parameters and bodies, as JSON Schema 2020-12 without references.

use serde_json::{Map, Value, json};

use super::Source;

/// Deeper than this nothing goes; what refers to itself would never end.
const DEEPEST: usize = 8;
/// So many schemas are within one at most: what is beyond may be anything. Some descriptions refer all types to each other.
const MOST: usize = 400;
/// So many are in all of a component's, some ten megabytes of text.
pub(super) const MOST_OF_ALL: usize = 100_000;
/// What says something about values. All else (`example`, `xml`, `x-…`) is for people and generators.
const KEYWORDS: [&str; 29] = [
    "type",
    "enum",
    "const",
    "format",
    "contentMediaType",
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

/// Formats that tell a person how a text is written.
const TEXTS: [&str; 7] = ["date", "date-time", "time", "duration", "email", "uri", "uuid"];

/// The types of JSON. Some descriptions name others, such as `file` or `datetime`.
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// A schema of the description, or a parameter of version 2, which is one itself.
pub(super) fn json_schema(source: &Source<'_>, schema: &Value) -> Value {
    Conversion::of(source, schema, false)
}

/// The schema of what is sent: without what only the server writes (OpenAPI 3.0 section 4.7.24, `readOnly`).
pub(super) fn body_schema(source: &Source<'_>, schema: &Value) -> Value {
    Conversion::of(source, schema, true)
}

/// Descriptions say things that no JSON Schema can say (`"minimum": "0"`): such a one says nothing.
fn sound(schema: Value) -> Value {
    if jsonschema::draft202012::meta::is_valid(&schema) { schema } else { json!({}) }
}

struct Conversion<'s, 'd> {
    source: &'s Source<'d>,
    /// How many schemas may still be converted.
    left: usize,
    sends: bool,
    /// Members that only the server writes, told by one of several schemas for the same value (`allOf`).
    unsent: Vec<String>,
}

// === impl Conversion ===

impl<'s, 'd> Conversion<'s, 'd> {
    fn of(source: &'s Source<'d>, schema: &Value, sends: bool) -> Value {
        let left = MOST.min(source.schemas_left.get());
        let mut conversion = Self { source, left, sends, unsent: Vec::new() };
        let converted = sound(conversion.converted(schema, 0));
        source.schemas_left.set(source.schemas_left.get() - (left - conversion.left));
        converted
    }

    fn converted(&mut self, schema: &Value, depth: usize) -> Value {
        let schema = self.source.resolved(schema);
        if depth > DEEPEST || self.left == 0 {
            return json!({});
        }
        self.left -= 1;
        let Some(members) = schema.as_object() else { return json!({}) };
        // One whose members cannot all be told says nothing: with some of them it would say something else.
        let properties = members.get("properties").and_then(Value::as_object);
        let room = if depth < DEEPEST { self.left } else { 0 };
        if depth > 0 && properties.is_some_and(|properties| properties.len() > room) {
            return json!({});
        }
        // What a schema around this one knows holds for the same value only, and not for what is within it.
        let mut unsent = std::mem::take(&mut self.unsent);
        if self.sends {
            unsent.extend(self.read_only(schema, depth));
        }
        let deeper = depth + 1;
        let mut out = Map::new();
        for name in KEYWORDS {
            let Some(value) = members.get(name) else { continue };
            let kept = match (name, value) {
                ("properties", Value::Object(properties)) => {
                    let sent = properties.iter().filter(|(name, _)| !unsent.contains(name));
                    Some(Value::Object(
                        sent.map(|(name, value)| (name.clone(), self.converted(value, deeper))).collect(),
                    ))
                }
                ("required", Value::Array(names)) => {
                    Some(names.iter().filter(|name| !unsent.iter().any(|unsent| *name == unsent)).cloned().collect())
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(items)) => {
                    let same = items.iter().map(|item| {
                        self.unsent.clone_from(&unsent);
                        self.converted(item, deeper)
                    });
                    let same = same.collect();
                    // Where something was cut off, more than one of them fits.
                    let name = if name == "allOf" { "allOf" } else { "anyOf" };
                    out.insert(name.to_owned(), same);
                    None
                }
                // A hint, which many descriptions give for values of another form (OpenAPI 3.1 section 4.4.2).
                ("format", Value::String(format)) if !matches!(format.as_str(), "binary" | "byte") => None,
                ("items", value) => Some(self.converted(value, deeper)),
                ("not", value) => Some(self.converted(value, deeper))
                    .filter(|inner| inner.as_object().is_some_and(|it| !it.is_empty())),
                ("additionalProperties", Value::Object(_)) => Some(self.converted(value, deeper)),
                // In version 2 and 3.0 these are flags of `minimum` and `maximum`; a parameter's own `required` is one too.
                ("exclusiveMinimum", Value::Bool(true)) => members.get("minimum").cloned(),
                ("exclusiveMaximum", Value::Bool(true)) => members.get("maximum").cloned(),
                ("exclusiveMinimum" | "exclusiveMaximum" | "required", Value::Bool(_)) => None,
                ("pattern", Value::String(pattern)) => regex::Regex::new(pattern).is_ok().then(|| value.clone()),
                ("description" | "title", Value::String(text)) => Some(json!(crate::import::sentence(text))),
                ("type", Value::String(kind)) if !TYPES.contains(&kind.as_str()) => None,
                ("enum", Value::Array(values)) if values.is_empty() => None,
                _ => Some(value.clone()),
            };
            out.extend(kept.map(|kept| (name.to_owned(), kept)));
        }
        fit_enum(&mut out);
        self.unsent.clear();
        if let Some(format) = members.get("format").and_then(Value::as_str).filter(|format| TEXTS.contains(format)) {
            let about = out.get("description").and_then(Value::as_str).unwrap_or_default();
            out.insert("description".to_owned(), json!(format!("{about} Written as {format}.").trim_start()));
        }
        if ["nullable", "x-nullable"].iter().any(|name| members.get(*name) == Some(&Value::Bool(true))) {
            return or_null(out);
        }
        Value::Object(out)
    }

    /// The members of a value that only the server writes (OpenAPI 3.1 section 4.8.24, `readOnly`), whichever of the
    /// schemas for it says so.
    fn read_only(&self, schema: &Value, depth: usize) -> Vec<String> {
        let properties = schema["properties"].as_object().into_iter().flatten();
        let own = properties.filter(|(_, schema)| self.source.resolved(schema)["readOnly"] == true);
        let mut names: Vec<String> = own.map(|(name, _)| name.clone()).collect();
        if depth < DEEPEST {
            let all = schema["allOf"].as_array().into_iter().flatten();
            names.extend(all.flat_map(|part| self.read_only(self.source.resolved(part), depth + 1)));
        }
        names
    }
}

/// Values of another type than the schema's can never be sent: some descriptions write numbers as texts, and the values of
/// a list's items as those of the list.
fn fit_enum(schema: &mut Map<String, Value>) {
    let Some(kind) = schema.get("type").and_then(Value::as_str).map(str::to_owned) else { return };
    let Some(Value::Array(values)) = schema.get("enum") else { return };
    let fitted: Option<Vec<Value>> = values
        .iter()
        .map(|value| match (kind.as_str(), value) {
            (_, Value::Null) => Some(Value::Null),
            ("integer" | "number", Value::String(text)) => {
                let number = text.parse::<i64>().map(Value::from);
                number.ok().or_else(|| text.parse::<f64>().ok().map(Value::from))
            }
            ("boolean", Value::String(text)) => text.parse::<bool>().ok().map(Value::from),
            ("string", Value::Number(_) | Value::Bool(_)) => Some(Value::String(value.to_string())),
            ("integer" | "number", Value::Number(_)) | ("boolean", Value::Bool(_)) | ("string", Value::String(_)) => {
                Some(value.clone())
            }
            _ => None,
        })
        .collect();
    match fitted {
        Some(fitted) => _ = schema.insert("enum".to_owned(), Value::Array(fitted)),
        None => {
            let values = schema.shift_remove("enum").unwrap_or_default();
            if kind == "array"
                && let Some(Value::Object(items)) = schema.get_mut("items")
                && !values.as_array().is_some_and(|values| values.iter().any(Value::is_array))
            {
                items.entry("enum").or_insert(values);
                fit_enum(items);
            } else if values
                .as_array()
                .is_some_and(|values| values.iter().any(|value| value.is_array() || value.is_object()))
            {
                schema.insert("enum".to_owned(), values);
            }
        }
    }
}

/// The schema for what may be `null` as well (OpenAPI 3.0 section 4.7.24, `nullable`).
pub(super) fn or_null(mut schema: Map<String, Value>) -> Value {
    // What lies beside the type would still refuse `null`.
    let further = ["allOf", "anyOf", "oneOf", "not", "const"].into_iter().any(|name| schema.contains_key(name));
    let kinds = match schema.get("type").filter(|_| !further) {
        Some(Value::String(kind)) => vec![json!(kind)],
        Some(Value::Array(kinds)) => kinds.clone(),
        _ => return json!({ "anyOf": [schema, { "type": "null" }] }),
    };
    if !kinds.contains(&json!("null")) {
        schema.insert("type".to_owned(), kinds.into_iter().chain([json!("null")]).collect());
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    Value::Object(schema)
}

//! Bodies of requests: JSON is the message's own, forms and their parts are made of parameters.

use serde_json::{Map, Value, json};

use super::{
    Source,
    draft::Draft,
    parameters::{Kind, described, kind, separator, style_separator},
    schema::{body_schema, or_null},
};
use crate::import::text_of;

/// A body as a description tells it.
struct Body<'d> {
    content_type: String,
    schema: Value,
    needed: bool,
    /// How parts of a form are encoded (OpenAPI 3.1 section 4.8.15).
    encoding: Option<&'d Value>,
    /// What joins the lists of a form of version 2, by field.
    separators: Map<String, Value>,
}

// === impl Source ===

impl<'d> Source<'d> {
    pub(super) fn body(&mut self, operation: &'d Value, draft: &mut Draft) {
        let Some(body) = self.told_body(operation) else { return };
        if matches!(draft.method.as_str(), "GET" | "HEAD") {
            self.leave_out(format!("{}: its body; Keyway sends none with this method.", draft.place));
            return;
        }
        match body.content_type.as_str() {
            "application/x-www-form-urlencoded" => self.form(&body, draft),
            "multipart/form-data" => self.multipart(&body, draft),
            // Anything may be sent: bytes, if the schema says so.
            label
                if label.contains('*')
                    && (is_binary(&body.schema) || text_of(&body.schema, "type") == Some("string")) =>
            {
                draft.takes_body(None, body.needed);
            }
            label if is_json(label) => {
                if label != "application/json" && !label.contains('*') {
                    draft.headers.insert("Content-Type".to_owned(), json!(label));
                }
                // A body that may be left out is `null` to its schema then.
                let schema = match body.schema {
                    Value::Object(schema) if schema.is_empty() => None,
                    Value::Object(schema) if !body.needed => Some(or_null(schema)),
                    schema => Some(schema),
                };
                draft.takes_body(schema, body.needed);
            }
            label => {
                // However the message gives it, as text or as bytes.
                let label = if label == "text/plain" { "text/plain; charset=utf-8" } else { label };
                if !label.contains('*') {
                    draft.headers.insert("Content-Type".to_owned(), json!(label));
                }
                draft.takes_body(None, body.needed);
            }
        }
    }

    fn told_body(&self, operation: &'d Value) -> Option<Body<'d>> {
        if self.document.get("swagger").is_some() {
            return self.body_of_version_2(operation);
        }
        let told = self.resolved(operation.get("requestBody")?);
        let content = told["content"].as_object()?;
        let essence = |label: &str| label.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        // What programs send most easily goes first.
        let rank = |label: &str| match essence(label).as_str() {
            "application/json" => 0,
            label if is_json(label) => 1,
            "application/x-www-form-urlencoded" => 2,
            "multipart/form-data" => 3,
            _ => 4,
        };
        let (label, media) = content.iter().min_by_key(|(label, _)| rank(label))?;
        Some(Body {
            content_type: essence(label),
            schema: media.get("schema").map(|schema| body_schema(self, schema)).unwrap_or_else(|| json!({})),
            needed: told["required"] == true,
            encoding: media.get("encoding"),
            separators: Map::new(),
        })
    }

    /// Version 2 has bodies among the parameters.
    fn body_of_version_2(&self, operation: &'d Value) -> Option<Body<'d>> {
        let parameters = operation["parameters"].as_array()?.iter().map(|parameter| self.resolved(parameter));
        let consumes = [operation, self.document].into_iter().find_map(|place| place["consumes"].as_array());
        let labels: Vec<&str> = consumes.into_iter().flatten().filter_map(Value::as_str).collect();
        let (mut properties, mut required, mut has_file) = (Map::new(), Vec::new(), false);
        let mut separators = Map::new();
        for parameter in parameters {
            match (text_of(parameter, "in"), text_of(parameter, "name")) {
                (Some("body"), _) => {
                    let own = labels.iter().find(|label| is_json(label)).or(labels.first());
                    return Some(Body {
                        content_type: own.map_or_else(|| "application/json".to_owned(), |label| (*label).to_owned()),
                        schema: parameter
                            .get("schema")
                            .map(|schema| body_schema(self, schema))
                            .unwrap_or_else(|| json!({})),
                        needed: parameter["required"] == true,
                        encoding: None,
                        separators,
                    });
                }
                (Some("formData"), Some(name)) => {
                    let is_file = text_of(parameter, "type") == Some("file");
                    has_file |= is_file;
                    let schema = if is_file {
                        json!({ "type": "string", "format": "binary" })
                    } else {
                        body_schema(self, parameter)
                    };
                    properties.insert(name.to_owned(), described(schema, parameter));
                    separators.extend(separator(parameter).map(|separator| (name.to_owned(), json!(separator))));
                    if parameter["required"] == true {
                        required.push(json!(name));
                    }
                }
                _ => {}
            }
        }
        let is_form = labels.contains(&"application/x-www-form-urlencoded");
        let is_multipart = has_file || (labels.contains(&"multipart/form-data") && !is_form);
        let content_type = if is_multipart { "multipart/form-data" } else { "application/x-www-form-urlencoded" };
        (!properties.is_empty()).then(|| Body {
            content_type: content_type.to_owned(),
            schema: json!({ "type": "object", "properties": properties, "required": required }),
            needed: true,
            encoding: None,
            separators,
        })
    }

    fn form(&mut self, body: &Body<'_>, draft: &mut Draft) {
        let mut fields = Map::new();
        for (name, schema, required) in body.fields() {
            let is_list =
                kind(schema) == Kind::List && schema.get("items").is_none_or(|items| kind(items) == Kind::Plain);
            let own = draft.declare(name, schema.clone(), required);
            // A list in the style of objects is one by its name.
            let is_deep = body.encoding_of(name).is_some_and(|told| text_of(told, "style") == Some("deepObject"));
            let key = if is_list && is_deep { format!("{name}[]") } else { name.clone() };
            let label = body.encoding_of(name).and_then(|told| text_of(told, "contentType"));
            if label.is_some_and(|label| label.contains("json")) {
                draft.writes_json(&key);
            } else if is_list {
                draft.writes_list(&key, body.separator(name).as_deref());
            }
            fields.insert(key, json!(format!("{{{own}}}")));
        }
        // Without a field that is known, the message brings the whole form.
        if !fields.is_empty() {
            draft.body.insert("body".to_owned(), Value::Object(fields));
            draft.body.insert("body_encoding".to_owned(), json!("form"));
        }
    }

    fn multipart(&mut self, body: &Body<'_>, draft: &mut Draft) {
        let (mut parts, mut has_file, mut needs_file) = (Map::new(), false, false);
        for (name, schema, required) in body.fields() {
            let is_list = kind(schema) == Kind::List;
            let file = is_binary(schema) || (is_list && schema.get("items").is_some_and(is_binary));
            if file && !has_file {
                has_file = true;
                needs_file = required;
                let schema = json!({ "type": "string", "description": "Name of the file." });
                let own = draft.declare("filename", schema, required);
                let mut part = json!({ "filename": format!("{{{own}}}") });
                let label = body.encoding.and_then(|encoding| text_of(&encoding[name], "contentType"));
                if let Some(label) = label.filter(|label| !label.contains(['*', ',', '{'])) {
                    part["content_type"] = json!(label);
                }
                parts.insert(name.clone(), part);
            } else if !file {
                if is_list {
                    draft.writes_list(name, body.separator(name).as_deref());
                }
                let own = draft.declare(name, schema.clone(), required);
                parts.insert(name.clone(), json!(format!("{{{own}}}")));
            } else {
                self.no_field(name, "is a second file", draft);
            }
        }
        if parts.is_empty() {
            self.leave_out(format!("{}: its multipart body, whose parts are not described.", draft.place));
        } else {
            draft.takes_body(None, needs_file);
            draft.body.insert("multipart".to_owned(), Value::Object(parts));
        }
    }

    fn no_field(&mut self, name: &str, why: &str, draft: &Draft) {
        let shown = crate::printable(name, 60);
        self.leave_out(format!("{}: the field `{shown}` of its form {why}.", draft.place));
    }
}

// === impl Body ===

impl Body<'_> {
    /// Names of a form's fields, their schemas, and whether they have to be there. Nothing of what may be left out has to.
    fn fields(&self) -> Vec<(&String, &Value, bool)> {
        let whole = self.schema.get("allOf").and_then(Value::as_array).into_iter().flatten().chain([&self.schema]);
        let mut fields = Vec::new();
        for part in whole {
            let is_required =
                |name: &str| part["required"].as_array().is_some_and(|required| required.iter().any(|r| r == name));
            let properties = part["properties"].as_object().into_iter().flatten();
            fields.extend(properties.map(|(name, schema)| (name, schema, self.needed && is_required(name))));
        }
        fields
    }

    fn encoding_of(&self, name: &str) -> Option<&Value> {
        self.encoding?.get(name)
    }

    /// What joins the items of a field that is a list; `None` where it is repeated.
    fn separator(&self, name: &str) -> Option<String> {
        match self.separators.get(name) {
            Some(separator) => separator.as_str().map(str::to_owned),
            None => style_separator(self.encoding_of(name)?).map(str::to_owned),
        }
    }
}

fn is_json(label: &str) -> bool {
    matches!(label, "application/json" | "text/json" | "*/*" | "application/*") || label.ends_with("+json")
}

fn is_binary(schema: &Value) -> bool {
    matches!(text_of(schema, "format"), Some("binary" | "byte")) || schema.get("contentMediaType").is_some()
}

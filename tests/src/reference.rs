//! `docs/reference/`: what files may say, as pages made of the schemas.

use std::fmt::Write;

use serde_json::{Map, Value};

/// A page about the files of a schema.
#[must_use]
pub fn page(schema: &Value, what: &str, intro: &str) -> String {
    let mut page = format!("# {what}\n\n{intro}\n\nThis page is made of the schema; types are links.\n\n");
    section(schema, &mut page);
    for (name, kind) in schema["$defs"].as_object().into_iter().flatten() {
        let _ = write!(page, "## {name}\n\n");
        section(kind, &mut page);
    }
    page
}

/// One type: what it is, and its members or its forms.
fn section(schema: &Value, page: &mut String) {
    if let Some(about) = schema["description"].as_str() {
        let _ = write!(page, "{about}\n\n");
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        let _ = write!(page, "A text like `{pattern}`.\n\n");
    }
    if let Some(properties) = schema["properties"].as_object() {
        members(schema, properties, page);
    }
    let forms = ["oneOf", "anyOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten();
    for form in forms {
        let about = form["description"].as_str().unwrap_or_default();
        let _ = writeln!(page, "- {}{}{about}", of_form(form), if about.is_empty() { "" } else { ": " });
    }
    if ["oneOf", "anyOf"].iter().any(|name| schema.get(*name).is_some()) {
        page.push('\n');
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        let _ = write!(page, "One of {}.\n\n", values.join(", "));
    }
}

fn members(schema: &Value, properties: &Map<String, Value>, page: &mut String) {
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    page.push_str("| member | what | default | |\n|---|---|---|---|\n");
    for (name, member) in properties {
        let default = match member.get("default") {
            _ if required(name) => "**required**".to_owned(),
            None | Some(Value::Null) => String::new(),
            Some(Value::Object(members)) if !members.is_empty() => "see there".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        let about = member["description"].as_str().unwrap_or_default();
        let about = about.replace("\n\n", " ").replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(page, "| `{name}` | {} | {default} | {about} |", kind(member).replace('|', "\\|"));
    }
    page.push('\n');
}

/// One of several forms, by its members, its value or its type.
fn of_form(form: &Value) -> String {
    match (form["properties"].as_object(), form.get("const")) {
        (Some(members), _) => {
            let each = members.iter().map(|(name, member)| format!("`{name}`: {}", kind(member)));
            each.collect::<Vec<_>>().join(", ")
        }
        (None, Some(value)) => format!("`{value}`"),
        (None, None) => kind(form),
    }
}

/// What a value is, in a few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    for name in ["anyOf", "oneOf", "allOf"] {
        if let Some(forms) = schema[name].as_array() {
            let kinds: Vec<String> = forms.iter().filter(|form| form["type"] != "null").map(kind).collect();
            return kinds.join(" or ");
        }
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        Value::String(kind) => vec![kind.as_str()],
        _ => Vec::new(),
    };
    match kinds.first().copied() {
        Some("array") => format!("list of {}", kind(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("object of {}", kind(&schema["additionalProperties"]))
        }
        Some("string") => "text".to_owned(),
        Some(kind) => kind.to_owned(),
        None => "anything".to_owned(),
    }
}

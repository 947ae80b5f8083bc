//! Parameters of an operation: in its path, its query and its headers.

use serde_json::{Value, json};

use super::{Source, draft::Draft, schema::json_schema};
use crate::import::{sentence, text_of};

/// Parameters of these names are described elsewhere (OpenAPI 3.1 section 4.8.12.2), or made by the HTTP client.
const NOT_PARAMETERS: [&str; 10] = [
    "accept",
    "content-type",
    "authorization",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "proxy-authorization",
    "te",
    "upgrade",
];

/// What a parameter's value is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    List,
    Object,
}

// === impl Source ===

impl<'d> Source<'d> {
    pub(super) fn parameters(&mut self, item: &'d Value, operation: &'d Value, draft: &mut Draft) {
        let own = operation["parameters"].as_array().into_iter().flatten();
        let shared = item["parameters"].as_array().into_iter().flatten();
        let all = own.chain(shared).map(|parameter| self.resolved(parameter));
        // Those of the path have the first choice of a name.
        let (in_path, others): (Vec<&Value>, Vec<&Value>) = all.partition(|it| text_of(it, "in") == Some("path"));
        let mut seen: Vec<(&str, &str)> = Vec::new();
        for parameter in in_path.into_iter().chain(others) {
            let (Some(name), Some(at)) = (text_of(parameter, "name"), text_of(parameter, "in")) else { continue };
            // The operation's own stands over that of its path.
            if seen.contains(&(name, at)) {
                continue;
            }
            seen.push((name, at));
            // Where the token stands, no message has a say (RFC 6750 section 2.3).
            if (at, name) == ("query", "access_token") {
                continue;
            }
            if self.keys.iter().any(|(key_at, key)| key_at == at && key.eq_ignore_ascii_case(name)) {
                continue;
            }
            match at {
                "path" => self.in_path(name, parameter, draft),
                "query" => self.in_query(name, parameter, draft),
                "header" if !NOT_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) => {
                    self.in_header(name, parameter, draft);
                }
                "cookie" => self.leave_out(format!(
                    "{}: the parameter `{}` travels in a cookie, which Keyway does not send.",
                    draft.place,
                    crate::printable(name, 60)
                )),
                // Version 2 has bodies among the parameters.
                _ => {}
            }
        }
    }

    fn in_path(&mut self, name: &str, parameter: &Value, draft: &mut Draft) {
        let schema = self.told(parameter);
        let before = match text_of(parameter, "style") {
            Some("label") => ".".to_owned(),
            Some("matrix") => format!(";{name}="),
            _ => String::new(),
        };
        if !before.is_empty() && kind(&schema) == Kind::Plain {
            let placeholder = format!("{{{name}}}");
            draft.url = draft.url.replace(&placeholder, &format!("{before}{placeholder}"));
        } else if !before.is_empty() {
            let shown = crate::printable(name, 60);
            self.leave_out(format!(
                "{}: `{shown}` is a list in a style of its own; give it as it is sent.",
                draft.place
            ));
        }
        draft.declare_in_path(name, in_text(schema));
    }

    fn in_header(&mut self, name: &str, parameter: &Value, draft: &mut Draft) {
        if !is_header_name(name) {
            let shown = crate::printable(name, 60);
            self.leave_out(format!("{}: `{shown}` is no name of a header.", draft.place));
            return;
        }
        let own = draft.declare(name, in_text(self.told(parameter)), parameter["required"] == true);
        draft.headers.insert(name.to_owned(), json!(format!("{{{own}}}")));
    }

    fn in_query(&mut self, name: &str, parameter: &Value, draft: &mut Draft) {
        let (schema, required) = (self.told(parameter), parameter["required"] == true);
        let shown = crate::printable(name, 60);
        match kind(&schema) {
            // Text of another language (OpenAPI 3.1 section 4.8.12, `content`): a value of any kind, written as JSON.
            _ if is_json_text(parameter) => {
                let own = draft.declare(name, schema, required);
                draft.writes_json(name);
                draft.query.insert(name.to_owned(), json!(format!("{{{own}}}")));
            }
            Kind::Plain => {
                if may_be_a_list(&schema) {
                    draft.writes_list(name, separator(parameter));
                }
                let own = draft.declare(name, schema, required);
                draft.query.insert(name.to_owned(), json!(format!("{{{own}}}")));
            }
            Kind::List => {
                if schema.get("items").is_some_and(|items| kind(items) != Kind::Plain) {
                    self.leave_out(format!(
                        "{}: the parameter `{shown}` is a list of objects; give it with `query`.",
                        draft.place
                    ));
                    return;
                }
                let own = draft.declare(name, schema, required);
                // A list in the style of objects is one by its name, as PHP and Rails read it.
                let is_deep = text_of(parameter, "style") == Some("deepObject");
                let key = if is_deep { format!("{name}[]") } else { name.to_owned() };
                draft.writes_list(&key, separator(parameter));
                draft.query.insert(key, json!(format!("{{{own}}}")));
            }
            Kind::Object => self.object_in_query(name, parameter, &schema, draft),
        }
    }

    /// Each member is a parameter: `filter[kind]` in the style `deepObject`, its own name in the style `form`.
    fn object_in_query(&mut self, name: &str, parameter: &Value, schema: &Value, draft: &mut Draft) {
        let is_deep = text_of(parameter, "style") == Some("deepObject");
        let members: Vec<(&String, &Value)> = schema["properties"].as_object().into_iter().flatten().collect();
        let is_flat = members.iter().all(|(_, schema)| kind(schema) == Kind::Plain);
        let is_open = schema.get("additionalProperties").is_some_and(|further| *further != false);
        if is_deep && (members.is_empty() || !is_flat || is_open) {
            let own = draft.declare(name, schema.clone(), parameter["required"] == true);
            draft.query.insert(name.to_owned(), json!(format!("{{{own}}}")));
            return;
        }
        if members.is_empty() || !is_flat || parameter["explode"] == false {
            let shown = crate::printable(name, 60);
            self.leave_out(format!("{}: the parameter `{shown}` is an object; give it with `query`.", draft.place));
            return;
        }
        for (member, schema) in members {
            let key = if is_deep { format!("{name}[{member}]") } else { member.clone() };
            let own = draft.declare(&key, schema.clone(), false);
            draft.query.insert(key, json!(format!("{{{own}}}")));
        }
    }

    /// The schema of a parameter with its description. Version 2 has it in the parameter itself.
    fn told(&self, parameter: &Value) -> Value {
        // A value in another language than JSON is written as it is sent.
        let content = parameter["content"].as_object().and_then(|content| content.iter().next());
        let schema = match content {
            Some((label, media)) if label.contains("json") => {
                media.get("schema").map_or_else(|| json!({}), |schema| json_schema(self, schema))
            }
            Some(_) => json!({ "type": "string" }),
            None => json_schema(self, parameter.get("schema").unwrap_or(parameter)),
        };
        described(schema, parameter)
    }
}

/// Whether it is a token (RFC 9110 section 5.1).
pub(super) fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte))
}

/// What a value of a schema is. What says nothing is a plain value.
pub(super) fn kind(schema: &Value) -> Kind {
    let is = |wanted: &str| match schema.get("type") {
        Some(Value::String(kind)) => kind == wanted,
        Some(Value::Array(kinds)) => {
            kinds.iter().any(|kind| kind == wanted) && !kinds.iter().any(|kind| kind == "string")
        }
        _ => false,
    };
    match () {
        () if is("array") => Kind::List,
        () if is("object") => Kind::Object,
        () if schema.get("type").is_some() => Kind::Plain,
        () if schema.get("properties").is_some() => Kind::Object,
        () => {
            // Wrapped in one other schema, it is what that is.
            let wrapped = schema.get("allOf").and_then(Value::as_array).filter(|all| !all.is_empty());
            let inner = wrapped.into_iter().flatten().map(kind).find(|inner| *inner != Kind::Plain);
            inner.unwrap_or(Kind::Plain)
        }
    }
}

/// What joins a list in the query; `None` where the parameter is repeated.
pub(super) fn separator(parameter: &Value) -> Option<&'static str> {
    if parameter.get("type").is_some() {
        // Version 2.
        return match text_of(parameter, "collectionFormat").unwrap_or("csv") {
            "multi" => None,
            "ssv" => Some(" "),
            "tsv" => Some("\t"),
            "pipes" => Some("|"),
            _ => Some(","),
        };
    }
    style_separator(parameter)
}

/// The same by `style` and `explode` (OpenAPI 3.1 section 4.8.12): lists in the style `form` are repeated unless it says
/// otherwise, those in others are joined.
pub(super) fn style_separator(told: &Value) -> Option<&'static str> {
    let style = text_of(told, "style").unwrap_or("form");
    let explode = told["explode"].as_bool().unwrap_or(style == "form");
    match (style, explode) {
        ("spaceDelimited", false) => Some(" "),
        ("pipeDelimited", false) => Some("|"),
        ("form", false) => Some(","),
        _ => None,
    }
}

/// Objects in paths and headers are written as text; lists are joined by commas there, which is how both say several values.
fn in_text(schema: Value) -> Value {
    let is_list = || schema.get("items").is_none_or(|items| kind(items) == Kind::Plain);
    match kind(&schema) {
        Kind::Plain => return schema,
        Kind::List if is_list() => return schema,
        Kind::List | Kind::Object => {}
    }
    let mut text = json!({ "type": "string" });
    let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text["description"] = json!(format!("{about} Several values are joined by commas.").trim_start());
    text
}

/// Whether the value of a parameter is written as JSON.
fn is_json_text(parameter: &Value) -> bool {
    parameter["content"].as_object().is_some_and(|content| content.keys().any(|label| label.contains("json")))
}

/// Whether a value may be a list, though it need not.
fn may_be_a_list(schema: &Value) -> bool {
    let is_one = |schema: &Value| {
        schema["type"] == "array" || schema["type"].as_array().is_some_and(|all| all.contains(&json!("array")))
    };
    let either = ["anyOf", "oneOf"].into_iter().filter_map(|name| schema.get(name)?.as_array()).flatten();
    is_one(schema) || either.into_iter().any(is_one)
}

/// The schema with a description, if it has none of its own.
pub(super) fn described(mut schema: Value, told: &Value) -> Value {
    if let (Some(object), Some(about)) = (schema.as_object_mut(), text_of(told, "description"))
        && !object.contains_key("description")
    {
        object.insert("description".to_owned(), json!(sentence(about)));
    }
    schema
}

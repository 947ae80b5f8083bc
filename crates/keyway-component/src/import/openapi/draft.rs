//! An action as it is put together.

use serde_json::{Map, Value, json};

use crate::import::{identifier, placeholders, sentence, text_of};

/// An action, with what is known of it so far.
pub(super) struct Draft {
    /// Method and path, for people.
    pub(super) place: String,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) query: Map<String, Value>,
    pub(super) headers: Map<String, Value>,
    /// How its body is made, in the action's own members.
    pub(super) body: Map<String, Value>,
    /// The lists that it writes, each with what joins it.
    lists: Vec<(String, Option<String>)>,
    /// Names in the query and in the form whose values are JSON.
    in_json: Vec<Value>,
    properties: Map<String, Value>,
    required: Vec<Value>,
    needs_body: bool,
    /// Names that are variables of the component.
    taken: Vec<String>,
    /// Whether anybody may call it.
    pub(super) is_open: bool,
    /// What placeholders of the path become.
    in_path: Vec<(String, String)>,
}

// === impl Draft ===

impl Draft {
    pub(super) fn new(method: &str, path: &str, place: String, taken: Vec<String>) -> Self {
        Self {
            place,
            method: method.to_ascii_uppercase(),
            url: path.to_owned(),
            query: Map::new(),
            headers: Map::new(),
            body: Map::new(),
            lists: Vec::new(),
            in_json: Vec::new(),
            properties: Map::new(),
            required: Vec::new(),
            needs_body: false,
            taken,
            is_open: false,
            in_path: Vec::new(),
        }
    }

    /// Declares a parameter. Returns the name that it has in templates, which is no other parameter's.
    pub(super) fn declare(&mut self, name: &str, mut schema: Value, required: bool) -> String {
        let name = identifier(name);
        let further = (2..).map(|n| format!("{name}_{n}"));
        let is_free = |name: &String| !self.properties.contains_key(name) && !self.taken.contains(name);
        let own = [name.clone()].into_iter().chain(further).find(is_free);
        let own = own.unwrap_or(name);
        let default = schema.as_object_mut().and_then(|schema| schema.remove("default"));
        // What the server takes by itself is for people to know. Only where something must be sent, it is sent.
        match (default, schema.as_object_mut()) {
            (Some(default), Some(schema)) if required && !default.is_null() => {
                schema.insert("default".to_owned(), default);
            }
            (Some(default), Some(schema)) => {
                if required {
                    self.required.push(json!(own));
                }
                let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
                let about = format!("{about} The server's default is {}.", crate::printable(&default.to_string(), 80));
                schema.insert("description".to_owned(), json!(about.trim_start()));
            }
            _ if required => self.required.push(json!(own)),
            _ => {}
        }
        self.properties.insert(own.clone(), schema);
        own
    }

    /// Says how the list under this name in the query, in the form or among the parts is written: repeated, or joined by a
    /// separator.
    pub(super) fn writes_list(&mut self, name: &str, separator: Option<&str>) {
        self.lists.push((name.to_owned(), separator.map(str::to_owned)));
    }

    /// What stands under this name in the query or in the form is written as JSON.
    pub(super) fn writes_json(&mut self, name: &str) {
        self.in_json.push(json!(name));
    }

    /// Its body is the message's own.
    pub(super) fn takes_body(&mut self, schema: Option<Value>, needed: bool) {
        self.needs_body |= needed;
        if let Some(schema) = schema {
            self.body.insert("body_schema".to_owned(), schema);
        }
    }

    /// Declares a parameter of the path, if that names it.
    pub(super) fn declare_in_path(&mut self, name: &str, schema: Value) {
        if self.url.contains(&format!("{{{name}}}")) {
            let own = self.declare(name, schema, true);
            self.in_path.push((name.to_owned(), own));
        }
    }

    /// Puts the parameters' own names into the path, each once. It may name what no parameter describes.
    pub(super) fn close_url(&mut self) {
        let named: Vec<String> = placeholders(&self.url).map(str::to_owned).collect();
        for name in &named {
            if !self.in_path.iter().any(|(known, _)| known == name) {
                self.declare_in_path(name, json!({ "type": "string" }));
            }
        }
        let mut parts = self.url.split('{');
        let mut url = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            url.push('{');
            match part.split_once('}') {
                Some((name, rest)) => {
                    let own = self.in_path.iter().find(|(known, _)| known == name).map_or(name, |(_, own)| own);
                    url.push_str(&format!("{own}}}{rest}"));
                }
                None => url.push_str(part),
            }
        }
        self.url = url;
    }

    pub(super) fn needs_nothing(&self) -> bool {
        self.required.is_empty() && !self.needs_body
    }

    pub(super) fn written(self, operation: &Value) -> Value {
        let mut action = Map::new();
        let about = text_of(operation, "summary").or_else(|| text_of(operation, "description")).map(sentence);
        if let Some(about) = about.filter(|about| !about.is_empty()) {
            action.insert("description".to_owned(), json!(about));
        }
        action.insert("method".to_owned(), json!(self.method));
        action.insert("url".to_owned(), json!(self.url));
        if self.is_open {
            action.insert("token".to_owned(), json!(false));
        }
        for (name, members) in [("query", self.query), ("headers", self.headers)] {
            if !members.is_empty() {
                action.insert(name.to_owned(), Value::Object(members));
            }
        }
        if let Some(separator) = list_separator(&self.lists) {
            action.insert("list_separator".to_owned(), separator);
        }
        if !self.in_json.is_empty() {
            action.insert("json_values".to_owned(), Value::Array(self.in_json));
        }
        action.extend(self.body);
        if !self.properties.is_empty() {
            let mut params = Map::new();
            params.insert("type".to_owned(), json!("object"));
            params.insert("properties".to_owned(), Value::Object(self.properties));
            if !self.required.is_empty() {
                params.insert("required".to_owned(), Value::Array(self.required));
            }
            params.insert("additionalProperties".to_owned(), json!(false));
            action.insert("params".to_owned(), Value::Object(params));
        }
        Value::Object(action)
    }
}

/// What joins lists, as an action says it: one for all, or one for each that has one.
fn list_separator(lists: &[(String, Option<String>)]) -> Option<Value> {
    let (_, first) = lists.first()?;
    if lists.iter().all(|(_, separator)| separator == first) {
        return first.as_ref().map(|separator| json!(separator));
    }
    let joined = lists.iter().filter_map(|(name, separator)| Some((name.clone(), json!(separator.as_ref()?))));
    Some(Value::Object(joined.collect()))
}

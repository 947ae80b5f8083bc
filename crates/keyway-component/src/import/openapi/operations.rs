//! Operations as actions: method, URL, parameters with their schemas.

use serde_json::{Map, Value, json};

use super::{Source, schema::json_schema};
use crate::import::{identifier, sentence, text_of};

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
/// Parameters of these names are described elsewhere (OpenAPI 3.1 section 4.8.12.2).
const NOT_PARAMETERS: [&str; 3] = ["accept", "content-type", "authorization"];

/// An action as it is put together.
#[derive(Default)]
struct Action {
    url: String,
    query: Map<String, Value>,
    headers: Map<String, Value>,
    properties: Map<String, Value>,
    required: Vec<Value>,
}

// === impl Source ===

impl<'d> Source<'d> {
    /// All operations, and the one that shows that an account works: a read without parameters.
    pub(super) fn actions(&mut self) -> (Map<String, Value>, Option<String>) {
        let (mut actions, mut verify, mut bodies) = (Map::new(), None, false);
        for (path, item) in self.document["paths"].as_object().into_iter().flatten() {
            let item = self.resolved(item);
            for method in METHODS {
                let Some(operation) = item.get(method).filter(|operation| operation.is_object()) else { continue };
                let place = format!("{} {}", method.to_ascii_uppercase(), crate::printable(path, 100));
                if path.contains(['#', '?', '\\', ' ']) {
                    self.leave_out(format!("{place}: its path has characters that no path can have."));
                    continue;
                }
                let Some(action) = self.action(path, item, operation, &place) else { continue };
                bodies |= operation.get("requestBody").is_some() || has_body(operation);
                let name = free_name(&actions, operation, method, path);
                if method == "get" && action.required.is_empty() && verify.is_none() {
                    verify = Some(name.clone());
                }
                actions.insert(name, action.written(method, operation));
            }
        }
        if bodies {
            self.leave_out("Bodies of requests are given with the message (`body`, `form` or `text`); their schemas are not in it.");
        }
        (actions, verify)
    }

    /// `None`: it cannot be called without what is left out.
    fn action(&mut self, path: &str, item: &'d Value, operation: &'d Value, place: &str) -> Option<Action> {
        let mut action = Action { url: path.to_owned(), ..Action::default() };
        let own = operation["parameters"].as_array().into_iter().flatten();
        let shared = item["parameters"].as_array().into_iter().flatten();
        let mut seen: Vec<(&str, &str)> = Vec::new();
        for parameter in own.chain(shared) {
            let parameter = self.resolved(parameter);
            let (Some(name), Some(at)) = (text_of(parameter, "name"), text_of(parameter, "in")) else { continue };
            // The operation's own stands over that of its path.
            if seen.contains(&(name, at)) || matches!(at, "body" | "formData") {
                continue;
            }
            seen.push((name, at));
            let (own, required) = (identifier(name), parameter["required"] == true || at == "path");
            let shown = crate::printable(name, 60);
            let told = json_schema(self, parameter.get("schema").unwrap_or(parameter));
            let is_plain =
                !matches!(told["type"].as_str(), Some("array" | "object")) && parameter.get("content").is_none();
            let template = json!(format!("{{{own}}}"));
            match at {
                "path" => action.url = action.url.replace(&format!("{{{name}}}"), &format!("{{{own}}}")),
                "query" if is_plain => _ = action.query.insert(name.to_owned(), template),
                "query" => {
                    self.leave_out(format!(
                        "{place}: the parameter `{shown}` is no plain value; give it with `query`."
                    ));
                    continue;
                }
                "header" if NOT_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) => continue,
                "header" if required && is_plain => _ = action.headers.insert(name.to_owned(), template),
                "header" => {
                    self.leave_out(format!("{place}: the header `{shown}` may be given with `headers`."));
                    continue;
                }
                _ => {
                    self.leave_out(format!(
                        "{place}: the parameter `{shown}` travels in a cookie, which Keyway does not send."
                    ));
                    continue;
                }
            }
            if required {
                action.required.push(json!(own));
            }
            action.properties.insert(own, described(told, parameter));
        }
        // A path may name what no parameter describes.
        let open = names_in(&action.url).into_iter().map(str::to_owned).collect::<Vec<_>>();
        for name in open {
            let own = identifier(&name);
            if !action.properties.contains_key(&own) {
                action.url = action.url.replace(&format!("{{{name}}}"), &format!("{{{own}}}"));
                action.required.push(json!(own));
                action.properties.insert(own, json!({ "type": "string" }));
            }
        }
        if action.url.matches('{').count() != action.url.matches('}').count() {
            self.leave_out(format!("{place}: its path has a brace without its partner."));
            return None;
        }
        Some(action)
    }
}

// === impl Action ===

impl Action {
    fn written(self, method: &str, operation: &Value) -> Value {
        let mut action = Map::new();
        let about = text_of(operation, "summary").or_else(|| text_of(operation, "description")).map(sentence);
        if let Some(about) = about.filter(|about| !about.is_empty()) {
            action.insert("description".to_owned(), json!(about));
        }
        action.insert("method".to_owned(), json!(method.to_ascii_uppercase()));
        action.insert("url".to_owned(), json!(self.url));
        for (name, members) in [("query", self.query), ("headers", self.headers)] {
            if !members.is_empty() {
                action.insert(name.to_owned(), Value::Object(members));
            }
        }
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

fn has_body(operation: &Value) -> bool {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.filter_map(|parameter| text_of(parameter, "in")).any(|at| matches!(at, "body" | "formData"))
}

fn described(mut schema: Value, parameter: &Value) -> Value {
    if let (Some(object), Some(about)) = (schema.as_object_mut(), text_of(parameter, "description"))
        && !object.contains_key("description")
    {
        object.insert("description".to_owned(), json!(sentence(about)));
    }
    schema
}

/// The operation's own name, or method and path; a number behind it where there is one like it.
fn free_name(actions: &Map<String, Value>, operation: &Value, method: &str, path: &str) -> String {
    let name = text_of(operation, "operationId").map_or_else(|| identifier(&format!("{method} {path}")), identifier);
    let further = (2..).map(|n| format!("{name}_{n}"));
    [name.clone()].into_iter().chain(further).find(|name| !actions.contains_key(name)).unwrap_or(name)
}

/// What stands between braces.
fn names_in(url: &str) -> Vec<&str> {
    url.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

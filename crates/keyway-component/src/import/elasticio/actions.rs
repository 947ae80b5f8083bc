//! elastic.io's actions and triggers: names, texts and the schemas of what they take. Their requests are code.

use serde_json::{Map, Value, json};

use crate::import::{identifier, openapi::plain_schema, sentence, text_of};

/// Words in names of reads, and of deletions.
const READS: [&str; 9] = ["get", "lookup", "list", "search", "find", "read", "fetch", "query", "poll"];
const DELETIONS: [&str; 2] = ["delete", "remove"];

/// Actions as far as the description has them, and what is to be said of each.
pub(super) fn actions(document: &Value) -> (Map<String, Value>, Vec<String>) {
    let (mut actions, mut said) = (Map::new(), Vec::new());
    for kind in ["actions", "triggers"] {
        for (name, told) in document[kind].as_object().into_iter().flatten() {
            let shown = crate::printable(name, 60);
            let title = crate::printable(text_of(told, "title").unwrap_or_default(), 60);
            let schema = &told["metadata"]["in"];
            if kind == "triggers" && !schema.is_object() {
                said.push(format!(
                    "`{shown}` ({title}) is code: declare it in `actions`, or send its request as a message."
                ));
                continue;
            }
            let method = method(name);
            let own = identifier(name);
            said.push(format!(
                "`{shown}` ({title}): its request is code; set `method` and `url` of the action `{own}`, which only has the \
                 schema of what it takes."
            ));
            if text_of(&told["metadata"], "in").is_some() || told["dynamicMetadata"] == true {
                said.push(format!("`{shown}`: the schema of what it takes is not in the description."));
            }
            actions.insert(own.clone(), action(told, method, &own));
        }
    }
    (actions, said)
}

fn action(told: &Value, method: &str, name: &str) -> Value {
    let mut action = Map::new();
    let about = text_of(told, "title").or_else(|| text_of(told, "description")).map(sentence);
    action.extend(about.map(|about| ("description".to_owned(), json!(about))));
    action.insert("method".to_owned(), json!(method));
    action.insert("url".to_owned(), json!(format!("/{name}")));
    let schema = &told["metadata"]["in"];
    let is_object = schema["properties"].is_object();
    if is_object && method == "POST" {
        action.insert("body_schema".to_owned(), plain_schema(schema));
    } else if is_object {
        let mut params = plain_schema(schema);
        // A read takes what it takes in its query.
        let (query, properties) = renamed(&params);
        params["properties"] = Value::Object(properties);
        if let Some(required) = params.get_mut("required").and_then(Value::as_array_mut) {
            required.iter_mut().for_each(|name| *name = json!(identifier(name.as_str().unwrap_or_default())));
        }
        action.insert("query".to_owned(), Value::Object(query));
        action.insert("params".to_owned(), params);
    }
    Value::Object(action)
}

/// The parameters by names that templates can have, and the query that they make.
fn renamed(schema: &Value) -> (Map<String, Value>, Map<String, Value>) {
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, schema)| {
            let own = identifier(name);
            ((name.clone(), json!(format!("{{{own}}}"))), (own, schema.clone()))
        })
        .unzip()
}

/// By the first word of a name: reads and deletions are called so, and all else writes.
fn method(name: &str) -> &'static str {
    let name = identifier(name);
    let first = name.split('_').next().unwrap_or_default();
    match first {
        _ if READS.contains(&first) => "GET",
        _ if DELETIONS.contains(&first) => "DELETE",
        _ => "POST",
    }
}

//! elastic.io's `component.json`: OAuth2 endpoints, credential fields as variables, retry fields, and what its actions take.
//! The requests that they make are code, which no description holds.

mod actions;

use serde_json::{Map, Value, json};

use super::{Head, ImportChoices, ImportError, Imported, begun, identifier, placeholders, sentence, text_of};
use crate::component::authority;

/// Makes a component of an elastic.io component's description.
///
/// # Errors
/// It is none, has no OAuth2 part, or nobody says where the API is.
pub fn elasticio(document: &Value, choices: &ImportChoices) -> Result<Imported, ImportError> {
    let credentials = &document["credentials"];
    if text_of(document, "title").is_none() || !credentials.is_object() {
        let why = "it has no `title` and `credentials`".to_owned();
        return Err(ImportError::Other { wanted: "elastic.io component", why });
    }
    let oauth2 = &credentials["oauth2"];
    let Some(token_endpoint) = either(oauth2, "token_uri", "tokenUri") else {
        return Err(ImportError::NoSecurity { found: "its `credentials.oauth2` has no `token_uri`".to_owned() });
    };
    let base_url = choices.base_url.clone().ok_or(ImportError::NoServer)?;
    let title = text_of(document, "title").unwrap_or_default();
    let (mut variables, mut retry) = (Map::new(), Map::new());
    for (name, field) in credentials["fields"].as_object().into_iter().flatten() {
        match retry_member(name) {
            Some(member) => {
                let told = field.get("default").or_else(|| field.get("placeholder"));
                let number = told.and_then(|value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()));
                retry.extend(number.map(|number| (member.to_owned(), json!(number))));
            }
            None => _ = variables.insert(identifier(name), variable(name, field)),
        }
    }
    let (actions, left_out) = actions::actions(document);
    let scopes: Vec<&str> = oauth2["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();

    let mut own = Map::new();
    let mut grants = Map::new();
    if let Some(authorization) = either(oauth2, "auth_uri", "authUri") {
        own.insert("authorization_endpoint".to_owned(), json!(template(authorization)));
        grants.insert("authorization_code".to_owned(), json!({}));
        grants.insert("refresh_token".to_owned(), json!({}));
    } else {
        grants.insert("client_credentials".to_owned(), json!({}));
    }
    own.insert("token_endpoint".to_owned(), json!(template(token_endpoint)));
    own.insert("token_endpoint_auth_method".to_owned(), json!("client_secret_post"));
    own.insert("grants".to_owned(), Value::Object(grants));
    if !scopes.is_empty() {
        own.insert("scope".to_owned(), json!({ "default": scopes }));
    }
    let endpoints = ["authorization_endpoint", "token_endpoint"].into_iter().filter_map(|name| own.get(name)?.as_str());
    for url in endpoints.chain([base_url.as_str()]) {
        guard_hosts(url, &mut variables);
    }
    let (description, documentation) = (text_of(document, "description"), text_of(document, "docsUrl"));
    let mut component = begun(choices, Head { title, description, documentation, variables, environments: Map::new() });
    let mut set = |name: &str, value: Value| component.insert(name.to_owned(), value);
    set("oauth2", Value::Object(own));
    set("api", json!({ "base_url": base_url }));
    if !actions.is_empty() {
        set("actions", Value::Object(actions));
    }
    if !retry.is_empty() {
        set("retry", Value::Object(retry));
    }
    Ok(Imported { component: Value::Object(component), left_out })
}

fn either<'v>(value: &'v Value, one: &str, other: &str) -> Option<&'v str> {
    text_of(value, one).or_else(|| text_of(value, other))
}

/// elastic.io writes `{{name}}` where a component writes `{name}`.
fn template(url: &str) -> String {
    let mut parts = url.split("{{");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |url, part| match part.split_once("}}") {
        Some((name, rest)) => format!("{url}{{{}}}{rest}", identifier(name.trim())),
        None => format!("{url}{{{{{{{{{part}"),
    })
}

/// Variables in a host need a pattern: one is given to those that the description leaves open.
fn guard_hosts(url: &str, variables: &mut Map<String, Value>) {
    let whole = url.starts_with('{');
    for name in placeholders(authority(url)) {
        if let Some(Value::Object(variable)) = variables.get_mut(name) {
            let pattern = if whole { "https://[A-Za-z0-9.-]+(:[0-9]+)?" } else { "[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)*" };
            variable.entry("pattern").or_insert_with(|| json!(pattern));
        }
    }
}

fn retry_member(name: &str) -> Option<&'static str> {
    match identifier(name).as_str() {
        "retry_count" | "max_retries" | "retries" | "number_of_retries" => Some("count"),
        "retry_delay" | "retry_delay_ms" | "delay" => Some("delay_ms"),
        _ => None,
    }
}

fn variable(name: &str, field: &Value) -> Value {
    let mut variable = Map::new();
    variable.insert("title".to_owned(), json!(crate::printable(text_of(field, "label").unwrap_or(name), 60)));
    if let Some(note) = text_of(field, "note").or_else(|| text_of(field, "help")) {
        variable.insert("description".to_owned(), json!(sentence(note)));
    }
    if text_of(field, "viewClass").is_some_and(|class| class.starts_with("Password")) {
        variable.insert("secret".to_owned(), json!(true));
    }
    Value::Object(variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_fields_and_retries_are_carried_over() {
        let document = json!({
            "title": "Acme CRM", "description": "Talks to Acme. And more.", "docsUrl": "https://acme.test/docs",
            "credentials": {
                "fields": {
                    "subdomain": { "label": "Subdomain", "viewClass": "TextFieldView", "note": "As in your address." },
                    "apiKey": { "label": "Key", "viewClass": "PasswordFieldView" },
                    "retryCount": { "viewClass": "TextFieldView", "placeholder": "5" },
                    "retryDelay": { "viewClass": "TextFieldView", "default": 10000 }
                },
                "oauth2": {
                    "client_id": "{{CLIENT}}", "client_secret": "{{SECRET}}",
                    "auth_uri": "https://{{subdomain}}.acme.test/authorize",
                    "token_uri": "https://{{subdomain}}.acme.test/token", "scopes": ["read", "write"]
                }
            },
            "actions": {
                "upsertObject": { "title": "Upsert", "main": "./lib/actions/upsert.js", "metadata": {
                    "in": { "type": "object", "properties": {
                        "id": { "type": "string", "required": true, "title": "Id" },
                        "tags": { "type": "array", "items": { "type": "string" } } } },
                    "out": { "type": "object" } } },
                "lookupObjectById": { "title": "Lookup Object (by ID)", "metadata": {
                    "in": { "type": "object", "properties": { "objectId": { "type": "string" } }, "required": ["objectId"] } } },
                "deleteObject": { "title": "Delete", "metadata": { "in": "./lib/schemas/delete.in.json" } },
                "getAll": { "title": "All", "dynamicMetadata": true }
            },
            "triggers": { "poll": { "title": "Poll" } }
        });
        let choices = ImportChoices {
            base_url: Some("https://{subdomain}.acme.test/api".to_owned()),
            ..ImportChoices::default()
        };
        let Imported { component, left_out } = elasticio(&document, &choices).unwrap();
        assert_eq!(component["name"], "acme-crm");
        assert_eq!(component["oauth2"]["token_endpoint"], "https://{subdomain}.acme.test/token");
        assert_eq!(component["variables"]["api_key"]["secret"], true);
        assert_eq!(component["retry"], json!({ "count": 5, "delay_ms": 10000 }));
        let actions = &component["actions"];
        let (upsert, lookup) = (&actions["upsert_object"], &actions["lookup_object_by_id"]);
        assert_eq!((&upsert["method"], &lookup["method"]), (&json!("POST"), &json!("GET")));
        assert_eq!(upsert["body_schema"]["required"], json!(["id"]), "draft 3 says it at the member");
        assert_eq!(upsert["body_schema"]["properties"]["id"], json!({ "type": "string", "title": "Id" }));
        assert_eq!(lookup["query"], json!({ "objectId": "{object_id}" }));
        assert_eq!(lookup["params"]["required"], json!(["object_id"]));
        assert_eq!(
            actions["delete_object"],
            json!({ "description": "Delete", "method": "DELETE", "url": "/delete_object" })
        );
        for told in ["`upsertObject` (Upsert)", "`deleteObject`: the schema", "`getAll`: the schema", "`poll` (Poll)"] {
            assert!(left_out.iter().any(|line| line.contains(told)), "{told}: {left_out:?}");
        }
        let text = component.to_string();
        assert!(crate::check_component("acme", &text).is_ok(), "{text}");
        assert_eq!(elasticio(&document, &ImportChoices::default()).unwrap_err(), ImportError::NoServer);
        let other = elasticio(&json!({ "title": "x" }), &choices).unwrap_err();
        assert!(matches!(other, ImportError::Other { .. }), "{other}");
    }
}

//! OpenAPI 3.0, 3.1 and Swagger 2.0: servers, OAuth2 flows with their scopes, operations as actions.

mod body;
mod draft;
mod keys;
mod operations;
mod parameters;
mod schema;
mod security;
mod server;

use std::{cell::Cell, collections::BTreeSet};

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use self::{
    schema::MOST_OF_ALL,
    server::{Server, declare_undeclared},
};
use super::{Head, ImportChoices, ImportError, Imported, begun, text_of};

/// A description with what is noted about it on the way.
struct Source<'d> {
    document: &'d Value,
    /// Where the API is, once that is known.
    base_url: String,
    /// The URLs that it has in the environments, where there are several.
    servers: Vec<String>,
    /// Further origins that operations name.
    origins: BTreeSet<String>,
    /// Where tokens and keys stand: `header` or `query`, and the name.
    keys: Vec<(String, String)>,
    /// The schemes that the token of an account answers to.
    signing: BTreeSet<&'d str>,
    /// Where tokens are got.
    oauth_urls: Vec<String>,
    /// Names of the component's variables.
    taken: Vec<String>,
    left_out: Vec<String>,
    /// How many schemas may still be converted.
    schemas_left: Cell<usize>,
}

/// Makes a component of an OpenAPI description.
///
/// # Errors
/// It is none, names no server, or does not say how accounts show who they are.
pub fn openapi(document: &Value, choices: &ImportChoices) -> Result<Imported, ImportError> {
    // In YAML, a version without quotes is a number.
    let told = |name: &str| match document.get(name)? {
        Value::Number(number) => Some(format!("{number:.1}")),
        other => other.as_str().map(str::to_owned),
    };
    let version = told("openapi").or_else(|| told("swagger")).unwrap_or_default();
    if !version.starts_with("3.") && version != "2.0" {
        let why = if version.is_empty() {
            "it has neither `openapi` nor `swagger`".to_owned()
        } else {
            format!("its version is {}", crate::printable(&version, 20))
        };
        return Err(ImportError::Other { wanted: "OpenAPI description (3.x or 2.0)", why });
    }
    let mut source = Source::new(document);
    let info = &document["info"];
    let title = text_of(info, "title").unwrap_or("API");
    let Server { base_url, mut variables, environments } = source.server(choices)?;
    source.base_url = base_url;
    let mut security = source.security(choices)?;
    variables.extend(std::mem::take(&mut security.variables));
    declare_undeclared(&mut source.base_url, &mut variables);
    for endpoint in ["authorization_endpoint", "token_endpoint", "refresh_endpoint", "issuer"] {
        if let Some(Value::String(url)) = security.oauth2.get_mut(endpoint) {
            declare_undeclared(url, &mut variables);
            source.oauth_urls.push(url.clone());
        }
    }
    let token_endpoint = text_of(&security.oauth2, "token_endpoint").unwrap_or_default();
    if !environments.is_empty() && !token_endpoint.is_empty() && !token_endpoint.contains("{host}") {
        let shown = crate::printable(token_endpoint, 100);
        source.leave_out(format!("All environments get their tokens at {shown}; see whether each has its own."));
    }
    source.taken = variables.keys().cloned().collect();
    let (actions, verify) = source.actions();
    source.tell_foreign_schemes();
    source.tell_foreign_references();
    if source.schemas_left.get() == 0 {
        source.leave_out("Schemas of the later parameters and bodies: the description has too many for one component.");
    }

    let documentation = text_of(&document["externalDocs"], "url");
    let description = text_of(info, "description");
    let mut component = begun(choices, Head { title, description, documentation, variables, environments });
    let mut set = |name: &str, value: Value| component.insert(name.to_owned(), value);
    set("oauth2", security.oauth2);
    let mut api = json!({ "base_url": source.base_url });
    if !source.origins.is_empty() {
        let with_token = |origin: &String| json!({ "origin": origin, "token": true });
        api["additional_origins"] = source.origins.iter().map(with_token).collect();
    }
    for (name, members) in [("headers", security.headers), ("query", security.query)] {
        if !members.is_empty() {
            api[name] = Value::Object(members);
        }
    }
    set("api", api);
    if let Some(verify) = verify {
        set("verify", json!(verify));
    }
    set("actions", Value::Object(actions));
    Ok(Imported { component: Value::Object(component), left_out: source.left_out })
}

/// A JSON Schema of an older draft as one of 2020-12. Draft 3 says at a member that it is required.
pub(super) fn plain_schema(schema: &Value) -> Value {
    let mut converted = schema::json_schema(&Source::new(schema), schema);
    let properties = schema["properties"].as_object().into_iter().flatten();
    let required = properties.filter(|(_, member)| member["required"] == true).map(|(name, _)| json!(name));
    let required: Vec<Value> = required.collect();
    if !required.is_empty() && schema["required"].as_array().is_none() {
        converted["required"] = Value::Array(required);
    }
    converted
}

// === impl Source ===

impl<'d> Source<'d> {
    fn new(document: &'d Value) -> Self {
        let (base_url, servers, origins, keys, signing, oauth_urls, taken, left_out) = Default::default();
        let schemas_left = Cell::new(MOST_OF_ALL);
        Self { document, base_url, servers, origins, keys, signing, oauth_urls, taken, left_out, schemas_left }
    }

    fn resolved<'v>(&self, value: &'v Value) -> &'v Value
    where
        'd: 'v,
    {
        resolved(self.document, value)
    }

    /// References to other files are not followed: whoever reads the list is told, once.
    fn tell_foreign_references(&mut self) {
        let mut foreign = BTreeSet::new();
        collect_foreign(self.document, &mut foreign);
        if let Some(first) = foreign.first() {
            let first = crate::printable(first, 100);
            self.leave_out(format!(
                "What references to other files lead to ({} of them, such as `{first}`): bundle the description into one file \
                 first.",
                foreign.len()
            ));
        }
    }

    fn leave_out(&mut self, what: impl Into<String>) {
        self.left_out.push(what.into());
    }
}

/// Follows a reference within the document (`#/components/…`, RFC 6901).
fn resolved<'v>(document: &'v Value, mut value: &'v Value) -> &'v Value {
    // A reference to a reference to itself leads nowhere.
    for _ in 0..16 {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
        // RFC 6901 section 6: in a URL, a pointer is percent-encoded.
        let pointer = reference.strip_prefix('#').map(|text| percent_decode_str(text).decode_utf8_lossy());
        let at = pointer.and_then(|pointer| document.pointer(&pointer));
        match at {
            Some(found) => value = found,
            None => return &Value::Null,
        }
    }
    &Value::Null
}

fn collect_foreign<'v>(value: &'v Value, foreign: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            foreign.extend(reference.filter(|reference| !reference.starts_with('#')));
            members.values().for_each(|member| collect_foreign(member, foreign));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_foreign(item, foreign)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;

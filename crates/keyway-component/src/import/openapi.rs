//! OpenAPI 3.0, 3.1 and Swagger 2.0: servers, OAuth2 flows with their scopes, operations as actions.

mod operations;
mod schema;
mod security;
mod server;

use serde_json::{Value, json};

use super::{Head, ImportChoices, ImportError, Imported, begun, text_of};

/// A description with what is noted about it on the way.
struct Source<'d> {
    document: &'d Value,
    left_out: Vec<String>,
}

/// Makes a component of an OpenAPI description.
///
/// # Errors
/// It is none, names no server, or declares no OAuth2 flow that can be used.
pub fn openapi(document: &Value, choices: &ImportChoices) -> Result<Imported, ImportError> {
    let version = text_of(document, "openapi").or_else(|| text_of(document, "swagger")).unwrap_or_default();
    if !version.starts_with("3.") && version != "2.0" {
        let why = if version.is_empty() {
            "it has neither `openapi` nor `swagger`".to_owned()
        } else {
            format!("its version is {}", crate::printable(version, 20))
        };
        return Err(ImportError::Other { wanted: "OpenAPI description (3.x or 2.0)", why });
    }
    let mut source = Source { document, left_out: Vec::new() };
    let info = &document["info"];
    let title = text_of(info, "title").unwrap_or("API");
    let server = source.server(choices)?;
    let security = source.security(&server)?;
    let (actions, verify) = source.actions();

    let documentation = text_of(&document["externalDocs"], "url");
    let description = text_of(info, "description");
    let mut component = begun(choices, Head { title, description, documentation, variables: server.variables });
    let mut set = |name: &str, value: Value| component.insert(name.to_owned(), value);
    set("oauth2", security);
    set("api", json!({ "base_url": server.base_url }));
    if let Some(verify) = verify {
        set("verify", json!(verify));
    }
    set("actions", Value::Object(actions));
    Ok(Imported { component: Value::Object(component), left_out: source.left_out })
}

// === impl Source ===

impl<'d> Source<'d> {
    /// Follows a reference within the document (`#/components/…`, RFC 6901).
    fn resolved<'v>(&self, value: &'v Value) -> &'v Value
    where
        'd: 'v,
    {
        let mut value = value;
        // A reference to a reference to itself leads nowhere.
        for _ in 0..16 {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
            let at = reference.strip_prefix('#').and_then(|pointer| self.document.pointer(pointer));
            match at {
                Some(found) => value = found,
                None => return &Value::Null,
            }
        }
        &Value::Null
    }

    fn leave_out(&mut self, what: impl Into<String>) {
        self.left_out.push(what.into());
    }
}

#[cfg(test)]
mod tests;

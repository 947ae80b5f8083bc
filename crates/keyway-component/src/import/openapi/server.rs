//! Where the API is: the first server of the description, with its variables.

use serde_json::{Map, Value, json};

use super::Source;
use crate::import::{ImportChoices, ImportError, identifier, over_tls, sentence, text_of};

/// What a variable of a server may be that has no list of values.
const PLAIN: &str = "[A-Za-z0-9._-]+";
/// Inputs of accounts, which no variable may be called.
const RESERVED: [&str; 6] = ["environment", "grant", "scope", "client_id", "client_secret", "redirect_uri"];

/// The base URL as a template, and the variables that it names.
pub(super) struct Server {
    pub(super) base_url: String,
    pub(super) variables: Map<String, Value>,
}

// === impl Source ===

impl Source<'_> {
    pub(super) fn server(&mut self, choices: &ImportChoices) -> Result<Server, ImportError> {
        if let Some(base_url) = &choices.base_url {
            return Ok(Server { base_url: base_url.clone(), variables: Map::new() });
        }
        let (mut base_url, variables) =
            if self.document.get("swagger").is_some() { self.swagger()? } else { self.first()? };
        let over_tls = over_tls(&base_url);
        if over_tls != base_url {
            self.leave_out(format!(
                "The description names {}, over http; tokens go over https only, so that is what stands in \
                 `api.base_url`.",
                crate::printable(&base_url, 100)
            ));
            base_url = over_tls;
        }
        Ok(Server { base_url: base_url.trim_end_matches('/').to_owned(), variables })
    }

    /// Version 2: scheme, host and path apart.
    fn swagger(&self) -> Result<(String, Map<String, Value>), ImportError> {
        let host = text_of(self.document, "host").ok_or(ImportError::NoServer)?;
        let schemes = self.document["schemes"].as_array().cloned().unwrap_or_default();
        let scheme = if schemes.is_empty() || schemes.contains(&json!("https")) { "https" } else { "http" };
        let path = text_of(self.document, "basePath").unwrap_or_default();
        let host = host.split_once("://").map_or(host, |(_, host)| host).trim_end_matches('/');
        Ok((format!("{scheme}://{host}/{}", path.trim_start_matches('/')), Map::new()))
    }

    /// Version 3: the first of the servers that has a host.
    fn first(&mut self) -> Result<(String, Map<String, Value>), ImportError> {
        let servers = self.document["servers"].as_array().cloned().unwrap_or_default();
        let has_host = |server: &&Value| text_of(server, "url").is_some_and(|url| url.contains("://"));
        let server = servers.iter().find(has_host).ok_or(ImportError::NoServer)?;
        for other in servers.iter().filter(|other| *other != server) {
            let url = text_of(other, "url").unwrap_or_default();
            self.leave_out(format!(
                "The server {} is not in it: add an environment for it, or a variable.",
                crate::printable(url, 100)
            ));
        }
        let (mut url, mut variables) = (text_of(server, "url").unwrap_or_default().to_owned(), Map::new());
        for (name, told) in server["variables"].as_object().into_iter().flatten() {
            // A piece of a path, or nothing, is no value that a segment can have.
            let fixed = text_of(told, "default").filter(|text| text.contains('/'));
            let empty = told["default"].as_str().filter(|text| text.is_empty());
            if let Some(text) = fixed.or(empty) {
                let place = format!("{{{name}}}");
                let text = if url.contains(&format!("/{place}")) { text.trim_start_matches('/') } else { text };
                url = url.replace(&place, text);
                continue;
            }
            let own = identifier(name);
            // Some names mean something of their own in an account.
            let own = if RESERVED.contains(&own.as_str()) { format!("server_{own}") } else { own };
            url = url.replace(&format!("{{{name}}}"), &format!("{{{own}}}"));
            let mut variable = Map::new();
            variable.insert("title".to_owned(), json!(crate::printable(name, 60)));
            if let Some(description) = text_of(told, "description") {
                variable.insert("description".to_owned(), json!(sentence(description)));
            }
            let allowed: Vec<&str> = told["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let default = text_of(told, "default").unwrap_or_default();
            let is_plain = default.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            let pattern = if allowed.is_empty() {
                if is_plain { PLAIN.to_owned() } else { format!("{PLAIN}|{}", regex::escape(default)) }
            } else {
                allowed.iter().map(|text| regex::escape(text)).collect::<Vec<_>>().join("|")
            };
            variable.insert("pattern".to_owned(), json!(pattern));
            if let Some(default) = text_of(told, "default") {
                variable.insert("default".to_owned(), json!(default.replace('{', "{{").replace('}', "}}")));
            }
            variables.insert(own, Value::Object(variable));
        }
        Ok((url, variables))
    }
}

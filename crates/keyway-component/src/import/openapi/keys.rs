//! Security schemes that are no OAuth2: keys, passwords, tokens that a person has.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Source, parameters::is_header_name};
use crate::import::{free, identifier, text_of};

/// Grants without a token endpoint, and the variables that they name.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) grants: Map<String, Value>,
    pub(super) variables: Map<String, Value>,
    /// Keys that go with every request beside the token, where the API says so.
    pub(super) headers: Map<String, Value>,
    pub(super) query: Map<String, Value>,
    /// The issuer whose metadata tell the endpoints (OpenID Connect Discovery).
    pub(super) issuer: Option<String>,
}

// === impl Source ===

impl Source<'_> {
    /// What the schemes beside OAuth2 make possible. `has_oauth2`: tokens are got anyhow.
    pub(super) fn other_schemes(&mut self, schemes: &[(&str, &Value)], has_oauth2: bool) -> Keys {
        let mut keys = Keys::default();
        let beside = self.beside(schemes);
        for (name, scheme) in schemes {
            let shown = crate::printable(name, 60);
            let kind = text_of(scheme, "type").unwrap_or_default();
            let http = text_of(scheme, "scheme").unwrap_or_default().to_ascii_lowercase();
            match (kind, http.as_str()) {
                ("oauth2", _) => {}
                ("apiKey", _) if beside.contains(*name) => self.key_beside(&shown, scheme, &mut keys),
                ("apiKey", _) => self.api_key(&shown, scheme, &mut keys),
                // Version 2 calls it so; in version 3 it is a scheme of HTTP.
                ("basic", _) | ("http", "basic") => _ = keys.grants.insert("basic".to_owned(), json!({})),
                // With OAuth2 beside it, it is the same token.
                ("http", "bearer") if has_oauth2 => {}
                ("http", "bearer") => {
                    let place = json!({ "in": "header", "name": "Authorization", "scheme": "Bearer" });
                    self.key(&shown, "Access token", place, &mut keys);
                }
                ("openIdConnect", _) => {
                    let url = text_of(scheme, "openIdConnectUrl").unwrap_or_default();
                    let issuer =
                        url.strip_suffix("/.well-known/openid-configuration").filter(|url| url.contains("://"));
                    match issuer {
                        Some(issuer) => keys.issuer = Some(issuer.to_owned()),
                        None => self.leave_out(format!("The scheme `{shown}` names no issuer.")),
                    }
                }
                _ => {
                    let kind = crate::printable(&format!("{kind} {http}"), 40);
                    self.leave_out(format!("Keyway does not use the scheme `{shown}` ({}).", kind.trim_end()));
                }
            }
        }
        keys
    }

    /// The names of keys that are only ever asked for together with another scheme (OpenAPI 3.1 section 4.8.30), such as
    /// a subscription's key beside a token.
    fn beside(&self, schemes: &[(&str, &Value)]) -> BTreeSet<String> {
        let is_key = |name: &str| {
            let kind = schemes.iter().find(|(known, _)| *known == name).and_then(|(_, scheme)| text_of(scheme, "type"));
            kind == Some("apiKey")
        };
        let (mut beside, mut alone) = (BTreeSet::new(), BTreeSet::new());
        for requirement in self.requirements() {
            let names: Vec<&str> = requirement.keys().map(String::as_str).collect();
            let keys = names.iter().filter(|name| is_key(name));
            // Of keys alone, the first is the account's.
            let leads = names.iter().find(|name| !is_key(name)).or(names.first());
            for name in keys {
                let set = if Some(name) == leads { &mut alone } else { &mut beside };
                set.insert((*name).to_owned());
            }
        }
        beside.difference(&alone).cloned().collect()
    }

    fn key_beside(&mut self, shown: &str, scheme: &Value, keys: &mut Keys) {
        let (at, name) = (text_of(scheme, "in").unwrap_or_default(), text_of(scheme, "name").unwrap_or_default());
        if at == "header" && (name.eq_ignore_ascii_case("authorization") || !is_header_name(name)) {
            return self.leave_out(format!("The key `{shown}`: it cannot be a header of its own beside the token's."));
        }
        let variable = free(identifier(name), "key");
        let places = match at {
            "header" => &mut keys.headers,
            "query" => &mut keys.query,
            _ => return self.in_cookie(shown),
        };
        places.insert(name.to_owned(), json!(format!("{{{variable}}}")));
        keys.variables.insert(variable, json!({ "title": crate::printable(name, 60), "secret": true }));
        self.keys.push((at.to_owned(), name.to_owned()));
    }

    fn in_cookie(&mut self, shown: &str) {
        self.leave_out(format!("The key `{shown}` travels in a cookie, which Keyway does not send."));
    }

    fn api_key(&mut self, shown: &str, scheme: &Value, keys: &mut Keys) {
        let (at, name) = (text_of(scheme, "in").unwrap_or_default(), text_of(scheme, "name").unwrap_or_default());
        if at == "header" && !is_header_name(name) {
            return self.leave_out(format!("The key `{shown}`: its name is no name of a header."));
        }
        let place = match at {
            "header" => json!({ "in": "header", "name": name, "scheme": "" }),
            "query" => json!({ "in": "query", "name": name }),
            _ => return self.in_cookie(shown),
        };
        self.keys.push((at.to_owned(), name.to_owned()));
        self.key(shown, "API key", place, keys);
    }

    fn key(&mut self, shown: &str, title: &str, place: Value, keys: &mut Keys) {
        if keys.grants.contains_key("api_key") {
            self.leave_out(format!(
                "The key `{shown}`: a component has one; add it to `api.headers` if both are needed."
            ));
            return;
        }
        keys.grants.insert("api_key".to_owned(), json!({ "token": "{api_key}", "authorization": place }));
        keys.variables.insert("api_key".to_owned(), json!({ "title": title, "secret": true }));
    }
}

//! How a token is got: the OAuth2 flows of the description, as grants.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use url::Url;

use super::{Source, server::Server};
use crate::import::{ImportError, over_tls, text_of};

/// One flow.
struct Flow<'d> {
    /// The grant that it is, or none of Keyway's.
    grant: Option<&'static str>,
    name: String,
    told: &'d Value,
}

// === impl Source ===

impl<'d> Source<'d> {
    /// The member `oauth2` of the component.
    pub(super) fn security(&mut self, server: &Server) -> Result<Value, ImportError> {
        let schemes = match self.document.get("swagger") {
            Some(_) => &self.document["securityDefinitions"],
            None => &self.document["components"]["securitySchemes"],
        };
        let (mut flows, mut others, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (name, scheme) in schemes.as_object().into_iter().flatten() {
            let scheme = self.resolved(scheme);
            if text_of(scheme, "type") == Some("oauth2") {
                names.insert(name.as_str());
                flows.extend(flows_of(scheme));
            } else {
                others.push(format!(
                    "`{}` ({})",
                    crate::printable(name, 60),
                    crate::printable(text_of(scheme, "type").unwrap_or("?"), 20)
                ));
            }
        }
        let (usable, unusable): (Vec<Flow<'_>>, Vec<Flow<'_>>) =
            flows.into_iter().partition(|flow| flow.grant.is_some() && text_of(flow.told, "tokenUrl").is_some());
        let found: Vec<String> =
            unusable.iter().map(|flow| format!("the flow `{}`", flow.name)).chain(others).collect();
        let Some(first) = usable.first() else {
            let found = if found.is_empty() {
                "it declares no security scheme".to_owned()
            } else {
                format!("it declares {}", found.join(", "))
            };
            return Err(ImportError::NoOAuth2 { found });
        };
        for what in found {
            self.leave_out(format!("Keyway does not use {what}."));
        }
        let url =
            |flow: &Flow<'_>, member: &str| text_of(flow.told, member).map(|text| absolute(text, &server.base_url));
        let token_endpoint = url(first, "tokenUrl").unwrap_or_default();
        let mut oauth2 = Map::new();
        if let Some(authorization) = usable.iter().find_map(|flow| url(flow, "authorizationUrl")) {
            oauth2.insert("authorization_endpoint".to_owned(), json!(authorization));
        }
        oauth2.insert("token_endpoint".to_owned(), json!(token_endpoint));
        if let Some(refresh) =
            usable.iter().find_map(|flow| url(flow, "refreshUrl")).filter(|refresh| *refresh != token_endpoint)
        {
            oauth2.insert("refresh_endpoint".to_owned(), json!(refresh));
        }
        oauth2.insert("token_endpoint_auth_method".to_owned(), json!("client_secret_basic"));
        let (mut grants, mut scopes) = (Map::new(), BTreeSet::new());
        for flow in &usable {
            if url(flow, "tokenUrl").is_some_and(|own| own != token_endpoint) {
                self.left_out
                    .push(format!("The flow `{}` has a token URL of its own; one component has one.", flow.name));
                continue;
            }
            grants.extend(flow.grant.map(|grant| (grant.to_owned(), json!({}))));
            scopes.extend(flow.told["scopes"].as_object().into_iter().flatten().map(|(scope, _)| scope.as_str()));
        }
        if grants.contains_key("authorization_code") || grants.contains_key("password") {
            grants.insert("refresh_token".to_owned(), json!({}));
        }
        oauth2.insert("grants".to_owned(), Value::Object(grants));
        let needed = self.needed_scopes(&names);
        let default: Vec<&str> =
            scopes.iter().copied().filter(|scope| needed.is_empty() || needed.contains(scope)).collect();
        if !default.is_empty() {
            oauth2.insert("scope".to_owned(), json!({ "default": default }));
        }
        self.leave_out("The description does not say how the client authenticates: `client_secret_basic` is what RFC 6749 wants every server to take. Try `client_secret_post` if it is refused.");
        Ok(Value::Object(oauth2))
    }

    /// The scopes that the API as a whole and its operations ask for.
    fn needed_scopes(&self, schemes: &BTreeSet<&str>) -> BTreeSet<&'d str> {
        let operations = self.document["paths"].as_object().into_iter().flatten();
        let operations =
            operations.flat_map(|(_, path)| path.as_object().into_iter().flatten()).map(|(_, operation)| operation);
        let requirements = operations.chain([self.document]).filter_map(|place| place.get("security")?.as_array());
        requirements
            .flatten()
            .filter_map(Value::as_object)
            .flatten()
            .filter(|(name, _)| schemes.contains(name.as_str()))
            .filter_map(|(_, scopes)| scopes.as_array())
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }
}

fn flows_of(scheme: &Value) -> Vec<Flow<'_>> {
    let grant = |name: &str| match name {
        "clientCredentials" | "application" => Some("client_credentials"),
        "authorizationCode" | "accessCode" => Some("authorization_code"),
        "password" => Some("password"),
        _ => None,
    };
    let flow = |name: &str, told| Flow { grant: grant(name), name: crate::printable(name, 40), told };
    match text_of(scheme, "flow") {
        // Version 2 has one flow a scheme.
        Some(name) => vec![flow(name, scheme)],
        None => scheme["flows"].as_object().into_iter().flatten().map(|(name, told)| flow(name, told)).collect(),
    }
}

/// A URL of the description, which may be relative to the server (OpenAPI 3.1 section 4.6).
fn absolute(text: &str, base_url: &str) -> String {
    if text.contains("://") {
        return over_tls(text);
    }
    match Url::parse(base_url).and_then(|base| base.join(text)) {
        Ok(url) => url.to_string(),
        Err(_) => format!("{base_url}/{}", text.trim_start_matches('/')),
    }
}

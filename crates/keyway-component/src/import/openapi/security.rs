//! How a token is got: the OAuth2 flows of the description, as grants.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Source;
use crate::import::{ImportChoices, ImportError, over_tls, text_of};

/// More scopes than this are more than most accounts have.
const MANY_SCOPES: usize = 20;

/// One flow.
struct Flow<'d> {
    /// The grant that it is, or none of Keyway's.
    grant: Option<&'static str>,
    name: String,
    told: &'d Value,
}

/// How accounts show who they are.
pub(super) struct Security {
    /// The member `oauth2` of the component.
    pub(super) oauth2: Value,
    /// The variables that it names.
    pub(super) variables: Map<String, Value>,
    /// Headers and query parameters of every request.
    pub(super) headers: Map<String, Value>,
    pub(super) query: Map<String, Value>,
}

// === impl Source ===

impl<'d> Source<'d> {
    pub(super) fn security(&mut self, choices: &ImportChoices) -> Result<Security, ImportError> {
        let schemes = match self.document.get("swagger") {
            Some(_) => &self.document["securityDefinitions"],
            None => &self.document["components"]["securitySchemes"],
        };
        let schemes: Vec<(&str, &Value)> = schemes
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, scheme)| (name.as_str(), self.resolved(scheme)))
            .collect();
        let of_oauth2 = || schemes.iter().filter(|(_, scheme)| text_of(scheme, "type") == Some("oauth2"));
        // With a token endpoint that a person knows, also what the description only knows with tokens through the browser
        // is a sign-in.
        let known = choices.token_endpoint.is_some();
        let flows = of_oauth2().flat_map(|(_, scheme)| flows_of(scheme, known));
        let (usable, unusable): (Vec<Flow<'_>>, Vec<Flow<'_>>) =
            flows.partition(|flow| flow.grant.is_some() && (known || text_of(flow.told, "tokenUrl").is_some()));
        let has_oauth2 = !usable.is_empty() || known;
        let keys = self.other_schemes(&schemes, has_oauth2);
        let signs = |scheme: &Value| match text_of(scheme, "type") {
            Some("oauth2") => has_oauth2,
            Some("apiKey" | "basic") => !has_oauth2,
            Some("http") => !has_oauth2 || text_of(scheme, "scheme").is_some_and(|s| s.eq_ignore_ascii_case("bearer")),
            _ => true,
        };
        self.signing = schemes.iter().filter(|(_, scheme)| signs(scheme)).map(|(name, _)| *name).collect();
        let mut oauth2 = Map::new();
        if has_oauth2 {
            self.endpoints(&usable, choices, &mut oauth2);
        } else if let Some(issuer) = keys.issuer {
            oauth2.insert("issuer".to_owned(), json!(issuer));
            oauth2.insert("grants".to_owned(), json!({ "authorization_code": {}, "refresh_token": {} }));
        } else if keys.grants.is_empty() {
            let kinds = schemes.iter().filter(|(_, scheme)| text_of(scheme, "type") != Some("oauth2"));
            let kinds = kinds.map(|(name, scheme)| {
                let kind = crate::printable(text_of(scheme, "type").unwrap_or("no type"), 40);
                format!("`{}` ({kind})", crate::printable(name, 60))
            });
            let found: Vec<String> =
                unusable.iter().map(|flow| format!("the flow `{}`", flow.name)).chain(kinds).collect();
            let found = if found.is_empty() {
                "it declares no security scheme".to_owned()
            } else {
                format!("it has {}", found.join(", "))
            };
            return Err(ImportError::NoSecurity { found });
        }
        for flow in unusable {
            let why = if flow.grant.is_none() { "it is none of its grants" } else { "it names no token URL" };
            self.leave_out(format!("Keyway does not use the flow `{}`: {why}.", flow.name));
        }
        let asks = oauth2.contains_key("grants");
        let method = if asks { "client_secret_basic" } else { "none" };
        oauth2.insert("token_endpoint_auth_method".to_owned(), json!(method));
        if asks {
            self.leave_out("The description does not say how the client authenticates: `client_secret_basic` is what RFC 6749 wants every server to take. Try `client_secret_post` if it is refused.");
        }
        let mut grants = oauth2.remove("grants").and_then(|grants| grants.as_object().cloned()).unwrap_or_default();
        grants.extend(keys.grants);
        oauth2.insert("grants".to_owned(), Value::Object(grants));
        let names: BTreeSet<&str> = of_oauth2().map(|(name, _)| *name).collect();
        let scopes = self.scopes(&usable, &names);
        if scopes.len() > MANY_SCOPES {
            self.leave_out(format!(
                "All {} scopes that operations need are asked for; servers that refuse so many want `scope` in the credential.",
                scopes.len()
            ));
        }
        if !scopes.is_empty() {
            oauth2.insert("scope".to_owned(), json!({ "default": scopes }));
        }
        let (variables, headers, query) = (keys.variables, keys.headers, keys.query);
        Ok(Security { oauth2: Value::Object(oauth2), variables, headers, query })
    }

    /// Endpoints and grants of the flows: a component has one token endpoint.
    fn endpoints(&mut self, usable: &[Flow<'_>], choices: &ImportChoices, oauth2: &mut Map<String, Value>) {
        let base_url = self.base_url.clone();
        let url = |flow: &Flow<'_>, member: &str| text_of(flow.told, member).map(|text| absolute(text, &base_url));
        let token_endpoint = usable.first().and_then(|first| url(first, "tokenUrl"));
        let is_kept = |flow: &&Flow<'_>| choices.token_endpoint.is_some() || url(flow, "tokenUrl") == token_endpoint;
        let (kept, others): (Vec<&Flow<'_>>, Vec<&Flow<'_>>) = usable.iter().partition(is_kept);
        let authorization = kept.iter().find_map(|flow| url(flow, "authorizationUrl"));
        let authorization = choices.authorization_endpoint.clone().or(authorization);
        // A refresh token goes to the server that gave it.
        let refresh =
            kept.iter().find_map(|flow| url(flow, "refreshUrl")).filter(|url| Some(url) != token_endpoint.as_ref());
        for flow in others {
            self.leave_out(format!("The flow `{}` has a token URL of its own; one component has one.", flow.name));
        }
        let mut grants = Map::new();
        for flow in kept {
            if flow.grant == Some("authorization_code") && authorization.is_none() {
                self.leave_out(format!("The flow `{}` does not say where a person signs in.", flow.name));
                continue;
            }
            grants.extend(flow.grant.map(|grant| (grant.to_owned(), json!({}))));
        }
        if grants.is_empty() {
            let grant = if authorization.is_some() { "authorization_code" } else { "client_credentials" };
            grants.insert(grant.to_owned(), json!({}));
        }
        if grants.contains_key("authorization_code") || grants.contains_key("password") {
            grants.insert("refresh_token".to_owned(), json!({}));
        }
        let authorization = authorization.filter(|_| grants.contains_key("authorization_code"));
        let endpoints = [
            ("authorization_endpoint", authorization),
            ("token_endpoint", choices.token_endpoint.clone().or(token_endpoint)),
            ("refresh_endpoint", refresh.filter(|_| choices.token_endpoint.is_none())),
        ];
        oauth2.extend(endpoints.into_iter().filter_map(|(name, url)| Some((name.to_owned(), json!(url?)))));
        oauth2.insert("grants".to_owned(), Value::Object(grants));
    }

    /// The scopes to ask for: of those that the flows have, the ones that operations need.
    fn scopes(&self, flows: &[Flow<'d>], schemes: &BTreeSet<&str>) -> Vec<&'d str> {
        let known: BTreeSet<&str> = flows
            .iter()
            .flat_map(|flow| flow.told["scopes"].as_object())
            .flatten()
            .map(|(scope, _)| scope.as_str())
            .collect();
        let needed = self.needed_scopes(schemes);
        // Without this one there is no refresh token (OpenID Connect Core section 11), and no operation asks for that.
        let always = |scope: &str| scope == "offline_access";
        known.into_iter().filter(|scope| needed.is_empty() || needed.contains(scope) || always(scope)).collect()
    }

    /// Operations that ask for another scheme than that of the token get the token all the same: who reads the list may
    /// know an account that has the other.
    pub(super) fn tell_foreign_schemes(&mut self) {
        let mut foreign: BTreeMap<String, (usize, String)> = BTreeMap::new();
        let mut unsaid: Option<(usize, String)> = None;
        let says = self.asked().next().is_some();
        for operation in self.operations() {
            let asked = [operation.told, self.document].into_iter().find_map(|place| place.get("security")?.as_array());
            // To the letter, who says nothing asks for nobody. Many just do not say it.
            if says && asked.is_none() {
                unsaid.get_or_insert_with(|| (0, operation.place())).0 += 1;
            }
            let alternatives: Vec<_> = asked.into_iter().flatten().filter_map(Value::as_object).collect();
            let fits = |names: &&Map<String, Value>| {
                names.is_empty() || names.keys().any(|name| self.signing.contains(name.as_str()))
            };
            if alternatives.is_empty() || alternatives.iter().any(fits) {
                continue;
            }
            let told = |names: &Map<String, Value>| {
                names.keys().map(|name| format!("`{}`", crate::printable(name, 60))).collect::<Vec<_>>().join(" with ")
            };
            let asked = alternatives.into_iter().map(told).collect::<Vec<_>>().join(" or ");
            foreign.entry(asked).or_insert_with(|| (0, operation.place())).0 += 1;
        }
        if let Some((count, place)) = unsaid {
            self.leave_out(format!(
                "Operations that do not say who may call them get the token ({count}, such as {place}); write `\"token\": false` \
                 to those that anybody may call."
            ));
        }
        for (asked, (count, place)) in foreign {
            self.leave_out(format!(
                "What asks for {asked} instead of the account's token ({count}, such as {place}): it gets that token; if that is \
                 refused, use an account that has the other."
            ));
        }
    }

    /// What the API as a whole and its operations ask of an account: schemes that are needed together, each with scopes.
    pub(super) fn requirements(&self) -> impl Iterator<Item = &'d Map<String, Value>> {
        self.asked().flatten().filter_map(Value::as_object)
    }

    /// The scopes that the API as a whole and its operations ask for. Of alternatives, the first has to do.
    fn needed_scopes(&self, schemes: &BTreeSet<&str>) -> BTreeSet<&'d str> {
        let by_scheme = |needed: &'d Value| {
            let names = needed.as_object().into_iter().flatten();
            names.filter(|(name, _)| schemes.contains(name.as_str())).find_map(|(_, scopes)| scopes.as_array())
        };
        let first = |all: &'d Vec<Value>| all.iter().find_map(by_scheme);
        self.asked().filter_map(first).flatten().filter_map(Value::as_str).collect()
    }

    /// What operations, and the API as a whole, say of who may call them.
    fn asked(&self) -> impl Iterator<Item = &'d Vec<Value>> {
        let operations = self.operations().map(|operation| operation.told);
        operations.chain([self.document]).filter_map(|place| place.get("security")?.as_array())
    }
}

fn flows_of(scheme: &Value, has_token_endpoint: bool) -> Vec<Flow<'_>> {
    let grant = |name: &str| match name {
        "clientCredentials" | "application" => Some("client_credentials"),
        "authorizationCode" | "accessCode" => Some("authorization_code"),
        "password" => Some("password"),
        "implicit" if has_token_endpoint => Some("authorization_code"),
        _ => None,
    };
    let flow = |name: &str, told| Flow { grant: grant(name), name: crate::printable(name, 40), told };
    match text_of(scheme, "flow") {
        // Version 2 has one flow a scheme.
        Some(name) => vec![flow(name, scheme)],
        None => scheme["flows"].as_object().into_iter().flatten().map(|(name, told)| flow(name, told)).collect(),
    }
}

/// A URL of the description, which may be relative to the server (OpenAPI 3.1 section 4.6). No URL parser does it: the
/// server may have variables.
fn absolute(text: &str, base_url: &str) -> String {
    if text.contains("://") {
        return over_tls(text);
    }
    let begin = base_url.find("://").map_or(0, |at| at + 3);
    let host_end = base_url[begin..].find('/').map_or(base_url.len(), |at| begin + at);
    match text.strip_prefix('/') {
        Some(path) => format!("{}/{path}", &base_url[..host_end]),
        None => format!("{}/{text}", base_url.trim_end_matches('/')),
    }
}

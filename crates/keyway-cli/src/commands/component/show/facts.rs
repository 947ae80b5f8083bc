//! What a component says about accounts, tokens and its API, as rows.

use keyway::{
    Component,
    component::{Authorization, Backoff, Capture, JwtToken},
};
use serde::Serialize;

/// Rows under a title.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) about: Option<&'static str>,
    pub(super) rows: Vec<(String, String)>,
}

/// All sections, in the order in which a person needs them.
pub(super) fn sections(component: &Component) -> Vec<Section> {
    let account = Section {
        title: "Account",
        about: Some("environment variables; each also as …_FILE"),
        rows: account(component),
    };
    let tokens = Section { title: "Tokens", about: None, rows: tokens(component) };
    let api = Section { title: "API", about: None, rows: api(component) };
    [account, tokens, api].into_iter().filter(|section| !section.rows.is_empty()).collect()
}

fn account(component: &Component) -> Vec<(String, String)> {
    let oauth2 = &component.oauth2;
    let prefix = Component::variable_prefix(&component.name);
    let upper = |name: &str| format!("{prefix}{}", name.to_ascii_uppercase());
    let mut rows = Vec::new();
    let asks = !oauth2.all_asking().is_empty();
    if asks {
        let secret = oauth2.token_endpoint_auth_method.secret().map(|name| format!(", {}", upper(name)));
        rows.push(("always".to_owned(), format!("{}{}", upper("client_id"), secret.unwrap_or_default())));
    }
    let names: Vec<&str> = component.environments.keys().map(String::as_str).collect();
    if names.len() > 1 {
        rows.push(("always".to_owned(), format!("{}: {}", upper("environment"), names.join(", "))));
    }
    let beside: Vec<String> = beside_the_token(component).map(upper).collect();
    if !beside.is_empty() {
        rows.push(("always".to_owned(), beside.join(", ")));
    }
    for grant in component.grant_names() {
        let inputs: Vec<String> = keyway::grant_inputs(component, grant).iter().map(|name| upper(name)).collect();
        let inputs = if inputs.is_empty() { "nothing more".to_owned() } else { inputs.join(", ") };
        rows.push((grant.to_owned(), inputs));
    }
    for (name, variable) in &component.variables {
        if component.environments.values().any(|values| values.contains_key(name)) {
            continue;
        }
        let about = variable.description.as_deref().or(variable.title.as_deref()).unwrap_or_default();
        let default = variable.default.as_ref().map(|default| format!(" (default {default})")).unwrap_or_default();
        let told = variable.from.iter().map(told_by).collect::<Vec<_>>().join(", else ");
        let told = if told.is_empty() { told } else { format!(" Told by {told}, so it need not be given.") };
        rows.push((upper(name), format!("{about}{default}{told}")));
    }
    if component.grant_names().len() > 1 {
        rows.push((upper("grant"), "which grant, where several have all they need".to_owned()));
    }
    if asks {
        let scope = &oauth2.scope;
        let default = if scope.default.is_empty() {
            "none".to_owned()
        } else {
            scope.default.iter().map(ToString::to_string).collect::<Vec<_>>().join(&scope.separator)
        };
        rows.push((upper("scope"), format!("scope (default {default})")));
    }
    rows
}

/// Secrets that go with every request to the API.
fn beside_the_token(component: &Component) -> impl Iterator<Item = &str> {
    let api = &component.api;
    let named = api.headers.values().chain(api.query.values()).flat_map(keyway::Template::names);
    let mut named: Vec<&str> =
        named.filter(|name| component.variables.get(*name).is_some_and(|variable| variable.secret)).collect();
    named.sort_unstable();
    named.dedup();
    named.into_iter()
}

fn told_by(place: &Capture) -> String {
    match place {
        Capture::TokenResponse(pointer) => format!("`{pointer}` of the token answer"),
        Capture::JwtClaim(claim) => {
            let token = if claim.token == JwtToken::IdToken { "ID token" } else { "access token" };
            format!("the claim `{}` of the {token}", claim.claim)
        }
        Capture::Callback(name) => format!("`{name}` of the callback"),
        Capture::ApiResponse(question) => format!("`{}` of the API's answer at `{}`", question.pointer, question.url),
    }
}

fn tokens(component: &Component) -> Vec<(String, String)> {
    let oauth2 = &component.oauth2;
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    if let Some(issuer) = &oauth2.issuer {
        row("issuer", issuer.to_string());
    }
    if let Some(endpoint) = &oauth2.authorization_endpoint {
        row("sign-in", endpoint.to_string());
    }
    if let Some(endpoint) = &oauth2.token_endpoint {
        let (encoding, method) = (oauth2.token_request.encoding.as_str(), name_of(&oauth2.token_endpoint_auth_method));
        row("token endpoint", format!("{endpoint}, {encoding} body, {method}"));
    }
    if let Some(endpoint) = &oauth2.refresh_endpoint {
        row("renewal", endpoint.to_string());
    }
    if let Some(endpoint) = oauth2.second_exchange.as_ref().and_then(|second| second.endpoint.as_ref()) {
        row("second exchange", endpoint.to_string());
    }
    if let Some(endpoint) = &oauth2.revocation_endpoint {
        row("revocation", endpoint.to_string());
    }
    if oauth2.dpop {
        row("bound", "to a key of this machine (DPoP, RFC 9449)".to_owned());
    }
    rows
}

fn api(component: &Component) -> Vec<(String, String)> {
    let api = &component.api;
    let mut rows = vec![("base URL".to_owned(), api.base_url.to_string())];
    for other in &api.additional_origins {
        let with = if other.token { "" } else { ", without the token" };
        rows.push(("also".to_owned(), format!("{}{with}", other.origin)));
    }
    for place in [&api.authorization].into_iter().chain(&api.additional_authorizations) {
        let token = match place {
            Authorization::Header { name, scheme } if scheme.is_empty() => format!("{name}: <token>"),
            Authorization::Header { name, scheme } => format!("{name}: {scheme} <token>"),
            Authorization::Query { name } => format!("?{name}=<token>"),
        };
        rows.push(("token".to_owned(), token));
    }
    let retry = &component.retry;
    let spacing = match retry.backoff {
        Backoff::Fixed => "apart",
        Backoff::Exponential => "apart at first, doubled each time",
    };
    let (count, delay_ms, max_wait_ms) = (retry.count, retry.delay_ms, retry.max_wait_ms);
    let retries = format!("{count} times, {delay_ms} ms {spacing}; waits up to {max_wait_ms} ms");
    rows.push(("retry".to_owned(), retries));
    let statuses: Vec<String> = component.throttle.statuses.iter().map(u16::to_string).collect();
    rows.push(("throttled by".to_owned(), statuses.join(", ")));
    rows
}

/// A value as files write it.
fn name_of(value: &impl Serialize) -> String {
    let name = serde_json::to_value(value);
    name.ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

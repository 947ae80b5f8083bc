//! Credential files: they fit their component, and no secret stands in them.

use serde_json::Value;

use super::step;
use crate::{
    ClientFile, Component, CredentialFile,
    component::Encoding,
    credential::{RESERVED_PARAMS, STANDARD_SECRETS},
    fault::Fault,
    origin::Origin,
    suggest::nearest,
    template::{Template, UrlForm},
};

/// Secrets that are written out. Looked for in the raw document: the fault must never show the text.
pub(crate) fn literal_secrets(document: &Value) -> Vec<Fault> {
    let Some(Value::Object(secrets)) = document.get("secrets") else { return Vec::new() };
    let literal = secrets.iter().filter(|(_, value)| value.is_string());
    literal
        .map(|(name, _)| {
            let fault = Fault::error("literal_secret", format!("/secrets/{}", step(name)), format!("`{name}` is written out; files hold references to secrets only"));
            fault.hint(r#"write {"env": "NAME"}, {"file": "/path"} or {"command": ["program", "argument"]}, or let `keyway credential set` seal it, and change the secret: it was on disk"#)
        })
        .collect()
}

/// Every way in which the credential does not fit its component.
pub(crate) fn credential<'c>(credential: &CredentialFile, find: &impl Fn(&str) -> Option<&'c Component>) -> Vec<Fault> {
    let Some(component) = find(&credential.component) else { return vec![unknown_component(&credential.component)] };
    let mut faults = Vec::new();
    lint_environment(component, credential.environment.as_deref(), &mut faults);
    if credential.environment.is_none() && component.implied_environment().is_none() {
        let fault = Fault::error(
            "missing_environment",
            "",
            format!("`{}` has several environments and the file names none", component.name),
        );
        faults.push(fault.hint("add `\"environment\"`"));
    }
    if let Some(grant) = credential.grant.as_ref().filter(|grant| !component.grant_names().contains(&grant.as_str())) {
        let fault = Fault::error("unknown_grant", "/grant", format!("`{}` has no grant `{grant}`", component.name));
        faults.push(fault.hint(format!("it has: {}", component.grant_names().join(", "))));
    }
    if credential.client.is_some() && credential.client_id.is_some() {
        let message = "`client` names a file that has the client's id, and `client_id` is here as well";
        faults.push(Fault::error("two_clients", "/client_id", message).hint("leave one of them out"));
    }
    lint_redirect_uri(credential.redirect_uri.as_deref(), &mut faults);
    lint_authorization_params(credential, &mut faults);
    lint_variables(credential, component, &mut faults);
    lint_secret_names(credential.secrets.keys(), STANDARD_SECRETS, component, &mut faults);
    lint_endpoint(credential, component, &mut faults);
    faults
}

/// Every way in which the client does not fit its component.
pub(crate) fn client<'c>(client: &ClientFile, find: &impl Fn(&str) -> Option<&'c Component>) -> Vec<Fault> {
    let Some(component) = find(&client.component) else { return vec![unknown_component(&client.component)] };
    let mut faults = Vec::new();
    lint_environment(component, client.environment.as_deref(), &mut faults);
    lint_redirect_uri(client.redirect_uri.as_deref(), &mut faults);
    lint_secret_names(
        client.secrets.keys(),
        &["client_secret", "private_key", "client_certificate"],
        component,
        &mut faults,
    );
    faults
}

fn unknown_component(name: &str) -> Fault {
    let fault = Fault::error("unknown_component", "/component", format!("there is no component `{name}`"));
    fault.hint("`keyway component list` shows those that there are; `--components DIR` adds more")
}

/// RFC 6749 section 3.1.2: absolute, and without a fragment.
fn lint_redirect_uri(uri: Option<&str>, faults: &mut Vec<Fault>) {
    let Some(uri) = uri.filter(|uri| !uri.is_empty()) else { return };
    if url::Url::parse(uri).map_or(true, |url| url.fragment().is_some()) {
        let message = "the redirect URI is no absolute URL, or has a fragment";
        faults.push(
            Fault::error("bad_redirect_uri", "/redirect_uri", message)
                .hint("write it as it is registered: `https://host/path`"),
        );
    }
}

fn lint_environment(component: &Component, named: Option<&str>, faults: &mut Vec<Fault>) {
    if let Some(environment) = named.filter(|name| !component.environments.contains_key(*name)) {
        let known: Vec<&str> = component.environments.keys().map(String::as_str).collect();
        let message = format!("`{}` has no environment `{environment}`", component.name);
        let fault = Fault::error("unknown_environment", "/environment", message);
        faults.push(fault.hint(format!("it has: {}", known.join(", "))));
    }
}

/// What protects a sign-in is not a credential's to change.
fn lint_authorization_params(credential: &CredentialFile, faults: &mut Vec<Fault>) {
    for name in credential.authorization_params.keys().filter(|name| RESERVED_PARAMS.contains(&name.as_str())) {
        let at = format!("/authorization_params/{}", step(name));
        let fault = Fault::error("reserved_name", at, format!("`{name}` is Keyway's own in this request"));
        faults.push(match name.as_str() {
            "scope" | "client_id" | "redirect_uri" => {
                fault.hint(format!("give `{name}` as a member of the credential"))
            }
            _ => fault.hint("take it out"),
        });
    }
}

fn lint_variables(credential: &CredentialFile, component: &Component, faults: &mut Vec<Fault>) {
    for (name, value) in &credential.variables {
        let at = format!("/variables/{}", step(name));
        match component.variables.get(name) {
            None => {
                let fault =
                    Fault::error("undeclared_variable", at, format!("`{}` has no variable `{name}`", component.name));
                let known = component.variables.keys().map(String::as_str);
                faults.push(match nearest(name, known) {
                    Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                    None => fault.hint(format!("`keyway component show {}` lists them", component.name)),
                });
            }
            Some(variable) if variable.secret => {
                let fault = Fault::error(
                    "literal_secret",
                    at,
                    format!("`{name}` is a secret; files hold references to secrets only"),
                );
                faults.push(fault.hint(format!(r#"move it: "secrets": {{"{name}": {{"env": "NAME"}}}}"#)));
            }
            Some(variable) => {
                let fits = variable.pattern.as_ref().is_none_or(|pattern| pattern.matches_whole(value));
                if !fits || !variable.r#type.admits(value) {
                    let fault = Fault::error(
                        "pattern_mismatch",
                        at,
                        format!("the value of `{name}` does not match its type or pattern"),
                    );
                    faults.push(match &variable.pattern {
                        Some(pattern) => fault.hint(format!("the whole value must match `{}`", pattern.source())),
                        None => fault,
                    });
                }
            }
        }
    }
}

/// Secrets that the component does not take.
fn lint_secret_names<'n>(
    names: impl Iterator<Item = &'n String>,
    standard: &[&str],
    component: &Component,
    faults: &mut Vec<Fault>,
) {
    for name in names {
        let declared = component.variables.get(name).is_some_and(|variable| variable.secret);
        if !declared && !standard.contains(&name.as_str()) {
            let message = format!("`{}` has no secret `{name}`", component.name);
            let fault = Fault::error("undeclared_secret", format!("/secrets/{}", step(name)), message);
            let own = component.variables.iter().filter(|(_, variable)| variable.secret).map(|(name, _)| name.as_str());
            faults.push(match nearest(name, own.chain(standard.iter().copied())) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None => fault.hint(format!("`keyway component show {}` lists what it takes", component.name)),
            });
        }
    }
}

/// The chosen endpoint lies on a host that the component names, and reads the chosen body.
fn lint_endpoint(credential: &CredentialFile, component: &Component, faults: &mut Vec<Fault>) {
    let chosen = credential.oauth2.token_request.encoding;
    let oauth2 = &component.oauth2;
    let (at, accepted): (&str, Option<Vec<Encoding>>) = match &credential.oauth2.token_endpoint {
        None => ("/oauth2/token_request/encoding", oauth2.token_request.accepted_encodings.clone()),
        Some(url) => {
            let named = |template: &Template| samples(template, credential, component).iter().any(|text| text == url);
            let other = oauth2.alternative_token_endpoints.iter().find(|other| named(&other.token_endpoint));
            if other.is_none() && !same_host(url, credential, component) {
                let fault = Fault::error(
                    "foreign_endpoint",
                    "/oauth2/token_endpoint",
                    format!("`{url}` is on no host that `{}` names", component.name),
                );
                faults.push(fault.hint("a credential may choose among the component's token endpoints only"));
            }
            let own = oauth2.token_endpoint.as_ref().is_some_and(named);
            let accepted = match other {
                Some(other) => Some(vec![other.encoding]),
                None if own => oauth2.token_request.accepted_encodings.clone(),
                None => None,
            };
            ("/oauth2/token_request/encoding", accepted)
        }
    };
    if let (Some(chosen), Some(accepted)) = (chosen, accepted)
        && !accepted.contains(&chosen)
    {
        let reads: Vec<&str> = accepted.iter().map(|encoding| encoding.as_str()).collect();
        let fault = Fault::error(
            "encoding_refused",
            at,
            format!("that token endpoint does not read `{}` bodies", chosen.as_str()),
        );
        faults.push(fault.hint(format!("it reads: {}", reads.join(", "))));
    }
}

fn same_host(url: &str, credential: &CredentialFile, component: &Component) -> bool {
    let origin = |text: &str| url::Url::parse(text).ok().and_then(|url| Origin::of(&url));
    let bare = |url: &url::Url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let Some(wanted) = url::Url::parse(url).ok().filter(bare).and_then(|url| Origin::of(&url)) else { return false };
    let templates = super::endpoints::all(component);
    let oauth = templates.iter().filter(|(at, _)| at.starts_with("/oauth2/"));
    oauth
        .map(|(_, template)| samples(template, credential, component))
        .any(|texts| texts.iter().any(|text| origin(text).as_ref() == Some(&wanted)))
}

/// The template in the credential's environment (in every one, where it names none), as far as its variables, the
/// environment and defaults fill it in.
fn samples(template: &Template, credential: &CredentialFile, component: &Component) -> Vec<String> {
    let named = credential.environment.as_deref().or_else(|| component.implied_environment());
    let environments = component.environments.iter().filter(|(name, _)| named.is_none_or(|named| named == *name));
    let in_environment = |values: &std::collections::BTreeMap<String, String>| {
        let value = |name: &str| {
            let default = || component.variables.get(name)?.default.as_ref().map(|default| default.source().to_owned());
            values.get(name).or_else(|| credential.variables.get(name)).cloned().or_else(default).map(Into::into)
        };
        template.render_url(UrlForm::Endpoint, value).ok()
    };
    environments.filter_map(|(_, values)| in_environment(values)).collect()
}

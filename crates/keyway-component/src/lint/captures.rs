//! Captured variables: each can be told, and is named only where it is known by then.

use std::collections::BTreeSet;

use super::step;
use crate::{
    Component, Template,
    component::{ApiResponse, Assertion, Capture, TokenParams, authority},
    fault::Fault,
    json_template::JsonTemplate,
};

/// Parameters of an authorization response that are Keyway's own.
const OWN: &[&str] = &["code", "state", "iss", "error"];

pub(super) fn lint(component: &Component, faults: &mut Vec<Fault>) {
    let has_callback = component.oauth2.grants.authorization_code.is_some();
    for (name, variable) in &component.variables {
        for (n, place) in variable.from.iter().enumerate() {
            if let Capture::ApiResponse(question) = place {
                lint_question(component, question, &format!("/variables/{}/from/{n}/api_response", step(name)), faults);
            }
            let Capture::Callback(parameter) = place else { continue };
            let at = format!("/variables/{}/from/{n}/callback", step(name));
            if !has_callback {
                let message = "only the grant `authorization_code` has a callback";
                faults.push(Fault::error("no_effect", &at, message).hint("take it out, or declare the grant"));
            }
            if OWN.contains(&parameter.as_str()) {
                let message = format!("`{parameter}` of the callback is Keyway's own");
                faults.push(Fault::error("reserved_name", &at, message).hint("name another parameter"));
            }
        }
        if !variable.from.is_empty() && component.environments.values().all(|values| values.contains_key(name)) {
            let message = format!("every environment sets `{name}`, so it is never read from an answer");
            let at = format!("/variables/{}/from", step(name));
            faults.push(Fault::error("no_effect", at, message).hint("take it out of the environments, or `from` out"));
        }
    }
    lint_too_early(component, faults);
}

/// The token goes where it goes anyhow, and nowhere else.
fn lint_question(component: &Component, question: &ApiResponse, at: &str, faults: &mut Vec<Fault>) {
    let place = authority(question.url.source());
    // What is no URL at all is told as such.
    if !place.is_empty() && !component.secret_places().split(' ').any(|known| known == place) {
        let message = format!("`{place}` is no host that tokens of this component go to");
        let fault = Fault::error("foreign_host", format!("{at}/url"), message);
        faults.push(fault.hint("ask at the host of `api.base_url`, or add it to `api.additional_origins`"));
    }
    if component.oauth2.dpop {
        let message = "a token that is bound to a key is not used for questions";
        faults.push(Fault::error("no_effect", at, message).hint("let the account give the variable"));
    }
}

/// What is asked before anything was told cannot name it.
fn lint_too_early(component: &Component, faults: &mut Vec<Fault>) {
    let oauth2 = &component.oauth2;
    // A sign-in tells its server before the code is sent there; other grants have no sign-in.
    let after_callback =
        oauth2.all_asking().iter().all(|(_, name, _)| matches!(*name, "authorization_code" | "refresh_token"));
    let before_it = ["/oauth2/issuer", "/oauth2/authorization_endpoint", "/oauth2/device_authorization_endpoint"];
    for (at, template) in super::endpoints::all(component) {
        if at.starts_with("/oauth2/") {
            let callback = after_callback && !before_it.contains(&at.as_str());
            check(component, template, &at, callback, faults);
        }
    }
    for (grant, params) in oauth2.grants.authorization_overlays() {
        for (name, template) in params.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            let at = format!("/oauth2/grants/{grant}/authorization_params/{}", step(name));
            check(component, template, &at, false, faults);
        }
    }
    let mut params = |at: &str, params: &TokenParams, callback: bool| {
        for (param, value) in params {
            let at = format!("{at}/token_params/{}", step(param));
            let names = value.iter().flat_map(JsonTemplate::names);
            names.for_each(|name| check_name(component, name, &at, callback, faults));
        }
    };
    for (at, grant, own) in oauth2.all_asking().into_iter().filter(|(_, grant, _)| *grant != "refresh_token") {
        params(&at, own.token_params, grant == "authorization_code");
    }
    if let Some(second) = &oauth2.second_exchange {
        params("/oauth2/second_exchange", &second.token_params, true);
        for (name, template) in &second.headers {
            check(component, template, &format!("/oauth2/second_exchange/headers/{}", step(name)), true, faults);
        }
    }
    if let Some(audience) = &oauth2.audience {
        check(component, audience, "/oauth2/audience", false, faults);
    }
    for (n, resource) in oauth2.resource.iter().enumerate() {
        check(component, resource, &format!("/oauth2/resource/{n}"), false, faults);
    }
    for (n, scope) in oauth2.scope.default.iter().enumerate() {
        check(component, scope, &format!("/oauth2/scope/default/{n}"), false, faults);
    }
    let mut named = |at: &str, name: &str| check_name(component, name, at, false, faults);
    oauth2.client_assertion.iter().flat_map(Assertion::names).for_each(|name| named("/oauth2/client_assertion", name));
    if let Some(grant) = &oauth2.grants.jwt_bearer {
        grant.assertion.names().for_each(|name| named("/oauth2/grants/jwt_bearer/assertion", name));
    }
    if let Some(grant) = &oauth2.grants.signed_jwt {
        grant.assertion.names().for_each(|name| named("/oauth2/grants/signed_jwt/assertion", name));
    }
    if let Some(grant) = &oauth2.grants.api_key {
        check(component, &grant.token, "/oauth2/grants/api_key/token", false, faults);
    }
    if let Some(grant) = &oauth2.grants.basic {
        check(component, &grant.username, "/oauth2/grants/basic/username", false, faults);
        check(component, &grant.password, "/oauth2/grants/basic/password", false, faults);
    }
    for (name, template) in &oauth2.token_request.headers {
        let at = format!("/oauth2/token_request/headers/{}", step(name));
        check(component, template, &at, after_callback, faults);
    }
}

fn check(component: &Component, template: &Template, at: &str, callback: bool, faults: &mut Vec<Fault>) {
    template.names().for_each(|name| check_name(component, name, at, callback, faults));
}

fn check_name(component: &Component, name: &str, at: &str, callback: bool, faults: &mut Vec<Fault>) {
    if let Some(untold) = untold(component, name, callback, &mut BTreeSet::new()) {
        let message = format!("`{{{untold}}}` is told by an answer, and this is needed before it");
        let hint = format!("give `variables.{untold}` a `default` for the time before");
        faults.push(Fault::error("told_too_late", at, message).hint(hint));
    }
}

/// The variable that nobody knows yet where this one is needed: itself, or one that its default names.
fn untold<'c>(
    component: &'c Component,
    name: &'c str,
    callback: bool,
    seen: &mut BTreeSet<&'c str>,
) -> Option<&'c str> {
    let variable = component.variables.get(name).filter(|_| seen.insert(name))?;
    let told = callback && variable.from.iter().any(|place| matches!(place, Capture::Callback(_)));
    match &variable.default {
        None => Some(name).filter(|_| !variable.from.is_empty() && !told),
        Some(default) => default.names().find_map(|name| untold(component, name, callback, seen)),
    }
}

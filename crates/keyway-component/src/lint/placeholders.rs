//! Placeholders: every one is declared or standard, where it stands.

use super::step;
use crate::{
    Component, component::Capture, fault::Fault, json_template::JsonTemplate, suggest::nearest, template::Template,
};

/// What each place may name beside the declared variables.
const ENDPOINT: &[&str] = &[];
const BROWSER: &[&str] = &["client_id"];
/// What every token request may name, whatever its grant.
const TOKEN_PARAMS: &[&str] = &["client_assertion", "client_id", "client_secret", "scope", "timestamp", "uuid"];
const SECOND: &[&str] = &["access_token", "client_id", "client_secret", "scope", "timestamp", "uuid"];
const REVOCATION: &[&str] = &["client_id", "client_secret", "timestamp", "token", "uuid"];
const AUTHORIZATION: &[&str] = &["client_id", "client_secret", "redirect_uri", "scope", "timestamp", "uuid"];
const TOKEN_HEADERS: &[&str] = &["client_id", "client_secret", "timestamp", "uuid"];
const API: &[&str] = &["client_id"];
const API_HEADERS: &[&str] = &["client_id", "client_secret", "timestamp", "uuid"];

pub(super) fn lint(component: &Component, faults: &mut Vec<Fault>) {
    let mut faults_of_bodies = Vec::new();
    let mut check_name = |name: &str, at: &str, standard: &[&str]| {
        if !standard.contains(&name) && !component.variables.contains_key(name) {
            faults.push(undeclared(component, name, at.to_owned(), standard));
        }
    };
    for (at, grant, own) in component.oauth2.all_asking() {
        let standard = [TOKEN_PARAMS, of_grant(grant)].concat();
        for (name, value) in own.token_params.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            let at = format!("{at}/token_params/{}", step(name));
            value.names().for_each(|name| check_name(name, &at, &standard));
        }
    }
    for (name, value) in component.oauth2.second_exchange.iter().flat_map(|second| &second.token_params) {
        let at = format!("/oauth2/second_exchange/token_params/{}", step(name));
        value.iter().flat_map(JsonTemplate::names).for_each(|name| check_name(name, &at, SECOND));
    }
    for (name, value) in component.oauth2.revocation_request.iter().flat_map(|request| &request.params) {
        let at = format!("/oauth2/revocation_request/params/{}", step(name));
        value.iter().flat_map(JsonTemplate::names).for_each(|name| check_name(name, &at, REVOCATION));
    }
    let mut check = |template: &Template, at: String, standard: &[&str]| {
        template.names().for_each(|name| check_name(name, &at, standard));
    };
    for (name, variable) in &component.variables {
        if let Some(default) = &variable.default {
            check(default, format!("/variables/{}/default", step(name)), ENDPOINT);
        }
    }
    for (at, endpoint) in super::endpoints::all(component) {
        let standard = if at == "/oauth2/authorization_endpoint" { BROWSER } else { ENDPOINT };
        check(endpoint, at, standard);
    }
    for (grant, params) in component.oauth2.grants.authorization_overlays() {
        for (name, value) in params.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            check(value, format!("/oauth2/grants/{grant}/authorization_params/{}", step(name)), AUTHORIZATION);
        }
    }
    for (name, variable) in &component.variables {
        for (n, place) in variable.from.iter().enumerate() {
            let Capture::ApiResponse(question) = place else { continue };
            let at = format!("/variables/{}/from/{n}/api_response", step(name));
            if let Some(item) = &question.item {
                check(&item.equals, format!("{at}/item/equals"), API);
            }
            let body: Vec<&str> = question.body.iter().flat_map(JsonTemplate::names).collect();
            for unknown in
                body.into_iter().filter(|name| !API.contains(name) && !component.variables.contains_key(*name))
            {
                faults_of_bodies.push(undeclared(component, unknown, format!("{at}/body"), API));
            }
        }
    }
    let oauth2 = &component.oauth2;
    if let Some(template) = &oauth2.audience {
        check(template, "/oauth2/audience".to_owned(), ENDPOINT);
    }
    for (n, template) in oauth2.resource.iter().enumerate() {
        check(template, format!("/oauth2/resource/{n}"), ENDPOINT);
    }
    for (n, template) in oauth2.scope.default.iter().enumerate() {
        check(template, format!("/oauth2/scope/default/{n}"), &[]);
    }
    for (name, value) in oauth2.second_exchange.iter().flat_map(|second| &second.headers) {
        check(value, format!("/oauth2/second_exchange/headers/{}", step(name)), SECOND);
    }
    for (name, value) in oauth2.revocation_request.iter().flat_map(|request| &request.headers) {
        check(value, format!("/oauth2/revocation_request/headers/{}", step(name)), REVOCATION);
    }
    for (name, value) in &component.oauth2.token_request.headers {
        check(value, format!("/oauth2/token_request/headers/{}", step(name)), TOKEN_HEADERS);
    }
    for (name, value) in &component.api.headers {
        check(value, format!("/api/headers/{}", step(name)), API_HEADERS);
    }
    for (name, value) in &component.api.query {
        check(value, format!("/api/query/{}", step(name)), API);
    }
    faults.extend(faults_of_bodies);
}

/// The standard inputs that a grant has beside those. One of the component's own begins with no more than a person's name
/// and password.
fn of_grant(grant: &str) -> &'static [&'static str] {
    match grant {
        "client_credentials" | "jwt_bearer" => &[],
        "authorization_code" => &["code", "code_verifier", "redirect_uri", "state"],
        "refresh_token" => &["access_token", "redirect_uri", "refresh_token"],
        "token_exchange" => &["subject_token"],
        "device_code" => &["device_code"],
        _ => &["password", "redirect_uri", "username"],
    }
}

fn undeclared(component: &Component, name: &str, at: String, standard: &[&str]) -> Fault {
    let fault =
        Fault::error("undeclared_placeholder", at, format!("`{{{name}}}` is neither declared nor standard here"));
    let known = component.variables.keys().map(String::as_str).chain(standard.iter().copied());
    match nearest(name, known) {
        Some(meant) => fault.hint(format!("did you mean `{{{meant}}}`?")),
        None => fault.hint(format!("declare `{name}` in `variables`, or write `{{{{` for a literal brace")),
    }
}

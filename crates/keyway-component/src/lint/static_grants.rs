//! Grants without a token endpoint, and where tokens stand.

use super::is_token;
use crate::{Component, Template, component::Authorization, fault::Fault};

pub(super) fn lint(component: &Component, faults: &mut Vec<Fault>) {
    let oauth2 = &component.oauth2;
    let grants = &oauth2.grants;
    if let Some(grant) = &grants.api_key {
        let at = "/oauth2/grants/api_key";
        lint_secret(component, &[&grant.token], &[], &format!("{at}/token"), faults);
        if let Some(authorization) = &grant.authorization {
            lint_place(authorization, &format!("{at}/authorization"), faults);
        }
    }
    if let Some(grant) = &grants.basic {
        let at = "/oauth2/grants/basic";
        lint_secret(component, &[&grant.username, &grant.password], &["username", "password"], at, faults);
        lint_place(&grant.authorization, &format!("{at}/authorization"), faults);
    }
    if let Some(authorization) = grants.signed_jwt.as_ref().and_then(|grant| grant.authorization.as_ref()) {
        lint_place(authorization, "/oauth2/grants/signed_jwt/authorization", faults);
    }
    let asks = !oauth2.all_asking().is_empty();
    if asks && oauth2.token_endpoint.is_none() && oauth2.issuer.is_none() {
        let message = "there is no `token_endpoint` to ask for a token";
        faults.push(
            Fault::error("missing_endpoint", "/oauth2", message)
                .hint("add `oauth2.token_endpoint`, or an `issuer` that tells it"),
        );
    }
    // RFC 9449 section 7.1.
    let scheme = match &component.api.authorization {
        Authorization::Header { name, scheme } if name.eq_ignore_ascii_case("authorization") => scheme.as_str(),
        _ => "",
    };
    if oauth2.dpop != scheme.eq_ignore_ascii_case("dpop") {
        let message = "tokens that are bound to a key go into `Authorization` with the scheme `DPoP`, and no others do";
        let hint = "set `api.authorization` to `{\"in\": \"header\", \"scheme\": \"DPoP\"}` and `oauth2.dpop` to true, or neither";
        faults.push(Fault::error("dpop_scheme", "/api/authorization", message).hint(hint));
    }
    for name in
        ["api_key", "basic", "signed_jwt"].into_iter().filter(|name| oauth2.dpop && grants.names().contains(name))
    {
        let fault = Fault::error(
            "no_effect",
            format!("/oauth2/grants/{name}"),
            "its token is not bound to a key, and `dpop` wants that",
        );
        faults.push(fault.hint("take the grant out, or make a second component of it"));
    }
    lint_place(&component.api.authorization, "/api/authorization", faults);
    for (n, other) in component.api.additional_authorizations.iter().enumerate() {
        let at = format!("/api/additional_authorizations/{n}");
        lint_place(other, &at, faults);
        let before = component.api.additional_authorizations[..n].iter().chain([&component.api.authorization]);
        if before.into_iter().any(|known| is_same_place(known, other)) {
            let fault = Fault::error("no_effect", at, "the token stands there already");
            faults.push(fault.hint("take it out, or name another place"));
        }
    }
}

/// Its templates name what is declared, a secret among it.
fn lint_secret(component: &Component, templates: &[&Template], standard: &[&str], at: &str, faults: &mut Vec<Fault>) {
    let mut secret = false;
    for name in templates.iter().flat_map(|template| template.names()) {
        let variable = component.variables.get(name);
        secret |= name == "password" && standard.contains(&name) || variable.is_some_and(|variable| variable.secret);
        if variable.is_none() && !standard.contains(&name) {
            let message = format!("`{{{name}}}` is neither declared nor standard here");
            let fault = Fault::error("undeclared_placeholder", at, message);
            faults.push(fault.hint(format!("declare `{name}` in `variables`, with `\"secret\": true`")));
        }
    }
    if !secret {
        let fault =
            Fault::error("no_secret", at, "it names no secret variable, so anybody who has the file has the key");
        faults.push(fault.hint("name a variable with `\"secret\": true`"));
    }
}

fn is_same_place(one: &Authorization, other: &Authorization) -> bool {
    match (one, other) {
        (Authorization::Header { name: one, .. }, Authorization::Header { name: other, .. }) => {
            one.eq_ignore_ascii_case(other)
        }
        (Authorization::Query { name: one }, Authorization::Query { name: other }) => one == other,
        _ => false,
    }
}

fn lint_place(authorization: &Authorization, at: &str, faults: &mut Vec<Fault>) {
    match authorization {
        Authorization::Query { name } => faults.push(Fault::warning(
            "token_in_query",
            at,
            format!("the access token travels in the URL as `{name}`, which RFC 9700 section 4.3.2 forbids"),
        )),
        Authorization::Header { name, scheme } => {
            if !is_token(name) || !(scheme.is_empty() || is_token(scheme)) {
                let message = "the header's name or scheme has characters that HTTP does not allow there";
                faults.push(Fault::error("bad_header", at, message));
            }
        }
    }
}

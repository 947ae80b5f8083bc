//! JWTs that the client makes, and what tokens are meant for.

use url::Url;

use super::step;
use crate::{
    Component,
    component::{Assertion, ClientAuthMethod},
    fault::Fault,
    suggest::nearest,
};

/// What the JWT of a grant may name beside the declared variables, and what that of the client may.
const GRANT: &[&str] = &["client_id", "redirect_uri", "scope", "timestamp", "username", "uuid"];
const CLIENT: &[&str] = &["client_id", "timestamp", "uuid"];

pub(super) fn lint(component: &Component, faults: &mut Vec<Fault>) {
    let oauth2 = &component.oauth2;
    let at = "/oauth2/client_assertion";
    let of_grants = component.grant_names().into_iter().map(|grant| oauth2.auth_method_of(grant));
    let method =
        of_grants.chain([oauth2.token_endpoint_auth_method]).find(|method| method.default_algorithm().is_some());
    let method = method.unwrap_or(oauth2.token_endpoint_auth_method);
    match (&oauth2.client_assertion, method.default_algorithm()) {
        (Some(_), None) => {
            let message = "`token_endpoint_auth_method` is one without a JWT";
            let hint = "take it out, or use `private_key_jwt` or `client_secret_jwt`";
            faults.push(Fault::error("no_effect", at, message).hint(hint));
        }
        (Some(assertion), Some(default)) => {
            let algorithm = assertion.algorithm.unwrap_or(default);
            if algorithm.is_hmac() != (method == ClientAuthMethod::ClientSecretJwt) {
                let at = format!("{at}/algorithm");
                let message = format!("`{}` does not fit `token_endpoint_auth_method`", algorithm.as_str());
                let hint = "`HS256` and its kin are for `client_secret_jwt`, all others are for `private_key_jwt`";
                faults.push(Fault::error("wrong_algorithm", at, message).hint(hint));
            }
            lint_assertion(component, assertion, at, CLIENT, faults);
        }
        (None, _) => {}
    }
    if let Some(grant) = &oauth2.grants.jwt_bearer {
        let at = "/oauth2/grants/jwt_bearer/assertion";
        if !grant.assertion.claims.contains_key("sub") {
            // RFC 7523 section 3: the JWT must contain a `sub`.
            let fault = Fault::error("no_subject", format!("{at}/claims"), "nothing says for whom the JWT stands");
            faults.push(fault.hint("add `\"sub\": \"{client_id}\"` or a variable; `null` where the server wants none"));
        }
        lint_assertion(component, &grant.assertion, at, GRANT, faults);
    }
    if let Some(grant) = &oauth2.grants.signed_jwt {
        lint_assertion(component, &grant.assertion, "/oauth2/grants/signed_jwt/assertion", CLIENT, faults);
    }
    for (n, resource) in oauth2.resource.iter().enumerate() {
        // RFC 8707 section 2: an absolute URI without a fragment.
        let open = resource.names().next().is_some();
        if !open && Url::parse(resource.source()).map_or(true, |url| url.fragment().is_some()) {
            let message = format!("`{resource}` is no absolute URI, or has a fragment");
            let hint = "write it as the API's documentation does; `audience` takes other texts";
            faults.push(Fault::error("bad_resource", format!("/oauth2/resource/{n}"), message).hint(hint));
        }
    }
}

fn lint_assertion(component: &Component, assertion: &Assertion, at: &str, known: &[&str], faults: &mut Vec<Fault>) {
    for name in assertion.names() {
        if !known.contains(&name) && !component.variables.contains_key(name) {
            let message = format!("`{{{name}}}` is neither declared nor standard here");
            let fault = Fault::error("undeclared_placeholder", at, message);
            let all = component.variables.keys().map(String::as_str).chain(known.iter().copied());
            faults.push(match nearest(name, all) {
                Some(meant) => fault.hint(format!("did you mean `{{{meant}}}`?")),
                None => fault.hint(format!("declare `{name}` in `variables`")),
            });
        }
    }
    if assertion.header.contains_key("alg") {
        let at = format!("{at}/header/{}", step("alg"));
        let fault = Fault::error("reserved_name", at, "`alg` is what the JWT is really signed with");
        faults.push(fault.hint("set `algorithm`"));
    }
    for name in ["exp", "iat"].into_iter().filter(|name| assertion.claims.contains_key(*name)) {
        let at = format!("{at}/claims/{name}");
        let fault = Fault::error("reserved_name", at, format!("`{name}` is made when the JWT is"));
        faults.push(fault.hint("set `lifetime_s`"));
    }
}

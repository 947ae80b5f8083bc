//! Grants: each has what it needs, and what is unsafe about it is named.

use super::step;
use crate::{
    Component,
    component::{ClientAuthMethod, CodeChallengeMethod, RefreshWith, SecondExchange},
    fault::Fault,
    json_template::JsonTemplate,
};

/// Parameters of an authorization request that no overlay may set or leave out.
pub(super) const RESERVED: &[&str] = &["state", "redirect_uri", "code_challenge", "code_challenge_method", "dpop_jkt"];

pub(super) fn lint(component: &Component, faults: &mut Vec<Fault>) {
    let oauth2 = &component.oauth2;
    if component.grant_names().is_empty() {
        let fault = Fault::error("no_grant", "/oauth2/grants", "no grant is declared, so no token can be got");
        faults.push(fault.hint("add `\"client_credentials\": {}` or another grant"));
    }
    if let Some(grant) = &oauth2.grants.authorization_code {
        if oauth2.authorization_endpoint.is_none() && oauth2.issuer.is_none() {
            // Some sign-ins begin at the vendor's site only, and end here.
            let message =
                "the grant `authorization_code` has no `authorization_endpoint`, so `keyway login` cannot begin it";
            let fault = Fault::warning("missing_endpoint", "/oauth2/grants/authorization_code", message);
            faults.push(fault.hint("add `oauth2.authorization_endpoint`, unless codes come from elsewhere"));
        }
        if grant.code_challenge_method == CodeChallengeMethod::None {
            let fault = Fault::warning(
                "pkce_off",
                "/oauth2/grants/authorization_code/code_challenge_method",
                "codes are not bound to the client that asked for them (RFC 9700 section 2.1.1)",
            );
            faults.push(
                fault.hint("take it out if the server takes PKCE, as most do; keep `none` where it refuses that"),
            );
        }
    }
    if oauth2.grants.device_code.is_some() && oauth2.device_authorization_endpoint.is_none() && oauth2.issuer.is_none()
    {
        let fault = Fault::error(
            "missing_endpoint",
            "/oauth2/grants/device_code",
            "the grant `device_code` has no `device_authorization_endpoint`",
        );
        faults.push(fault.hint("add `oauth2.device_authorization_endpoint` (RFC 8628 section 3.1)"));
    }
    if oauth2.authorization_response_iss_parameter_supported && oauth2.issuer.is_none() {
        let fault = Fault::error(
            "missing_issuer",
            "/oauth2/authorization_response_iss_parameter_supported",
            "the server names itself in its answers, and nothing says what its name is",
        );
        faults.push(fault.hint("add `oauth2.issuer` (RFC 9207 section 2.4)"));
    }
    lint_reserved(component, faults);
    if oauth2.scope.separator == "+" {
        let message = "a `+` between scopes is sent as `%2B`";
        let fault = Fault::warning("encoded_separator", "/oauth2/scope/separator", message);
        faults.push(fault.hint("write a space, which a form and a query write as `+`"));
    }
    // RFC 6749 section 4.4: only confidential clients.
    if oauth2.grants.client_credentials.is_some()
        && oauth2.auth_method_of("client_credentials") == ClientAuthMethod::None
    {
        let fault = Fault::error(
            "unauthenticated_client",
            "/oauth2/token_endpoint_auth_method",
            "the grant `client_credentials` needs client authentication",
        );
        faults.push(fault.hint("use `client_secret_basic` or `client_secret_post`"));
    }
    if oauth2.grants.password.is_some() {
        let message =
            "the client sees the user's password; RFC 9700 section 2.4 forbids this grant where another one works";
        faults.push(Fault::warning("password_grant", "/oauth2/grants/password", message));
    }
    if let Some(grant) = &oauth2.grants.refresh_token
        && grant.with == RefreshWith::AccessToken
        && component.grant_names() == ["refresh_token"]
    {
        let message = "an access token renews itself, and no other grant gives the first one";
        let fault = Fault::error("no_grant", "/oauth2/grants/refresh_token/with", message);
        faults.push(fault.hint("declare the grant that gives the first token"));
    }
    if let Some(second) = &oauth2.second_exchange
        && !params_and_headers(second).any(|name| name == "access_token")
    {
        let message = "no parameter and no header is the token that is exchanged";
        let fault = Fault::error("no_effect", "/oauth2/second_exchange", message);
        faults.push(fault.hint("add a parameter with the value `{access_token}` to `token_params`"));
    }
    if oauth2.second_exchange.is_some() && oauth2.all_asking().is_empty() && oauth2.grants.signed_jwt.is_none() {
        let fault =
            Fault::error("no_effect", "/oauth2/second_exchange", "no grant gives a token that could be exchanged");
        faults.push(fault.hint("take it out, or declare the grant that gives the first token"));
    }
    if oauth2.revocation_request.is_some() && oauth2.revocation_endpoint.is_none() && oauth2.issuer.is_none() {
        let message = "there is no `revocation_endpoint` to ask";
        let fault = Fault::error("no_effect", "/oauth2/revocation_request", message);
        faults.push(fault.hint("add `revocation_endpoint`, or take it out"));
    }
    lint_custom(component, faults);
}

fn params_and_headers(second: &SecondExchange) -> impl Iterator<Item = &str> {
    let params = second.token_params.values().flatten().flat_map(JsonTemplate::names);
    params.chain(second.headers.values().flat_map(crate::Template::names))
}

/// What protects a sign-in is not the component's to change.
fn lint_reserved(component: &Component, faults: &mut Vec<Fault>) {
    for (grant, params) in component.oauth2.grants.authorization_overlays() {
        let at = |name: &str| format!("/oauth2/grants/{grant}/authorization_params/{}", step(name));
        for name in params.keys().filter(|name| RESERVED.contains(&name.as_str())) {
            let fault = Fault::error("reserved_name", at(name), format!("`{name}` is Keyway's own in this request"));
            faults.push(fault.hint("it protects the sign-in; take it out"));
        }
        // RFC 9700 section 2.1.2: nothing but a code comes back through the browser.
        let response_type = params.get("response_type").and_then(Option::as_ref);
        // An ID token that comes with the code is nobody's access, and is passed over.
        let is_hybrid = response_type.is_some_and(|value| value.source() == "code id_token");
        if !is_hybrid
            && response_type.is_some_and(|value| value.source().contains("token") || value.source().contains('{'))
        {
            let message = "this `response_type` would send tokens through the browser";
            faults.push(
                Fault::error("implicit_grant", at("response_type"), message)
                    .hint("write `code`, or `null` to leave it out"),
            );
        }
        for (name, value) in params.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            let secret = |name: &str| {
                name == "client_secret" || component.variables.get(name).is_some_and(|variable| variable.secret)
            };
            if grant == "authorization_code" && value.names().any(secret) {
                let fault = Fault::error("secret_in_url", at(name), "a secret would stand in the browser's address");
                faults.push(fault.hint("an authorization request carries no secret (RFC 6749 section 4.1.1)"));
            }
        }
    }
}

fn lint_custom(component: &Component, faults: &mut Vec<Fault>) {
    let standard = [
        "client_credentials",
        "authorization_code",
        "password",
        "refresh_token",
        "device_code",
        "jwt_bearer",
        "token_exchange",
        "api_key",
        "basic",
        "signed_jwt",
    ];
    for (name, grant) in &component.oauth2.custom_grants {
        let at = format!("/oauth2/custom_grants/{}", step(name));
        if standard.contains(&name.as_str()) {
            let fault = Fault::error("reserved_name", &at, format!("`{name}` is a standard grant"));
            faults.push(fault.hint("declare it in `grants`"));
        }
        for needed in grant.token_params.values().flatten().flat_map(JsonTemplate::names) {
            if matches!(needed, "code" | "refresh_token" | "code_verifier") {
                let fault =
                    Fault::error("unknown_grant_input", &at, format!("a grant of the vendor's own has no `{needed}`"));
                faults.push(fault.hint("its inputs are declared variables, `username` and `password`"));
            }
        }
        for reserved in grant.token_params.keys().filter(|key| *key == "grant_type") {
            let at = format!("{at}/token_params/{reserved}");
            faults.push(Fault::error("reserved_name", at, "the grant type stands in `grant_type` of the grant"));
        }
    }
}

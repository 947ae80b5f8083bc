//! Endpoints and origins: https, no fragments, no open variable in a host.

use std::borrow::Cow;

use url::Url;

use crate::{
    Component,
    component::{Asking, Capture, ClientAuthMethod, Encoding, OAuth2, TokenRequestMethod, authority},
    fault::Fault,
    json_template::JsonTemplate,
    origin::is_loopback_host,
    pattern::Pattern,
    template::{Template, UrlForm},
};

/// Every URL template of the component with its JSON pointer.
pub(super) fn all(component: &Component) -> Vec<(String, &Template)> {
    let oauth2 = &component.oauth2;
    let mut all: Vec<(String, &Template)> = Vec::new();
    all.extend(oauth2.token_endpoint.iter().map(|url| ("/oauth2/token_endpoint".to_owned(), url)));
    all.extend(oauth2.authorization_endpoint.iter().map(|url| ("/oauth2/authorization_endpoint".to_owned(), url)));
    let others = [
        ("issuer", &oauth2.issuer),
        ("refresh_endpoint", &oauth2.refresh_endpoint),
        ("revocation_endpoint", &oauth2.revocation_endpoint),
        ("device_authorization_endpoint", &oauth2.device_authorization_endpoint),
    ];
    all.extend(others.into_iter().filter_map(|(name, url)| Some((format!("/oauth2/{name}"), url.as_ref()?))));
    for (n, other) in oauth2.alternative_token_endpoints.iter().enumerate() {
        all.push((format!("/oauth2/alternative_token_endpoints/{n}/token_endpoint"), &other.token_endpoint));
    }
    let second = oauth2.second_exchange.as_ref().and_then(|second| second.endpoint.as_ref());
    all.extend(second.map(|url| ("/oauth2/second_exchange/endpoint".to_owned(), url)));
    all.push(("/api/base_url".to_owned(), &component.api.base_url));
    for (name, variable) in &component.variables {
        for (n, place) in variable.from.iter().enumerate() {
            if let Capture::ApiResponse(question) = place {
                all.push((format!("/variables/{}/from/{n}/api_response/url", super::step(name)), &question.url));
            }
        }
    }
    for (n, other) in component.api.additional_origins.iter().enumerate() {
        all.push((format!("/api/additional_origins/{n}/origin"), &other.origin));
    }
    all
}

/// Places that no vendor has: a pattern that takes one of them keeps no token at home.
const ELSEWHERE: &[&str] = &[
    "https://elsewhere.example",
    "https://elsewhere.example/x",
    "elsewhere.example",
    "com.elsewhere.example",
    "https://a.elsewhere.example",
];

/// Those places, and such whose path ends as hosts of the vendor do: a pattern that begins with anything takes them too.
fn elsewhere(pattern: &Pattern) -> Vec<String> {
    let tail = literal_tail(pattern.source());
    let mut places: Vec<String> = ELSEWHERE.iter().map(|place| (*place).to_owned()).collect();
    if !tail.is_empty() {
        places.extend(["", "x"].map(|before| format!("https://elsewhere.example/{before}{tail}")));
    }
    places
}

/// What every text ends with that a pattern matches, as far as that can be seen at its end.
fn literal_tail(pattern: &str) -> String {
    let mut rest = pattern.trim_end_matches(['$', ')', '/', '?']);
    let mut tail = Vec::new();
    while let Some(last) = rest.chars().next_back() {
        let before = &rest[..rest.len() - last.len_utf8()];
        let is_escaped = before.ends_with('\\');
        match last {
            c if c.is_ascii_alphanumeric() && !is_escaped => tail.push(c),
            '-' | '/' => tail.push(last),
            '.' if is_escaped => tail.push('.'),
            _ => break,
        }
        rest = if is_escaped { &before[..before.len() - 1] } else { before };
    }
    tail.into_iter().rev().collect()
}

pub(super) fn lint(component: &Component, faults: &mut Vec<Fault>) {
    for (at, template) in all(component) {
        lint_authority(component, &at, template, faults);
        lint_url(component, &at, template, faults);
    }
    for (name, template) in &component.api.query {
        for secret in secrets(component, template) {
            let at = format!("/api/query/{}", super::step(name));
            let message = format!("`{{{secret}}}` is a secret; URLs end in logs");
            faults.push(
                Fault::warning("secret_in_query", at, message).hint("send it in a header, if the API takes that"),
            );
        }
    }
    lint_encodings(component, faults);
}

/// RFC 6749 section 3: a value typed by a user must not choose the host that gets the secrets.
fn lint_authority(component: &Component, at: &str, template: &Template, faults: &mut Vec<Fault>) {
    for name in template.names_in_authority(UrlForm::Endpoint) {
        let told = component.variables.get(name).filter(|_| component.is_told(name));
        if let Some(pattern) = told.and_then(|variable| variable.pattern.as_ref())
            && elsewhere(pattern).iter().any(|value| pattern.matches_whole(value))
        {
            let message = format!("`{{{name}}}` is told by an answer, and its pattern lets it be any host");
            let fault = Fault::error("open_host", at, message);
            faults.push(fault.hint(format!("name the vendor's domain in `variables.{name}.pattern`, dots escaped")));
        }
        if let Some(variable) = component.variables.get(name)
            && variable.pattern.is_none()
        {
            let fault = Fault::error(
                "open_host",
                at,
                format!(
                    "`{{{name}}}` stands in the host and has no pattern: any value could take the secrets elsewhere"
                ),
            );
            faults.push(fault.hint(format!("give `variables.{name}` a `pattern`")));
        }
    }
    lint_secrets(component, at, template, faults);
}

fn lint_secrets(component: &Component, at: &str, template: &Template, faults: &mut Vec<Fault>) {
    for name in secrets(component, template) {
        let fault = Fault::error("secret_in_url", at, format!("`{{{name}}}` is a secret; URLs end in logs"));
        faults.push(fault.hint("send it in a header or a token parameter"));
    }
}

/// The secret variables that a template names.
fn secrets<'t>(component: &'t Component, template: &'t Template) -> impl Iterator<Item = &'t str> {
    template.names().filter(|name| component.variables.get(*name).is_some_and(|variable| variable.secret))
}

/// The URL with sample values: what can be said whatever the values are.
fn lint_url(component: &Component, at: &str, template: &Template, faults: &mut Vec<Fault>) {
    let whole = template.names_in_authority(UrlForm::Endpoint).first() == template.names().next().as_ref()
        && template.source().starts_with('{');
    let sample = |name: &str| {
        let value = component.variables.get(name).and_then(|v| v.default.as_ref()).map(Template::source);
        let from_environment =
            || component.environments.values().find_map(|values| values.get(name)).map(String::as_str);
        let fallback = if whole { "https://sample.example.com" } else { "sample" };
        let value = value.filter(|text| !text.contains('{')).or_else(from_environment).unwrap_or(fallback);
        Some(Cow::Owned(value.to_owned()))
    };
    let text = match template.render_url(UrlForm::Endpoint, sample) {
        Ok(text) => port_sample(text),
        Err(error) => {
            faults.push(Fault::error("bad_url", at, format!("`{template}` cannot be filled in: {error}")));
            return;
        }
    };
    let url = match Url::parse(&text) {
        Ok(url) => url,
        Err(error) => {
            let fault = Fault::error("bad_url", at, format!("`{template}` is no absolute URL: {error}"));
            faults.push(fault.hint("write `https://host/path`"));
            return;
        }
    };
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        "https" => {}
        "http" if is_loopback_host(host) => {}
        "http" => {
            let fault =
                Fault::error("http_to_public_host", at, format!("`{template}` would send secrets in the clear"));
            faults.push(fault.hint("use https; plain http is for loopback only"));
        }
        scheme => faults.push(Fault::error("bad_url", at, format!("`{scheme}` is no scheme for an API; use https"))),
    }
    // RFC 6749 sections 3.1 and 3.2: an endpoint has no fragment.
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        faults.push(Fault::error("bad_url", at, "the URL has a fragment or a user; take it out"));
    }
    let is_issuer = at == "/oauth2/issuer";
    if url.query().is_some() && is_issuer {
        faults.push(Fault::error("bad_url", at, "an issuer has no query (RFC 8414 section 2); take it out"));
    }
    let query_allowed = at.starts_with("/oauth2/") || at.starts_with("/variables/");
    if url.query().is_some() && !query_allowed {
        let fault = Fault::error("bad_url", at, "a base URL has no query");
        faults.push(fault.hint("put fixed parameters into `api.query`"));
    }
    if at.ends_with("/origin") && url.path() != "/" {
        faults.push(Fault::error("bad_url", at, "an origin has no path; write scheme, host and port only"));
    }
}

/// Whether a parameter of a grant's token requests is a secret: what it begins with, or the client's.
fn says_secret(oauth2: &OAuth2, name: &str, own: &Asking<'_>) -> bool {
    let in_header = matches!(
        oauth2.auth_method_of(name),
        ClientAuthMethod::ClientSecretBasic
            | ClientAuthMethod::ClientSecretBasicRaw
            | ClientAuthMethod::ClientSecretAsUser
            | ClientAuthMethod::TlsClientAuth
            | ClientAuthMethod::None
    );
    let named = own.token_params.values().flatten().flat_map(JsonTemplate::names).any(|name| name == "client_secret");
    !in_header || named || name != "client_credentials"
}

/// A sample value where only a number may stand.
fn port_sample(url: String) -> String {
    let authority = authority(&url);
    match authority.strip_suffix(":sample") {
        Some(host) => format!("{host}:443{}", &url[authority.len()..]),
        None => url,
    }
}

fn lint_encodings(component: &Component, faults: &mut Vec<Fault>) {
    let request = &component.oauth2.token_request;
    if let Some(accepted) = &request.accepted_encodings
        && !accepted.contains(&request.encoding)
    {
        let message =
            format!("`token_endpoint` does not read `{}`, by `accepted_encodings`", request.encoding.as_str());
        faults.push(Fault::error("encoding_refused", "/oauth2/token_request/encoding", message));
    }
    let oauth2 = &component.oauth2;
    let asking = oauth2.all_asking();
    let common = asking.iter().filter(|(.., own)| own.token_request.encoding.is_none());
    let has_secret = common.clone().any(|(_, name, own)| says_secret(oauth2, name, own));
    let mut all = vec![("/oauth2/token_request".to_owned(), request.method, request.encoding, has_secret)];
    for (at, name, own) in &asking {
        let form = own.token_request;
        if form.method.is_some() || form.encoding.is_some() {
            let (method, encoding) = (form.method.unwrap_or(request.method), form.encoding.unwrap_or(request.encoding));
            let has_secret = form.encoding.is_some() && says_secret(oauth2, name, own);
            all.push((format!("{at}/token_request"), method, encoding, has_secret));
        }
    }
    let second = oauth2.second_exchange.iter();
    all.extend(second.map(|second| ("/oauth2/second_exchange".to_owned(), second.method, second.encoding, true)));
    let revocation = oauth2.revocation_request.iter();
    all.extend(revocation.map(|asked| ("/oauth2/revocation_request".to_owned(), asked.method, asked.encoding, true)));
    for (at, method, encoding, has_secret) in all {
        if method == TokenRequestMethod::Get && encoding != Encoding::Query {
            let message = format!("a GET has no body to carry `{}`", encoding.as_str());
            let fault = Fault::error("get_with_body", format!("{at}/method"), message);
            faults.push(fault.hint("set `encoding` to `query`, or use `POST`"));
        }
        if encoding == Encoding::Query && has_secret {
            let message = "token requests carry their secrets in the URL, which RFC 6749 section 2.3.1 forbids";
            let fault = Fault::warning("secret_in_query", format!("{at}/encoding"), message);
            faults.push(fault.hint("use `form` or `json`, if the server reads one of them"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_begins_with_anything_takes_any_host() {
        let table = [
            ("https://.*\\.acme\\.example", ".acme.example", true),
            ("https://.+\\.acme\\.example/?", ".acme.example", true),
            ("https://[a-z0-9.-]+\\.acme\\.example", ".acme.example", false),
            ("https://[^/]+\\.acme\\.example(/v1)?", "/v1", false),
            ("https://a\\.example|https://b\\.example", "//b.example", false),
            ("[a-z]+", "", false),
            ("https://.*", "", true),
        ];
        for (source, tail, open) in table {
            let pattern = Pattern::from(source.to_owned());
            assert_eq!(literal_tail(source), tail, "{source}");
            assert_eq!(elsewhere(&pattern).iter().any(|place| pattern.matches_whole(place)), open, "{source}");
        }
    }
}

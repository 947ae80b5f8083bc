//! API headers, answer patterns and retry rules.

use super::{is_token, step};
use crate::{
    Component,
    component::{AnswerMatch, Authorization},
    fault::Fault,
    suggest::nearest,
};

/// Headers that Keyway or the HTTP client sets itself.
const OWN_HEADERS: &[&str] =
    &["host", "content-length", "transfer-encoding", "connection", "proxy-authorization", "te", "upgrade"];

pub(super) fn lint(component: &Component, faults: &mut Vec<Fault>) {
    if let Some(verify) = component.verify.as_ref().filter(|name| !component.actions.contains_key(*name)) {
        let fault = Fault::error("unknown_action", "/verify", format!("there is no action `{verify}`"));
        faults.push(match nearest(verify, component.actions.keys().map(String::as_str)) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => fault.hint("declare it in `actions`"),
        });
    }
    let headers = component.api.headers.keys().map(|name| (name, "/api/headers"));
    let token_headers =
        component.oauth2.token_request.headers.keys().map(|name| (name, "/oauth2/token_request/headers"));
    let second = component.oauth2.second_exchange.iter().flat_map(|second| second.headers.keys());
    let second = second.map(|name| (name, "/oauth2/second_exchange/headers"));
    let revocation = component.oauth2.revocation_request.iter().flat_map(|request| request.headers.keys());
    let revocation = revocation.map(|name| (name, "/oauth2/revocation_request/headers"));
    for (name, at) in headers.chain(token_headers).chain(second).chain(revocation) {
        lint_header(name, &format!("{at}/{}", step(name)), faults);
    }
    let throttle = &component.throttle;
    let read = throttle.wait.headers.iter().map(|name| (name, "/throttle/wait/headers"));
    let read = read.chain(throttle.remaining.iter().map(|name| (name, "/throttle/remaining")));
    for (name, at) in read.chain(throttle.reset.iter().map(|reset| (&reset.header, "/throttle/reset/header"))) {
        if !is_token(name) {
            faults.push(Fault::error("bad_header", at, format!("`{name}` is no header name")));
        }
    }
    if let Some(idempotency) = &component.api.idempotency {
        lint_header(&idempotency.header, "/api/idempotency/header", faults);
    }
    let additional = component.api.additional_authorizations.iter().enumerate();
    let additional = additional.map(|(n, place)| (format!("/api/additional_authorizations/{n}"), place));
    let grants = &component.oauth2.grants;
    let of_grants = [
        ("api_key", grants.api_key.as_ref().and_then(|grant| grant.authorization.as_ref())),
        ("basic", grants.basic.as_ref().map(|grant| &grant.authorization)),
        ("signed_jwt", grants.signed_jwt.as_ref().and_then(|grant| grant.authorization.as_ref())),
    ];
    let of_grants = of_grants.into_iter();
    let of_grants =
        of_grants.filter_map(|(name, place)| Some((format!("/oauth2/grants/{name}/authorization"), place?)));
    let all = [("/api/authorization".to_owned(), &component.api.authorization)].into_iter();
    for (at, place) in all.chain(additional).chain(of_grants) {
        lint_token_header(component, place, &at, faults);
    }
    for header in component.oauth2.token_request.headers.keys() {
        if matches!(header.to_ascii_lowercase().as_str(), "authorization" | "content-type") {
            let at = format!("/oauth2/token_request/headers/{}", step(header));
            let fault = Fault::error("own_header", at, format!("`{header}` of token requests is made by Keyway"));
            faults.push(fault.hint("use `token_endpoint_auth_method` and `token_request.encoding`"));
        }
    }
    lint_patterns(component, faults);
    if component.retry.count > 0 && component.retry.delay_ms > component.retry.max_wait_ms {
        let fault = Fault::error(
            "delay_above_limit",
            "/retry/delay_ms",
            "`delay_ms` is longer than `max_wait_ms`, so no retry would ever run",
        );
        faults.push(fault.hint("raise `max_wait_ms` or lower `delay_ms`"));
    }
}

/// The header of the token is nobody else's.
fn lint_token_header(component: &Component, place: &Authorization, at: &str, faults: &mut Vec<Fault>) {
    let Authorization::Header { name, .. } = place else { return };
    if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        let fault = Fault::error("own_header", at, format!("`{name}` is set by the HTTP client"));
        faults.push(fault.hint("name the header that the API reads the token from"));
    }
    for header in component.api.headers.keys().filter(|header| header.eq_ignore_ascii_case(name)) {
        let at = format!("/api/headers/{}", step(header));
        let fault = Fault::error("own_header", at, format!("`{header}` is where the token goes"));
        faults.push(fault.hint("take it out; `api.authorization` makes it"));
    }
}

pub(super) fn lint_header(name: &str, at: &str, faults: &mut Vec<Fault>) {
    let lower = name.to_ascii_lowercase();
    if !is_token(name) {
        faults.push(Fault::error("bad_header", at, format!("`{name}` is no header name")));
    } else if OWN_HEADERS.contains(&lower.as_str()) {
        let fault = Fault::error("own_header", at, format!("`{name}` is set by the HTTP client"));
        faults.push(fault.hint("take it out"));
    }
}

fn lint_rule(rule: &AnswerMatch, at: &str, faults: &mut Vec<Fault>) {
    let looks_at_nothing = rule.pointer.is_none() && rule.header.is_none();
    if let Some(error) = rule.matches.as_ref().and_then(|pattern| pattern.error()) {
        let message = format!("the pattern does not compile: {error}");
        faults.push(Fault::error("bad_pattern", format!("{at}/matches"), message));
    }
    if rule.status < 400 && looks_at_nothing {
        let fault = Fault::error("no_effect", format!("{at}/status"), "every success would be taken for a refusal");
        faults.push(fault.hint("add the `pointer` that marks the refusal"));
    }
    if rule.matches.is_some() && looks_at_nothing {
        let message = "`matches` needs a `pointer` or a `header` to look at";
        faults.push(Fault::error("no_effect", format!("{at}/matches"), message).hint("add the pointer of the text"));
    }
    if rule.pointer.is_some() && rule.header.is_some() {
        let message = "`pointer` and `header` cannot both be looked at";
        faults.push(Fault::error("no_effect", format!("{at}/header"), message).hint("make two rules of it"));
    }
    if let Some(name) = rule.header.as_ref().filter(|name| !is_token(name)) {
        faults.push(Fault::error("bad_header", format!("{at}/header"), format!("`{name}` is no header name")));
    }
}

fn lint_patterns(component: &Component, faults: &mut Vec<Fault>) {
    let lists = [("token_rejected", &component.token_rejected.when), ("throttle", &component.throttle.when)];
    for (member, rules) in lists {
        for (n, rule) in rules.iter().enumerate() {
            lint_rule(rule, &format!("/{member}/when/{n}"), faults);
        }
    }
    if let Some(rule) = component.api.failure.as_ref().filter(|rule| rule.equals.is_some() && rule.unless.is_some()) {
        let message = format!("`equals` and `unless` say both what `{}` means", rule.pointer);
        faults.push(Fault::error("no_effect", "/api/failure/unless", message).hint("keep one of them"));
    }
    if let Some(body) = &component.throttle.wait.body {
        let at = "/throttle/wait/body/pattern";
        match body.pattern.error() {
            Some(error) => {
                faults.push(Fault::error("bad_pattern", at, format!("the pattern does not compile: {error}")));
            }
            None if body.pattern.groups() == 0 => {
                faults.push(Fault::error("bad_pattern", at, "the pattern has no group for the number; write `(\\d+)`"));
            }
            None => {}
        }
    }
}

//! What goes wrong on the wire is the same as at an API; what it means is not.

use crate::hostile::{Case, api};

/// The tables of the API that are about HTTP alone, with the codes of a token endpoint.
pub fn cases() -> Vec<Case> {
    let tables = [api::status_lines::cases(), api::headers::cases(), api::bodies::cases(), api::connections::cases()];
    // Every token request is a POST.
    let cases = tables.concat().into_iter().filter(|case| case.message["method"] != "HEAD");
    cases.map(at_the_token_endpoint).collect()
}

/// Whether a case is one of waiting, so that a host with a short limit on token requests is to meet it.
pub fn waits(case: &Case) -> bool {
    case.message["timeout_ms"] != 8000
}

fn at_the_token_endpoint(case: Case) -> Case {
    let expected = case.expected.split('|').map(code).collect::<Vec<_>>().join("|");
    let mut case = Case { expected, most_attempts: 0, ..case };
    case.message["method"] = "GET".into();
    if let Some(members) = case.message.as_object_mut() {
        members.remove("text");
        members.remove("body");
    }
    case
}

/// None of these answers has a token in it.
fn code(of_the_api: &str) -> &str {
    match of_the_api.split_once(' ').unwrap_or((of_the_api, "")) {
        ("none", _) | ("response_too_large", _) => "token_response_invalid",
        ("http_status", status) if status >= "500" => "token_unavailable",
        ("http_status", _) => "token_response_invalid",
        ("token_denied", _) => "token_denied",
        // Broken HTTP, or a body that is no JSON.
        ("response_invalid", _) => "token_unavailable|token_response_invalid",
        _ => "token_unavailable",
    }
}

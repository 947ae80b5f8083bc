//! Refusals, redirects and delays of a token endpoint, and texts that are not fit to be shown.

use serde_json::json;

use crate::hostile::{Answer, Case, Grant, case, page};

/// Where token requests are sent on to. None of them may follow.
const REDIRECTS: &[(&str, &str)] = &[
    ("stranger", "@THIEF@/token"),
    ("stranger-without-a-scheme", "//@THIEFHOST@/token"),
    ("stranger-with-the-secret", "@THIEF@/token?s=@SECRETPCT@"),
    ("same-origin", "/token/next"),
    ("listed", "@LISTED@/token"),
    ("api", "@SELF@/api/next"),
    ("https", "https://@HOST@/token"),
    ("javascript", "javascript:alert(1)"),
    ("empty", ""),
];

/// What an endpoint says about why it refuses.
const TEXTS: &[(&str, &str)] = &[
    ("escapes", "\\u001b[2J\\u001b]0;owned\\u0007\\u009b31m"),
    ("breaks", "one\\r\\ntwo\\u2028three\\u0085four"),
    ("nul", "a\\u0000b"),
    ("bidirectional", "a\u{202e}b\u{2066}c"),
    ("the-secret", "client_secret @SECRET@ is wrong"),
    ("the-secret-alone", "@SECRET@"),
    ("the-secret-in-base64", "Basic @SECRET64@"),
    ("the-secret-percent-encoded", "s=@SECRETPCT@"),
    ("the-secret-twice-in-one", "@SECRET@@SECRET@"),
    ("the-secret-and-escapes", "\\u001b[31m@SECRET@\\u001b[0m"),
    ("the-secret-at-the-cut", "@480@@SECRET@"),
    ("braces", "{\\\"error\\\":\\\"x\\\"},{\\\"line\\\":2}"),
    ("format", "{} {0} %s %n ${jndi:ldap://x} $(id) `id`"),
    ("surrogate", "\\ud83d\\ude00"),
];

/// Texts that are far longer than what is shown of them.
const LONG_TEXTS: &[(&str, &str)] = &[
    ("100-kib", "@100KIB@"),
    ("100-kib-then-the-secret", "@100KIB@@SECRET@"),
    ("100-kib-of-pairs", "@PAIRS@"),
    ("100-kib-of-dashes", "@DASHES@"),
];

/// Redirects of every status: the token request ends with them.
pub fn redirects() -> Vec<Case> {
    let one = |status: u16, (name, location): &(&str, &str)| {
        let answer = page(format!("{status} Go\r\nlocation: {location}"), "");
        case(format!("{status}-{name}"), "token_response_invalid", answer)
    };
    [301, 302, 303, 307, 308].into_iter().flat_map(|status| REDIRECTS.iter().map(move |to| one(status, to))).collect()
}

/// Refusals with every text in every member that is passed on.
pub fn texts() -> Vec<Case> {
    said(TEXTS)
}

/// The same with texts that are far too long. They stand alone: what a long text costs, others pay.
pub fn long_texts() -> Vec<Case> {
    said(LONG_TEXTS)
}

fn said(texts: &[(&str, &str)]) -> Vec<Case> {
    let filled = |text: &str| {
        text.replace("@100KIB@", &"x".repeat(100 << 10))
            .replace("@PAIRS@", &"a=b&".repeat(25 << 10))
            .replace("@DASHES@", &"a-".repeat(50 << 10))
            .replace("@480@", &"x".repeat(490))
    };
    let refusal = |members: String| page("400 No\r\ncontent-type: application/json", filled(&members));
    let mut cases = Vec::new();
    for (name, text) in texts {
        let code = refusal(format!("{{\"error\":\"{text}\"}}"));
        let described = refusal(format!("{{\"error\":\"made_up\",\"error_description\":\"{text}\"}}"));
        let detailed = refusal(format!("{{\"error\":\"made_up\",\"error_detail\":\"{text}\"}}"));
        let within = refusal(format!("{{\"error\":{{\"message\":\"{text}\"}},\"error_description\":[\"{text}\"]}}"));
        let down = page("500 No", filled(&format!("{{\"error\":\"server_error\",\"error_description\":\"{text}\"}}")));
        let client =
            page("401 No", filled(&format!("{{\"error\":\"invalid_client\",\"error_description\":\"{text}\"}}")));
        cases.extend([
            case(format!("error-{name}"), "token_denied", code),
            case(format!("description-{name}"), "token_denied", described),
            case(format!("detail-{name}"), "token_denied", detailed),
            case(format!("object-{name}"), "token_denied", within),
            case(format!("down-{name}"), "token_unavailable", down),
            case(format!("client-{name}"), "token_denied", client),
        ]);
    }
    cases
}

/// Refusals and waits by their status.
pub fn statuses(grant: Grant) -> Vec<Case> {
    // A refresh token that is refused needs a person; other grants just fail.
    let spent = if grant == Grant::Refresh { "sign_in_required" } else { "token_denied" };
    let error = |status: u16, error: &str| {
        page(format!("{status} No\r\ncontent-type: application/json"), format!("{{\"error\":\"{error}\"}}"))
    };
    let bare = |status: u16, headers: &str| page(format!("{status} No{headers}"), "");
    let wait = |name: &str, status: u16, wait: &str| -> Case {
        quick(format!("{status}-wait-{name}"), "token_unavailable", bare(status, &format!("\r\nretry-after: {wait}")))
    };
    let mut cases = vec![
        case("invalid-grant", spent, error(400, "invalid_grant")),
        case("invalid-grant-in-a-200", spent, error(200, "invalid_grant")),
        case("invalid-grant-in-a-502", "token_unavailable", error(502, "invalid_grant")),
        case("invalid-client", "token_denied", error(401, "invalid_client")),
        case("invalid-client-in-a-400", "token_denied", error(400, "invalid_client")),
        case("unauthorized-client", "token_denied", error(400, "unauthorized_client")),
        case("invalid-scope", "token_denied", error(400, "invalid_scope")),
        case("unsupported-grant-type", "token_denied", error(400, "unsupported_grant_type")),
        case("authorization-pending", "token_denied", error(400, "authorization_pending")),
        case("slow-down", "token_denied", error(400, "slow_down")),
        case("made-up", "token_denied", error(418, "made_up")),
        case("server-error", "token_unavailable", error(400, "server_error")),
        case("temporarily-unavailable", "token_unavailable", error(400, "temporarily_unavailable")),
        case("upper-case", "token_denied", error(400, "INVALID_GRANT")),
        case("401-bare", "token_denied", bare(401, "")),
        case("401-basic", "token_denied", bare(401, "\r\nwww-authenticate: Basic realm=\"acme\"")),
        case("401-digest", "token_denied", bare(401, "\r\nwww-authenticate: Digest realm=\"a\", nonce=\"b\"")),
        case("401-negotiate", "token_denied", bare(401, "\r\nwww-authenticate: Negotiate")),
        case(
            "401-with-the-secret",
            "token_denied",
            bare(401, "\r\nwww-authenticate: Basic realm=\"@SECRET@ @SECRET64@\""),
        ),
        case("400-bare", "token_response_invalid", bare(400, "")),
        case("403-bare", "token_response_invalid|token_denied", bare(403, "")),
        case("404-bare", "token_response_invalid", bare(404, "")),
        case("405-bare", "token_response_invalid", bare(405, "")),
        case(
            "407-proxy",
            "token_response_invalid|token_denied",
            bare(407, "\r\nproxy-authenticate: Basic realm=\"x\""),
        ),
        case("413-bare", "token_response_invalid", bare(413, "")),
        case("415-bare", "token_response_invalid", bare(415, "")),
        case("429-bare", "token_unavailable", bare(429, "")),
        case("500-bare", "token_unavailable", bare(500, "")),
        case("501-bare", "token_unavailable", bare(501, "")),
        case("503-bare", "token_unavailable", bare(503, "")),
        case("511-portal", "token_unavailable", bare(511, "\r\nlocation: @THIEF@/")),
        case("label-with-the-secret", "token_response_invalid", bare(200, "\r\ncontent-type: @SECRET64@")),
        case("label-with-escapes-encoded", "token_response_invalid", bare(200, "\r\ncontent-type: %1b%5b31m")),
        case(
            "label-of-100-kib",
            "token_response_invalid",
            bare(200, &format!("\r\ncontent-type: {}", "x".repeat(40 << 10))),
        ),
    ];
    for status in [429, 503] {
        cases.extend([
            wait("zero", status, "0"),
            wait("an-hour", status, "3600"),
            wait("absurd", status, "99999999999999999999999999"),
            wait("negative", status, "-1"),
            wait("float", status, "1.5"),
            wait("empty", status, ""),
            wait("words", status, "soon"),
            wait("past-date", status, "Mon, 01 Jan 1990 00:00:00 GMT"),
            wait("future-date", status, "Thu, 01 Jan 2099 00:00:00 GMT"),
            wait("twice", status, "0\r\nretry-after: 3600"),
            wait("far-off-clock", status, "Thu, 01 Jan 2099 00:00:00 GMT\r\ndate: Thu, 01 Jan 2099 00:00:00 GMT"),
        ]);
    }
    cases
}

fn quick(name: String, expected: &str, answer: Answer) -> Case {
    case(name, expected, answer).with("retry", json!({"max_wait_ms": 200}))
}

//! Token answers that are not one JSON object with the status 200.

use crate::hostile::{ACCESS_TOKEN, Case, case, gzip, gzip_bomb, json, nested, page};

/// Other shapes, labels, encodings and statuses.
pub fn cases() -> Vec<Case> {
    let token = format!("{{\"access_token\":\"{ACCESS_TOKEN}s\",\"token_type\":\"Bearer\",\"expires_in\":3600}}");
    let form = format!("access_token={}&token_type=bearer&expires_in=3600", "Acc3ss%2BToken%2FOf%3DAcme%7Es");
    let labelled = |label: &str, body: &str| page(format!("200 OK\r\ncontent-type: {label}"), body.to_owned());
    let status = |status: u16| page(format!("{status} Odd\r\ncontent-type: application/json"), token.clone());
    let encoded = |encoding: &str, body: Vec<u8>| page(format!("200 OK\r\ncontent-encoding: {encoding}"), body);
    let invalid = |name: &str, body: Vec<u8>| case(name, "token_response_invalid", json(body));
    let with_bom = [b"\xef\xbb\xbf", token.as_bytes()].concat();
    vec![
        case("labelled-html", "none", labelled("text/html", &token)),
        case("labelled-nothing", "none", page("200 OK", token.clone())),
        case("labelled-nonsense", "none", labelled(";;/", &token)),
        case("labelled-script", "none", labelled("text/javascript", &token)),
        case("form", "none", labelled("application/x-www-form-urlencoded", &form)),
        case("form-labelled-json", "none", labelled("application/json", &form)),
        case("form-labelled-plain", "none", labelled("text/plain", &form)),
        case("form-error", "token_denied", labelled("text/plain", "error=access_denied&error_description=no")),
        case(
            "form-token-twice",
            "none|token_response_invalid",
            labelled("text/plain", &format!("{form}&access_token=x")),
        ),
        case(
            "form-with-a-break-in-the-token",
            "token_response_invalid",
            labelled("text/plain", "access_token=x%0d%0ay"),
        ),
        case("form-of-10000-pairs", "none", labelled("text/plain", &(form.clone() + &"&a=b".repeat(10_000)))),
        case("form-bad-escapes", "none|token_response_invalid", labelled("text/plain", "access_token=x%zz%")),
        case("form-no-utf-8", "token_response_invalid", page("200 OK", &b"access_token=%ff%fe"[..])),
        invalid("array", format!("[{token}]").into_bytes()),
        invalid("text", b"\"token\"".to_vec()),
        invalid("number", b"7".to_vec()),
        invalid("null", b"null".to_vec()),
        invalid("true", b"true".to_vec()),
        invalid("empty-object", b"{}".to_vec()),
        invalid("empty", Vec::new()),
        invalid("spaces", b"   ".to_vec()),
        invalid("cut", token.as_bytes()[..30].to_vec()),
        invalid("two", format!("{token}{token}").into_bytes()),
        invalid("no-utf-8", b"{\"access_token\":\"\xff\"}".to_vec()),
        case("byte-order-mark", "none|token_response_invalid", json(with_bom)),
        invalid("nul-behind", format!("{token}\0").into_bytes()),
        invalid("html", b"<html><form action=\"@THIEF@\"><input name=password></html>".to_vec()),
        invalid("html-with-the-secret", b"<html>@SECRET@ @SECRET64@ @SECRETPCT@</html>".to_vec()),
        invalid("xml", b"<token>x</token>".to_vec()),
        invalid("deep-arrays", nested("[", "", "]", 100_000).into_bytes()),
        invalid("deep-objects", nested("{\"a\":", "1", "}", 100_000).into_bytes()),
        invalid(
            "deep-in-a-token",
            format!("{{\"access_token\":\"x\",\"a\":{}}}", nested("[", "", "]", 100_000)).into_bytes(),
        ),
        invalid("of-2-mib", format!("{}{token}", " ".repeat(2 << 20)).into_bytes()),
        case("of-900-kib", "none", json(format!("{}{token}", " ".repeat(900 << 10)))),
        invalid("of-names-of-secrets", b"{\"client_secret\":\"@SECRET@\",\"@SECRET@\":1}".to_vec()),
        invalid("of-names-with-escapes", b"{\"\\u001b[31m\":1,\"\\r\\n\":2}".to_vec()),
        invalid("of-names-of-100-kib", format!("{{\"{}\":1}}", "x".repeat(100 << 10)).into_bytes()),
        invalid(
            "of-10000-names",
            format!("{{{}\"y\":1}}", (0..10_000).map(|n| format!("\"x{n}\":1,")).collect::<String>()).into_bytes(),
        ),
        case("gzip", "none", encoded("gzip", gzip(&token))),
        case("gzip-two-members", "none", encoded("gzip", [gzip(&token[..20]), gzip(&token[20..])].concat())),
        case("gzip-bomb", "token_response_invalid", encoded("gzip", gzip_bomb(16))),
        case("gzip-not", "token_unavailable|token_response_invalid", encoded("gzip", token.clone().into_bytes())),
        case("gzip-cut", "token_unavailable|token_response_invalid", encoded("gzip", gzip(&token)[..30].to_vec())),
        case("gzip-unknown", "none", encoded("banana", token.clone().into_bytes())),
        case("brotli-unasked", "token_response_invalid", encoded("br", b"\x0b\x03\x80{}\x03".to_vec())),
        case("status-201", "none", status(201)),
        case("status-202", "none", status(202)),
        case("status-203", "none", status(203)),
        case("status-206", "none", status(206)),
        case("status-204", "token_response_invalid", page("204 No", "")),
        case("status-205", "token_response_invalid", page("205 Reset", "")),
        case("status-200-empty", "token_response_invalid", page("200 OK", "")),
        case("status-201-empty", "token_response_invalid", page("201 Made", "")),
        case("status-202-empty", "token_response_invalid", page("202 Later", "")),
        case("status-300", "token_response_invalid", status(300)),
        case("status-304", "token_response_invalid", page("304 Same", "")),
        case("status-400-with-a-token", "token_response_invalid", status(400)),
        case("status-401-with-a-token", "token_denied", status(401)),
        case("status-404-with-a-token", "token_response_invalid", status(404)),
        case("status-500-with-a-token", "token_unavailable", status(500)),
        case("status-600-with-a-token", "token_unavailable", status(600)),
        case("status-999-with-a-token", "token_unavailable", status(999)),
    ]
}

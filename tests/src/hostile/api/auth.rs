//! Refusals.

use crate::hostile::{Answer, Case, case, gzip_bomb, json, nested, page, raw};

fn refused(headers: &str, body: impl Into<Vec<u8>>) -> Answer {
    page(format!("401 No{headers}"), body.into())
}

/// 401 in every form, and the refusals that are no case for a renewal.
pub fn cases() -> Vec<Case> {
    let twice = |name: &str, answer: Answer| case(format!("401-{name}"), "token_denied 401", answer).attempts(2);
    let once = |status: u16| {
        case(format!("refused-{status}"), format!("http_status {status}"), page(format!("{status} No"), "no"))
            .attempts(1)
    };
    let challenge = |text: &str| refused(&format!("\r\nwww-authenticate: {text}"), "");
    let mut cases = vec![
        twice("bare", refused("", "")),
        twice("json", refused("\r\ncontent-type: application/json", "{\"error\":\"invalid_token\"}")),
        twice("cut-json", refused("\r\ncontent-type: application/json", "{\"error\":")),
        twice("deep-json", refused("\r\ncontent-type: application/json", nested("[", "", "]", 100_000))),
        twice("html", refused("\r\ncontent-type: text/html", "<form action=\"@THIEF@\"><input name=password></form>")),
        twice("bytes", refused("", &b"\xff\xfe\0"[..])),
        twice("with-the-token", refused("\r\ncontent-type: text/plain", "who is @TOKEN@ and what is @SECRET@?")),
        twice("basic", challenge("Basic realm=\"acme\"")),
        twice("digest", challenge("Digest realm=\"acme\", nonce=\"x\", algorithm=MD5")),
        twice("negotiate", challenge("Negotiate")),
        twice("bearer", challenge("Bearer error=\"invalid_token\", error_description=\"@TOKENPCT@\"")),
        twice(
            "bearer-of-another-server",
            challenge("Bearer resource_metadata=\"@THIEF@/.well-known/oauth-protected-resource\""),
        ),
        twice("dpop", challenge("DPoP error=\"use_dpop_nonce\"\r\ndpop-nonce: x")),
        twice("challenge-of-40-kib", challenge(&"x".repeat(40 << 10))),
        twice("challenge-cut", challenge("Bearer realm=\"")),
        twice("location", refused("\r\nlocation: @THIEF@/sign-in?t=@TOKENPCT@", "")),
        twice("wait", refused("\r\nretry-after: 3600", "")),
        twice("cookies", refused("\r\nset-cookie: session=x; domain=127.0.0.1", "")),
        twice("of-a-post", refused("", "")).method("POST").with("body", vec![1]),
        twice("of-a-head", refused("", "")).method("HEAD"),
        twice("accepted", refused("", "")).with("accept", vec![401]),
        case("401-bomb", "response_too_large|token_denied", refused("\r\ncontent-encoding: gzip", gzip_bomb(16)))
            .attempts(2),
        case("401-cut", "network", raw("HTTP/1.1 401 No\r\ncontent-length: 9\r\n\r\n")),
        case("401-once", "none 200", refused("", "")).then(json("{}")).attempts(2),
        case("401-once-of-a-post", "none 200", refused("", "")).then(json("{}")).method("POST").attempts(2),
        case("401-then-403", "http_status 403", refused("", "")).then(page("403 No", "")).attempts(2),
        case("401-then-500", "http_status 500", refused("", "")).then(page("500 No", "")).attempts(4),
        case("401-then-closed", "network", refused("", "")).then(raw("")).attempts(4),
        case("500-then-401", "token_denied 401", page("500 No", "")).then(refused("", "")).attempts(3),
    ];
    // 401-accepted: a token that is refused is renewed all the same, and the second refusal is the answer.
    for accepted in cases.iter_mut().filter(|case| case.name == "401-accepted") {
        accepted.expected = "none 401".to_owned();
    }
    cases.extend(
        [
            400, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 413, 414, 415, 417, 418, 421, 422, 423, 424, 425,
            426, 428, 431, 451, 501, 505, 506, 507, 508, 510, 511,
        ]
        .map(once),
    );
    cases.extend([
        case(
            "refused-407-challenge",
            "http_status 407",
            page("407 No\r\nproxy-authenticate: Basic realm=\"proxy\"", ""),
        )
        .attempts(1),
        case("refused-403-location", "http_status 403", page("403 No\r\nlocation: @THIEF@/", "")).attempts(1),
        case("refused-426-upgrade", "http_status 426", page("426 No\r\nconnection: upgrade\r\nupgrade: h2c", ""))
            .attempts(1),
        case(
            "refused-511-portal",
            "http_status 511",
            page("511 No\r\ncontent-type: text/html", "<meta http-equiv=refresh content=\"0; url=@THIEF@\">"),
        )
        .attempts(1),
    ]);
    cases
}

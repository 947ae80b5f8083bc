//! Token answers whose members are wrong, odd, or too much.

use crate::hostile::{ACCESS_TOKEN, Case, REFRESH_TOKEN, case, json};

/// `expires_in`, `token_type`, `scope` and further members as they are written, with what becomes of the token.
const MEMBERS: &[(&str, &str, &str)] = &[
    ("lifetime-text", "\"expires_in\":\"3600\"", "none"),
    ("lifetime-float", "\"expires_in\":3600.5", "none"),
    ("lifetime-float-text", "\"expires_in\":\"3600.5\"", "none"),
    ("lifetime-exponent", "\"expires_in\":36e2", "none"),
    ("lifetime-negative", "\"expires_in\":-3600", "none"),
    ("lifetime-zero", "\"expires_in\":0", "none"),
    ("lifetime-minus-zero", "\"expires_in\":-0.0", "none"),
    ("lifetime-tiny", "\"expires_in\":1e-300", "none"),
    ("lifetime-one", "\"expires_in\":1", "none"),
    ("lifetime-huge", "\"expires_in\":1e300", "none"),
    ("lifetime-u64", "\"expires_in\":18446744073709551615", "none"),
    ("lifetime-beyond-u64", "\"expires_in\":99999999999999999999999999", "none"),
    ("lifetime-beyond-any-number", "\"expires_in\":1e999999", "token_response_invalid"),
    ("lifetime-nan", "\"expires_in\":NaN", "token_response_invalid"),
    ("lifetime-nan-text", "\"expires_in\":\"NaN\"", "none"),
    ("lifetime-infinity-text", "\"expires_in\":\"Infinity\"", "none"),
    ("lifetime-null", "\"expires_in\":null", "none"),
    ("lifetime-true", "\"expires_in\":true", "none"),
    ("lifetime-array", "\"expires_in\":[3600]", "none"),
    ("lifetime-object", "\"expires_in\":{\"seconds\":3600}", "none"),
    ("lifetime-empty", "\"expires_in\":\"\"", "none"),
    ("lifetime-words", "\"expires_in\":\"an hour\"", "none"),
    ("lifetime-hex", "\"expires_in\":\"0xe10\"", "none"),
    ("lifetime-date", "\"expires_in\":\"2099-01-01T00:00:00Z\"", "none"),
    ("lifetime-twice", "\"expires_in\":3600,\"expires_in\":-1", "none"),
    ("lifetime-missing", "\"x\":1", "none"),
    ("lifetime-digits-10000", "\"expires_in\":\"@DIGITS@\"", "none"),
    ("type-lower-case", "\"token_type\":\"bearer\"", "none"),
    ("type-upper-case", "\"token_type\":\"BEARER\"", "none"),
    ("type-odd-case", "\"token_type\":\"bEaReR\"", "none"),
    ("type-missing", "\"y\":1", "none"),
    ("type-empty", "\"token_type\":\"\"", "none"),
    ("type-null", "\"token_type\":null", "none"),
    ("type-number", "\"token_type\":7", "none|token_response_invalid"),
    ("type-array", "\"token_type\":[\"bearer\"]", "none|token_response_invalid"),
    ("type-mac", "\"token_type\":\"mac\"", "token_response_invalid"),
    ("type-dpop", "\"token_type\":\"DPoP\"", "token_response_invalid"),
    ("type-n-a", "\"token_type\":\"N_A\"", "token_response_invalid"),
    ("type-spaced", "\"token_type\":\" bearer \"", "token_response_invalid|none"),
    ("type-escapes", "\"token_type\":\"\\u001b]0;owned\\u0007\"", "token_response_invalid"),
    ("type-with-the-secret", "\"token_type\":\"@SECRET@\"", "token_response_invalid"),
    ("type-with-the-secret-in-base64", "\"token_type\":\"@SECRET64@\"", "token_response_invalid"),
    ("type-of-10000", "\"token_type\":\"@DIGITS@\"", "token_response_invalid"),
    ("type-twice", "\"token_type\":\"mac\",\"token_type\":\"bearer\"", "none|token_response_invalid"),
    ("scope-array", "\"scope\":[\"read\",\"write\"]", "none"),
    ("scope-array-of-odds", "\"scope\":[1,null,[],{},\"read\"]", "none"),
    ("scope-number", "\"scope\":7", "none"),
    ("scope-null", "\"scope\":null", "none"),
    ("scope-object", "\"scope\":{\"read\":true}", "none"),
    ("scope-empty", "\"scope\":\"\"", "none"),
    ("scope-escapes", "\"scope\":\"\\u001b[2J\\r\\n\\u0000\"", "none"),
    ("scope-with-the-secret", "\"scope\":\"@SECRET@\"", "none"),
    ("scope-of-10000", "\"scope\":\"@DIGITS@\"", "none"),
    ("error-null", "\"error\":null", "none"),
    ("error-false", "\"error\":false", "none"),
    ("error-empty", "\"error\":\"\"", "none"),
    ("error-text", "\"error\":\"access_denied\"", "token_denied"),
    ("error-true", "\"error\":true", "token_denied"),
    ("error-number", "\"error\":500", "token_denied"),
    ("error-zero", "\"error\":0", "token_denied|none"),
    ("error-object", "\"error\":{\"code\":7,\"message\":\"no\"}", "token_denied"),
    ("error-empty-object", "\"error\":{}", "token_denied|none"),
    ("error-array", "\"error\":[\"no\"]", "token_denied"),
    ("error-empty-array", "\"error\":[]", "token_denied|none"),
    ("error-description-alone", "\"error_description\":\"no\"", "none"),
    ("further-members-1000", "@MEMBERS@", "none"),
    ("further-deep", "\"x\":[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]", "none"),
    ("further-names-of-languages", "\"__proto__\":{\"access_token\":\"x\"}", "none"),
    ("further-empty-name", "\"\":1", "none"),
    ("further-id-token", "\"id_token\":\"e30.e30.\"", "none"),
    ("refresh-null", "\"refresh_token\":null", "none"),
    ("refresh-empty", "\"refresh_token\":\"\"", "none"),
    ("refresh-number", "\"refresh_token\":7", "none"),
    ("refresh-true", "\"refresh_token\":true", "none"),
    ("refresh-object", "\"refresh_token\":{}", "none"),
    ("refresh-array", "\"refresh_token\":[]", "none"),
    ("refresh-with-a-break", "\"refresh_token\":\"@REFRESH@\\r\\nx: y\"", "none|token_response_invalid"),
    ("refresh-with-nul", "\"refresh_token\":\"@REFRESH@\\u0000\"", "none|token_response_invalid"),
    ("refresh-other-letters", "\"refresh_token\":\"@REFRESH@\u{e4}\"", "none|token_response_invalid"),
    ("refresh-of-8-kib", "\"refresh_token\":\"@REFRESH@@8KIB@\"", "none"),
    ("refresh-of-500-kib", "\"refresh_token\":\"@REFRESH@@500KIB@\"", "none|token_response_invalid"),
    ("refresh-that-is-the-secret", "\"refresh_token\":\"@SECRET@\"", "none"),
];

/// What stands as the access token, with what becomes of it.
const TOKENS: &[(&str, &str, &str)] = &[
    ("null", "null", "token_response_invalid"),
    ("empty", "\"\"", "token_response_invalid"),
    ("number", "7", "none"),
    ("true", "true", "token_response_invalid"),
    ("object", "{\"token\":\"x\"}", "token_response_invalid"),
    ("array", "[\"x\"]", "token_response_invalid"),
    ("one-letter", "\"x\"", "none"),
    ("space", "\" \"", "none|token_response_invalid"),
    ("spaces-around", "\" @ACCESS@ \"", "none|token_response_invalid"),
    ("break", "\"@ACCESS@\\r\\nx-injected: yes\"", "token_response_invalid"),
    ("line-feed", "\"@ACCESS@\\n\"", "token_response_invalid"),
    ("nul", "\"@ACCESS@\\u0000\"", "token_response_invalid"),
    ("escape", "\"@ACCESS@\\u001b[31m\"", "token_response_invalid"),
    ("delete", "\"@ACCESS@\\u007f\"", "token_response_invalid"),
    ("tab", "\"@ACCESS@\\t\"", "token_response_invalid"),
    ("other-letters", "\"@ACCESS@\u{e4}\"", "token_response_invalid"),
    ("line-separator", "\"@ACCESS@\u{2028}\"", "token_response_invalid"),
    ("lone-surrogate", "\"@ACCESS@\\ud800\"", "token_response_invalid"),
    ("quotes", "\"@ACCESS@\\\"\\\\\"", "none"),
    ("of-8-kib", "\"@ACCESS@@8KIB@\"", "none"),
    ("of-500-kib", "\"@ACCESS@@500KIB@\"", "none|token_response_invalid|network|response_invalid"),
    ("of-1-mib", "\"@ACCESS@@500KIB@@500KIB@@500KIB@\"", "token_response_invalid"),
    ("jwt-of-nonsense", "\"e30.bm9uc2Vuc2U.x\"", "none"),
    ("jwt-that-has-ended", "\"e30.eyJleHAiOjF9.x\"", "none"),
    ("jwt-that-never-ends", "\"e30.eyJleHAiOjE4NDQ2NzQ0MDczNzA5NTUxNjE1fQ.x\"", "none"),
    ("bearer-before-it", "\"Bearer @ACCESS@\"", "none"),
];

/// Answers of 200 that have an access token and something else, or that have none.
pub fn cases() -> Vec<Case> {
    let members: String = (0..1000).map(|n| format!("\"x{n}\":{n},")).collect();
    let filled = |text: &str| {
        text.replace("@ACCESS@", &format!("{ACCESS_TOKEN}m"))
            .replace("@REFRESH@", &format!("{REFRESH_TOKEN}m"))
            .replace("@MEMBERS@", members.trim_end_matches(','))
            .replace("@DIGITS@", &"9".repeat(10_000))
            .replace("@8KIB@", &"t".repeat(8 << 10))
            .replace("@500KIB@", &"t".repeat(500 << 10))
    };
    let with = |(name, member, expected): &(&str, &str, &str)| {
        case(*name, *expected, json(filled(&format!("{{\"access_token\":\"@ACCESS@\",{member}}}"))))
    };
    let of = |(name, token, expected): &(&str, &str, &str)| {
        case(
            format!("token-{name}"),
            *expected,
            json(filled(&format!("{{\"access_token\":{token},\"expires_in\":3600}}"))),
        )
    };
    let twice = filled("{\"access_token\":\"@ACCESS@1\",\"access_token\":\"@ACCESS@2\"}");
    let missing = case("token-missing", "token_response_invalid", json("{\"expires_in\":3600}"));
    let named =
        case("token-under-another-name", "token_response_invalid", json(filled("{\"accessToken\":\"@ACCESS@\"}")));
    let inside =
        case("token-inside", "token_response_invalid", json(filled("{\"data\":{\"access_token\":\"@ACCESS@\"}}")));
    let twice = case("token-twice", "none|token_response_invalid", json(twice));
    MEMBERS.iter().map(with).chain(TOKENS.iter().map(of)).chain([missing, named, inside, twice]).collect()
}

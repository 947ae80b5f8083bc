//! What must not get out, and what finds it in every form that it travels in.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::request::Request;

/// The client secret of every account. Every encoding changes it in its own way.
pub const CLIENT_SECRET: &str = "Cl1ent+Secret/Of=Acme~&%";
/// The password of accounts that have one.
pub const PASSWORD: &str = "Passw0rd+Of/Acme=~&\"";
/// What every access token begins with.
pub const ACCESS_TOKEN: &str = "Acc3ss+Token/Of=Acme~";
/// What every refresh token begins with.
pub const REFRESH_TOKEN: &str = "Refr3sh+Token/Of=Acme~";

/// Which of these the text holds, in whatever form.
pub fn held<'s>(text: &str, secrets: &[&'s str]) -> Option<&'s str> {
    secrets.iter().copied().find(|secret| forms(secret).iter().any(|form| text.contains(form.as_str())))
}

/// What a server can say again of what it was sent: the places of an answer and what stands there.
pub(super) fn echoed(request: &Request) -> [(&'static str, String); 5] {
    let token = request.header("authorization").split_once(' ').map_or("", |(_, token)| token);
    [
        ("@TOKEN@", token.to_owned()),
        ("@TOKENPCT@", utf8_percent_encode(token, NON_ALPHANUMERIC).to_string()),
        ("@SECRET@", CLIENT_SECRET.to_owned()),
        ("@SECRET64@", STANDARD_NO_PAD.encode(CLIENT_SECRET)),
        ("@SECRETPCT@", utf8_percent_encode(CLIENT_SECRET, NON_ALPHANUMERIC).to_string()),
    ]
}

fn forms(secret: &str) -> Vec<String> {
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let json = serde_json::Value::from(secret).to_string();
    let mut forms = vec![
        secret.to_owned(),
        percent.to_lowercase(),
        percent.replace("%7E", "~"),
        percent,
        json.trim_matches('"').to_owned(),
    ];
    for before in 0..3 {
        let bytes = [&vec![0; before][..], secret.as_bytes()].concat();
        // Characters that neighbours have a part in are left out.
        let whole = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        for text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            forms.push(text[whole.clone()].to_owned());
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_found_and_nothing_else() {
        let form = percent_encoding::utf8_percent_encode(CLIENT_SECRET, NON_ALPHANUMERIC).to_string();
        for text in [
            format!("a{CLIENT_SECRET}b"),
            format!("x={form}"),
            format!("x={}", form.to_lowercase()),
            STANDARD_NO_PAD.encode(format!("client:{CLIENT_SECRET}")),
            URL_SAFE_NO_PAD.encode(format!("clients:{CLIENT_SECRET}!")),
        ] {
            assert_eq!(held(&text, &[PASSWORD, CLIENT_SECRET]), Some(CLIENT_SECRET), "{text}");
            assert_eq!(held(&text, &[PASSWORD, ACCESS_TOKEN, REFRESH_TOKEN]), None, "{text}");
        }
    }
}

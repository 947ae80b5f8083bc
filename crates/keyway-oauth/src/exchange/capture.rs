//! Variables that answers tell: read from the authorization response and the token answer. Pure.

use std::collections::BTreeMap;

use keyway_component::{
    Secret,
    component::{Capture, JwtToken},
};
use serde_json::Value;

use super::lifetime::jwt_claims;
use crate::{
    account::{Account, fits},
    fault::{TokenFault, TokenFaultKind},
    token::Captured,
};

/// No value of a variable is longer.
const LONGEST_VALUE: usize = 8192;

/// What a variable may be read from.
#[derive(Default)]
pub(super) struct Told<'a> {
    /// Parameters of the authorization response.
    pub(super) callback: Option<&'a BTreeMap<String, String>>,
    /// The token answer.
    pub(super) answer: Option<&'a Value>,
}

/// The account's captured variables: what is told now goes before what was told at an earlier time.
///
/// # Errors
/// A value that breaks its variable's pattern or type. It is not shown: a server may write anything into it.
pub(super) fn capture(account: &Account, told: &Told<'_>, before: Option<&Captured>) -> Result<Captured, TokenFault> {
    let mut captured = Vec::new();
    for (name, variable) in account.captures() {
        let text = variable.from.iter().find_map(|place| variable.extracted(told.find(place)?));
        let Some(text) = text else {
            // A component whose pattern has changed is asked for the value again.
            let kept = before.and_then(|before| before.get(name));
            let kept = kept.filter(|value| fits(variable, value.expose_secret_text()));
            captured.extend(kept.map(|value| (name.to_owned(), value.clone())));
            continue;
        };
        if text.len() > LONGEST_VALUE || !fits(variable, &text) {
            let wanted = variable.pattern.as_ref().map_or("its type", |pattern| pattern.source());
            let message = format!(
                "what the answer told for the variable `{name}` does not match `{wanted}`, so nothing was sent there; \
                 correct `variables.{name}` of the component if the value is right"
            );
            return Err(TokenFault::new(TokenFaultKind::Invalid, message));
        }
        captured.push((name.to_owned(), Secret::new(text)));
    }
    Ok(captured.into_iter().collect())
}

// === impl Told ===

impl Told<'_> {
    fn find(&self, place: &Capture) -> Option<String> {
        match place {
            Capture::TokenResponse(pointer) => pointer.find_text(self.answer?),
            Capture::JwtClaim(claim) => {
                let member = match claim.token {
                    JwtToken::AccessToken => "access_token",
                    JwtToken::IdToken => "id_token",
                };
                claim.claim.find_text(&jwt_claims(self.answer?.get(member)?.as_str()?)?)
            }
            Capture::Callback(name) => self.callback?.get(name).cloned(),
            // Asked once the token is stored.
            Capture::ApiResponse(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use keyway_component::Component;
    use serde_json::json;

    use super::*;
    use crate::{account::AccountSettings, credential::Credential};

    fn account(variables: Value, given: &[(&str, &str)]) -> Account {
        let component: Component = serde_json::from_value(json!({
            "keyway": 1, "name": "acme", "title": "A", "version": "1", "environments": {"p": {}}, "variables": variables,
            "oauth2": {
                "token_endpoint": "https://a.test/token", "token_endpoint_auth_method": "none",
                "grants": {"password": {}}
            },
            "api": {"base_url": "{site}/api"}
        }))
        .unwrap();
        let inputs = [("ACME_CLIENT_ID", "id"), ("ACME_USERNAME", "u"), ("ACME_PASSWORD", "p")];
        let credential = Credential::from_vars("acme", inputs.into_iter().chain(given.iter().copied()));
        Account::resolve(&Arc::new(component), &credential, &AccountSettings::default()).unwrap()
    }

    fn site(from: Value) -> Value {
        json!({"site": {"pattern": "https://[a-z0-9-]+\\.acme\\.test", "from": from}})
    }

    fn read(account: &Account, answer: Value, callback: &[(&str, &str)]) -> Result<Option<String>, String> {
        let callback = callback.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let told = Told { callback: Some(&callback), answer: Some(&answer) };
        let captured = capture(account, &told, None).map_err(|fault| fault.message)?;
        Ok(captured.get("site").map(|value| value.expose_secret_text().to_owned()))
    }

    #[test]
    fn each_place_tells_and_the_first_that_does_counts() {
        let jwt = |claims: &str| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
        let good = "https://eu.acme.test";
        let in_jwt = jwt(r#"{"org":{"site":"https://eu.acme.test"}}"#);
        let table = [
            (json!([{"token_response": "/site"}]), json!({"site": good}), vec![], Some(good)),
            (json!([{"token_response": "/data/site"}]), json!({"data": {"site": good}}), vec![], Some(good)),
            (json!([{"jwt_claim": {"claim": "/org/site"}}]), json!({"access_token": in_jwt}), vec![], Some(good)),
            (
                json!([{"jwt_claim": {"token": "id_token", "claim": "/org/site"}}]),
                json!({"access_token": "x", "id_token": in_jwt}),
                vec![],
                Some(good),
            ),
            (json!([{"jwt_claim": {"claim": "/org/site"}}]), json!({"access_token": "opaque"}), vec![], None),
            (json!([{"callback": "site"}]), json!({}), vec![("site", good)], Some(good)),
            (
                json!([{"token_response": "/site"}, {"callback": "site"}]),
                json!({"site": null}),
                vec![("site", good)],
                Some(good),
            ),
            (json!([{"token_response": "/site"}]), json!({"site": ""}), vec![], None),
        ];
        for (from, answer, callback, wanted) in table {
            let account = account(site(from.clone()), &[]);
            assert_eq!(read(&account, answer, &callback), Ok(wanted.map(str::to_owned)), "{from}");
        }
    }

    #[test]
    fn a_value_that_breaks_its_pattern_is_refused_and_not_shown() {
        let account = account(site(json!([{"token_response": "/site"}])), &[]);
        for evil in
            ["https://evil.test", "https://evil.test/.acme.test", "http://eu.acme.test", "https://a.acme.test@x"]
        {
            let why = read(&account, json!({"site": evil}), &[]).unwrap_err();
            assert!(!why.contains("evil") && why.contains("variables.site"), "{why}");
        }
    }

    #[test]
    fn what_the_account_gives_stands() {
        let from = site(json!([{"token_response": "/site"}]));
        let account = account(from, &[("ACME_SITE", "https://mine.acme.test")]);
        assert!(!account.awaits_captures());
        assert_eq!(account.endpoints.base_url.as_ref().unwrap().as_str(), "https://mine.acme.test/api");
        assert_eq!(read(&account, json!({"site": "https://other.acme.test"}), &[]), Ok(None));
    }

    #[test]
    fn the_base_url_is_there_once_it_was_told() {
        let account = account(site(json!([{"token_response": "/site"}])), &[]);
        assert!(account.awaits_captures() && account.endpoints.base_url.is_none());
        assert!(account.endpoints.api_origins.is_empty());
        let captured = [("site".to_owned(), Secret::new("https://eu.acme.test"))].into_iter().collect();
        let settled = account.settled(&captured).unwrap();
        assert_eq!(settled.endpoints.base_url.as_ref().unwrap().as_str(), "https://eu.acme.test/api");
        let evil = [("site".to_owned(), Secret::new("https://evil.test"))].into_iter().collect();
        assert!(account.settled(&evil).is_err());
    }
}

//! The JWTs of an exchange: the client's, and that of the grant.

use std::{borrow::Cow, collections::BTreeMap};

use keyway_component::{
    Secret, Template, TemplateError,
    component::{Assertion, ClientAuthMethod, SigningAlgorithm},
};
use serde_json::Value;

use super::Exchange;
use crate::{
    assertion::{Standard, sign},
    fault::{TokenFault, TokenFaultKind},
    random,
};

// === impl Exchange ===

impl Exchange<'_> {
    /// The secrets of a request, with the JWT that shows who the client is where the component wants one. Each request
    /// has its own: servers remember `jti`.
    pub(super) fn with_client_assertion<'s>(
        &self,
        auth: ClientAuthMethod,
        secrets: &'s BTreeMap<String, Secret>,
    ) -> Result<Cow<'s, BTreeMap<String, Secret>>, TokenFault> {
        let Some(default) = auth.default_algorithm() else { return Ok(Cow::Borrowed(secrets)) };
        let assertion = self.account.component.oauth2.client_assertion.clone().unwrap_or_default();
        let algorithm = assertion.algorithm.unwrap_or(default);
        // RFC 7523 section 3: the client is issuer and subject.
        let subject = Some(self.account.client_id.as_str());
        let made = self.signed(&assertion, algorithm, subject, secrets)?;
        let mut secrets = secrets.clone();
        secrets.insert("client_assertion".to_owned(), made);
        Ok(Cow::Owned(secrets))
    }

    /// The JWT that stands for a person or an account.
    pub(super) fn grant_assertion(&self, secrets: &BTreeMap<String, Secret>) -> Result<Secret, TokenFault> {
        let grant = self.account.component.oauth2.grants.jwt_bearer.as_ref();
        let assertion = grant.map(|grant| grant.assertion.clone()).unwrap_or_default();
        self.signed(&assertion, self.grant_algorithm(), None, secrets)
    }

    /// What that one needs: its key, and what it names.
    pub(super) fn grant_assertion_names(&self) -> Vec<&str> {
        let grant = self.account.component.oauth2.grants.jwt_bearer.as_ref();
        let named = grant.into_iter().flat_map(|grant| grant.assertion.names());
        named.chain([self.grant_algorithm().key()]).collect()
    }

    /// Whether it has a claim of this name, or names it.
    pub(super) fn grant_assertion_says(&self, name: &str) -> bool {
        let grant = self.account.component.oauth2.grants.jwt_bearer.as_ref();
        grant.is_some_and(|grant| {
            let assertion = &grant.assertion;
            assertion.claims.contains_key(name) || assertion.names().any(|named| named == name)
        })
    }

    fn grant_algorithm(&self) -> SigningAlgorithm {
        let grant = self.account.component.oauth2.grants.jwt_bearer.as_ref();
        grant.and_then(|grant| grant.assertion.algorithm).unwrap_or(SigningAlgorithm::RS256)
    }

    /// RFC 8693 section 2.1: what is exchanged, and for what.
    pub(super) fn subject(&self, subject_token: String) -> Vec<(&'static str, String)> {
        let Some(grant) = &self.account.component.oauth2.grants.token_exchange else { return Vec::new() };
        let mut parameters =
            vec![("subject_token", subject_token), ("subject_token_type", grant.subject_token_type.clone())];
        parameters.extend(grant.requested_token_type.clone().map(|wanted| ("requested_token_type", wanted)));
        parameters
    }

    pub(super) fn signed(
        &self,
        assertion: &Assertion,
        algorithm: SigningAlgorithm,
        subject: Option<&str>,
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<Secret, TokenFault> {
        let account = self.account;
        let unusable = |why: String| TokenFault::new(TokenFaultKind::Unreachable, why);
        let id = random::uuid().map_err(|error| unusable(format!("the machine gives no randomness: {error}")))?;
        let values = self.values(account.redirect_uri())?;
        let fill = |template: &Template| -> Result<Value, TemplateError> {
            let text = template.render(|name| match name {
                "client_id" => Some(Cow::Borrowed(account.client_id.as_str())),
                name => values
                    .get(name)
                    .map(String::as_str)
                    .or_else(|| secrets.get(name).map(Secret::expose_secret_text))
                    .map(Cow::Borrowed),
            })?;
            let variable = template.sole_name().and_then(|name| account.component.variables.get(name));
            Ok(variable.map_or_else(|| Value::String(text.clone()), |variable| variable.r#type.to_json(&text)))
        };
        let none = Secret::new("");
        let key = secrets.get(algorithm.key()).unwrap_or(&none);
        let audience = account.endpoints.token.as_ref().map_or("", url::Url::as_str);
        let standard = Standard { issuer: &account.client_id, subject, audience, id, now: self.clock.now() };
        let made = sign(assertion, algorithm, key, standard, fill).map_err(|error| unusable(error.to_string()))?;
        self.redactor.know(&account.label(), &made);
        Ok(made)
    }
}

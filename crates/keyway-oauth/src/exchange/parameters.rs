//! What a token request says: the vendor's overlay over the standard's parameters, its secrets, its values.

use std::collections::BTreeMap;

use keyway_component::{
    JsonTemplate, Secret, Template,
    component::{Assertion, ClientAuthMethod, Encoding, RefreshWith, TokenParams, TokenRequestMethod},
};

use super::{Exchange, Offer, Request};
use crate::{
    account::Grant,
    fault::{TokenFault, TokenFaultKind},
    random,
};

/// RFC 8628 section 3.4.
const DEVICE_GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// RFC 7523 section 2.1.
const JWT_GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// RFC 8693 section 2.1.
const EXCHANGE_GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

// === impl Exchange ===

impl Exchange<'_> {
    /// The client's own secrets, as every request to an OAuth endpoint needs them.
    ///
    /// # Errors
    /// A secret that cannot be read.
    pub(crate) async fn client_secrets(
        &self,
        auth: ClientAuthMethod,
        overlay: &TokenParams,
    ) -> Result<BTreeMap<String, Secret>, TokenFault> {
        let mut names: Vec<&str> = overlay.values().flatten().flat_map(JsonTemplate::names).collect();
        let headers = &self.account.component.oauth2.token_request.headers;
        names.extend(headers.values().flat_map(Template::names));
        names.extend(auth.secret());
        if auth.default_algorithm().is_some() {
            names.extend(self.account.component.oauth2.client_assertion.iter().flat_map(Assertion::names));
        }
        self.read_named(&names).await
    }

    pub(crate) async fn read_named(&self, names: &[&str]) -> Result<BTreeMap<String, Secret>, TokenFault> {
        let mut secrets = BTreeMap::new();
        for name in names {
            let secret = self.account.read_secret(name).await;
            let secret = secret.map_err(|why| TokenFault::new(TokenFaultKind::Unreachable, why))?;
            let Some(secret) = secret else { continue };
            self.redactor.know(&self.account.inputs_label(), &secret);
            secrets.insert((*name).to_owned(), secret);
        }
        Ok(secrets)
    }

    pub(super) fn redirect_uri<'r>(&'r self, request: &'r Request) -> Option<&'r str> {
        match request {
            Request::Redeem(Offer::Code { redirect_uri, .. }) => Some(redirect_uri),
            _ => self.account.redirect_uri(),
        }
    }

    /// How the client authenticates for a request.
    pub(super) fn auth(&self, request: &Request) -> ClientAuthMethod {
        self.account.component.oauth2.auth_method_of(request.grant(&self.account.grant).name())
    }

    /// The form of a request: what its grant says, else the account's.
    pub(super) fn form(&self, request: &Request) -> (TokenRequestMethod, Encoding) {
        let (oauth2, grant) = (&self.account.component.oauth2, request.grant(&self.account.grant).name());
        let own = oauth2.asking(grant).and_then(|own| own.token_request.encoding);
        (oauth2.method_of(grant), own.unwrap_or(self.account.encoding))
    }

    /// The secrets that this request names. They are read anew each time, so that a rotated secret needs no restart.
    pub(super) async fn read_secrets(&self, request: &Request) -> Result<BTreeMap<String, Secret>, TokenFault> {
        let (overlay, _) = self.overlay(request);
        let mut secrets = self.client_secrets(self.auth(request), &overlay).await?;
        if matches!(request, Request::Mint) {
            let inputs: Vec<&str> = match &self.account.grant {
                Grant::Password => vec!["password"],
                Grant::AuthorizationCode => vec!["code", "code_verifier"],
                Grant::RefreshToken => vec!["refresh_token"],
                Grant::JwtBearer => self.grant_assertion_names(),
                Grant::TokenExchange => vec!["subject_token"],
                _ => Vec::new(),
            };
            secrets.extend(self.read_named(&inputs).await?);
        }
        for (name, secret) in request.secrets() {
            self.redactor.know(&self.account.inputs_label(), secret);
            secrets.insert(name.to_owned(), secret.clone());
        }
        Ok(secrets)
    }

    /// What the component lays over this request, and the vendor's own grant type.
    pub(super) fn overlay(&self, request: &Request) -> (TokenParams, Option<&str>) {
        let oauth2 = &self.account.component.oauth2;
        let grant = request.grant(&self.account.grant);
        let mut overlay = oauth2.asking(grant.name()).map(|own| own.token_params.clone()).unwrap_or_default();
        match grant {
            Grant::Custom(name) => {
                let grant_type = oauth2.custom_grants.get(name).and_then(|grant| grant.grant_type.as_deref());
                if grant_type.is_none() {
                    overlay.insert("grant_type".to_owned(), None);
                }
                (overlay, grant_type)
            }
            standard => {
                if self.says_scope(standard) {
                    overlay.entry("scope".to_owned()).or_insert_with(|| Some(Template::placeholder("scope").into()));
                }
                let refresh = oauth2.grants.refresh_token.as_ref().filter(|_| *standard == Grant::RefreshToken);
                if refresh.is_some_and(|grant| grant.with == RefreshWith::AccessToken) {
                    overlay.entry("refresh_token".to_owned()).or_insert(None);
                    let token = || Template::placeholder("access_token").into();
                    overlay.entry("access_token".to_owned()).or_insert_with(|| Some(token()));
                }
                let grant_type = match standard {
                    Grant::DeviceCode => Some(DEVICE_GRANT_TYPE),
                    Grant::JwtBearer => Some(JWT_GRANT_TYPE),
                    Grant::TokenExchange => Some(EXCHANGE_GRANT_TYPE),
                    Grant::RefreshToken => refresh.and_then(|grant| grant.grant_type.as_deref()),
                    _ => None,
                };
                (overlay, grant_type)
            }
        }
    }

    /// Whether the token request says what the token may do (RFC 6749 sections 4.3.2 and 4.4.2, RFC 7521 section 4.1,
    /// RFC 8693 section 2.1). After a sign-in it has been said before, and a JWT may say it itself.
    fn says_scope(&self, grant: &Grant) -> bool {
        match grant {
            Grant::ClientCredentials | Grant::Password | Grant::TokenExchange => true,
            Grant::JwtBearer => !self.grant_assertion_says("scope"),
            _ => false,
        }
    }

    pub(super) fn values(&self, redirect_uri: Option<&str>) -> Result<BTreeMap<String, String>, TokenFault> {
        let account = self.account;
        let uuid = random::uuid().map_err(|error| {
            TokenFault::new(TokenFaultKind::Unreachable, format!("the machine gives no randomness: {error}"))
        })?;
        let mut values: BTreeMap<String, String> =
            account.values.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        values.extend([
            ("scope".to_owned(), account.scope_text()),
            ("username".to_owned(), account.inputs.username.clone().unwrap_or_default()),
            ("redirect_uri".to_owned(), redirect_uri.unwrap_or_default().to_owned()),
            ("timestamp".to_owned(), seconds(self.clock.now()).to_string()),
            ("uuid".to_owned(), uuid),
        ]);
        Ok(values)
    }
}

/// Seconds since 1970.
fn seconds(time: std::time::SystemTime) -> u64 {
    time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs()
}

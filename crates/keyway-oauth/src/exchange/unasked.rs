//! Tokens that no server is asked for: a key, user name and password, or a JWT.

use std::{borrow::Cow, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use keyway_component::{Secret, Template, component::SigningAlgorithm};

use super::Exchange;
use crate::{
    account::Grant,
    fault::{TokenFault, TokenFaultKind},
    token::{ExpirySource, Token},
};

// === impl Exchange ===

impl Exchange<'_> {
    /// The token of a grant without a token endpoint. It lives until the API refuses it: then its secret is read anew.
    pub(super) async fn unasked(&self) -> Result<Option<Token>, TokenFault> {
        let grants = &self.account.component.oauth2.grants;
        let text = match &self.account.grant {
            Grant::ApiKey => match &grants.api_key {
                Some(grant) => self.filled(&grant.token).await?,
                None => return Ok(None),
            },
            Grant::Basic => match &grants.basic {
                Some(grant) => {
                    let (user, password) = (self.filled(&grant.username).await?, self.filled(&grant.password).await?);
                    // RFC 7617 section 2.
                    if user.expose_secret_text().contains(':') {
                        return Err(unusable("the user name has a colon, which Basic authentication cannot carry"));
                    }
                    let pair = format!("{}:{}", user.expose_secret_text(), password.expose_secret_text());
                    Secret::new(STANDARD.encode(zeroize::Zeroizing::new(pair).as_bytes()))
                }
                None => return Ok(None),
            },
            Grant::SignedJwt => return self.signed_jwt().await.map(Some),
            _ => return Ok(None),
        };
        if text.is_empty() || !text.expose_secret_text().bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(unusable("the key is empty, or has characters that no header can carry; give it anew"));
        }
        self.redactor.know(&self.account.inputs_label(), &text);
        Ok(Some(self.made_here(text, None)))
    }

    /// A JWT of the account's own. It is made anew before it ends, as any token is.
    async fn signed_jwt(&self) -> Result<Token, TokenFault> {
        let grant = self.account.component.oauth2.grants.signed_jwt.clone().unwrap_or_default();
        let algorithm = grant.assertion.algorithm.unwrap_or(SigningAlgorithm::RS256);
        let names: Vec<&str> = grant.assertion.names().chain([algorithm.key()]).collect();
        let secrets = self.read_named(&names).await?;
        let lifetime = Duration::from_secs(grant.assertion.lifetime_s.into());
        let jwt = self.signed(&grant.assertion, algorithm, None, &secrets)?;
        Ok(self.made_here(jwt, Some(lifetime)))
    }

    fn made_here(&self, access_token: Secret, lifetime: Option<Duration>) -> Token {
        let obtained_at = self.clock.now();
        let expires_at = lifetime.and_then(|lifetime| obtained_at.checked_add(lifetime));
        let expiry_source = if lifetime.is_some() { ExpirySource::JwtClaim } else { ExpirySource::Unknown };
        let (extra, captured) = Default::default();
        Token {
            access_token,
            refresh_token: None,
            obtained_at,
            expires_at,
            expiry_source,
            scope: None,
            extra,
            dpop_key: None,
            captured,
            begun_with: None,
        }
    }

    async fn filled(&self, template: &Template) -> Result<Secret, TokenFault> {
        let names: Vec<&str> = template.names().collect();
        let secrets = self.read_named(&names).await?;
        let account = self.account;
        let text = template.render(|name| {
            let plain = if name == "username" { account.inputs.username.as_deref() } else { account.plain(name) };
            plain.or_else(|| secrets.get(name).map(Secret::expose_secret_text)).map(Cow::Borrowed)
        });
        text.map(Secret::new).map_err(|error| unusable(&error.to_string()))
    }
}

fn unusable(why: &str) -> TokenFault {
    TokenFault::new(TokenFaultKind::Unreachable, why)
}

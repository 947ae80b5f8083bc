//! Variables that answers tell: the account once they are known.

use std::{collections::BTreeMap, sync::Arc};

use keyway_component::{
    Redactor,
    component::{Capture, Variable},
};

use super::{Account, AccountError, Context, Endpoints, Grant};
use crate::{
    metadata::Metadata,
    secrets::SecretSource,
    token::{Captured, Token},
};

// === impl Account ===

impl Account {
    /// The variables that answers tell, as nobody gives them.
    pub(crate) fn captures(&self) -> impl Iterator<Item = (&str, &Variable)> {
        let given = |name: &str| self.values.is_given(name) || self.inputs.has(name);
        let variables = self.component.variables.iter().map(|(name, variable)| (name.as_str(), variable));
        variables.filter(move |(name, variable)| !variable.from.is_empty() && !given(name))
    }

    /// Makes the secrets among captured values known to the redactor.
    pub(crate) fn know_captured(&self, captured: &Captured, redactor: &Redactor) {
        let secret = |name: &str| self.component.variables.get(name).is_some_and(|variable| variable.secret);
        for (_, value) in captured.iter().filter(|(name, _)| secret(name)) {
            redactor.know(&self.inputs_label(), value);
        }
    }

    /// Whether answers tell something about the account: where its messages go, or what they carry.
    #[must_use]
    pub fn awaits_captures(&self) -> bool {
        self.captures().next().is_some()
    }

    /// Whether the API can still be asked for something that a token has not.
    #[must_use]
    pub fn awaits_api(&self, token: &Token) -> bool {
        let is_asked = |place: &Capture| matches!(place, Capture::ApiResponse(_));
        self.captures().any(|(name, variable)| token.captured.get(name).is_none() && variable.from.iter().any(is_asked))
    }

    /// Whether the server has to be asked for endpoints that the component leaves out.
    #[must_use]
    pub fn awaits_discovery(&self) -> bool {
        let oauth2 = &self.component.oauth2;
        let lacks = oauth2.token_endpoint.is_none()
            || (self.grant == Grant::AuthorizationCode && oauth2.authorization_endpoint.is_none())
            || (self.grant == Grant::DeviceCode && oauth2.device_authorization_endpoint.is_none());
        self.metadata.is_none() && self.endpoints.issuer.is_some() && lacks && !self.grant.is_unasked()
    }

    /// The account with the endpoints that its server tells.
    pub(crate) fn with_metadata(&self, metadata: Metadata) -> Result<Self, AccountError> {
        let context = Context { component: &self.component, name: &self.name, origin: self.origin };
        let endpoints = Endpoints::resolve(
            &context,
            &self.choice.as_deref().cloned().unwrap_or_default(),
            &self.values,
            &self.client_id,
            Some(&metadata),
        )?;
        let endpoints = Arc::new(endpoints);
        Ok(Self { endpoints, metadata: Some(Arc::new(metadata)), ..self.clone() })
    }

    /// The account with what came with its token filled in: base URL, origins, variables.
    ///
    /// # Errors
    /// A value that breaks its variable's pattern or type, or makes no https URL.
    pub fn settled(&self, captured: &Captured) -> Result<Self, AccountError> {
        let component = &self.component;
        let context = Context { component, name: &self.name, origin: self.origin };
        let (mut plain, mut secret) = (BTreeMap::new(), BTreeMap::new());
        for (name, variable) in self.captures() {
            let Some(value) = captured.get(name) else { continue };
            let text = value.expose_secret_text();
            if !fits(variable, text) {
                let wanted = variable.pattern.as_ref().map_or("its type", |pattern| pattern.source());
                let why =
                    format!("what an answer told for it does not match `{wanted}`; sign in again, or correct `from`");
                return Err(context.unfit(format!("the variable `{name}`"), why));
            }
            if variable.secret {
                secret.insert(name.to_owned(), SecretSource::Value(value.clone()));
            } else {
                plain.insert(name.to_owned(), text.to_owned());
            }
        }
        let values = self.values.with_captured(&context, plain)?;
        let endpoints = Endpoints::resolve(
            &context,
            &self.choice.as_deref().cloned().unwrap_or_default(),
            &values,
            &self.client_id,
            self.metadata.as_deref(),
        )?;
        let mut inputs = self.inputs.clone();
        inputs.secrets = inputs.secrets.into_iter().chain(secret).collect();
        let endpoints = Arc::new(endpoints);
        Ok(Self { values, endpoints, inputs, ..self.clone() })
    }
}

/// Whether a text that an answer told may be this variable's value.
pub(crate) fn fits(variable: &Variable, text: &str) -> bool {
    variable.r#type.admits(text) && variable.pattern.as_ref().is_none_or(|pattern| pattern.matches_whole(text))
}

//! What a credential gives: client, user, and where each secret is.

use std::{collections::BTreeMap, path::PathBuf};

use keyway_component::{
    ClientFile, Component, CredentialFile, Secret, SecretRef,
    component::RetryOverride,
    credential::{OAuth2Choice, STANDARD_INPUTS, STANDARD_SECRETS, parse_authorization_params},
};

use super::{AccountError, Context, Inline};
use crate::{
    secrets::{Sealed, SecretSource, without_line_break},
    store::StoreKey,
};

/// The inputs of an account.
#[derive(Debug, Clone)]
pub(crate) struct Inputs {
    pub(crate) client_id: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) redirect_uri: Option<String>,
    /// `client_secret`, `password`, `code`, `code_verifier`, `refresh_token` and secret variables.
    pub(crate) secrets: Box<[(String, SecretSource)]>,
}

// === impl Inputs ===

impl Inputs {
    pub(crate) fn new(
        context: &Context<'_>,
        file: &CredentialFile,
        client: Option<ClientFile>,
        inline: Inline,
        key: Option<&StoreKey>,
    ) -> Self {
        let source = |owner: &str, name: &str, at: &SecretRef| match at {
            SecretRef::Sealed(text) => SecretSource::Sealed(Box::new(Sealed {
                component: context.component.name.clone(),
                places: context.component.secret_places(),
                owner: owner.to_owned(),
                name: name.to_owned(),
                text: text.clone(),
                key: key.cloned(),
            })),
            other => SecretSource::Reference(other.clone()),
        };
        let mut secrets = BTreeMap::new();
        // What the account says itself lies over what its client says.
        if let (Some(client), Some(name)) = (&client, &file.client) {
            let owner = client_owner(name);
            secrets.extend(client.secrets.iter().map(|(name, at)| (name.clone(), source(&owner, name, at))));
        }
        secrets.extend(file.secrets.iter().map(|(name, at)| (name.clone(), source(context.name, name, at))));
        secrets.extend(inline.into_iter().map(|(name, secret)| (name, SecretSource::Value(secret))));
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (id, uri) = client.map(|client| (client.client_id, client.redirect_uri)).unzip();
        Self {
            client_id: given(&file.client_id).or(id),
            username: given(&file.username),
            redirect_uri: given(&file.redirect_uri).or(uri.flatten()),
            secrets: secrets.into_iter().collect(),
        }
    }

    pub(crate) fn secret(&self, name: &str) -> Option<&SecretSource> {
        self.secrets.iter().find(|(known, _)| known == name).map(|(_, source)| source)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        match name {
            "client_id" => self.client_id.is_some(),
            "username" => self.username.is_some(),
            "redirect_uri" => self.redirect_uri.is_some(),
            secret => self.secret(secret).is_some(),
        }
    }
}

/// Under which name the secrets of a client are sealed. No account is named like this.
#[must_use]
pub fn client_owner(name: &str) -> String {
    format!("client {name}")
}

/// Environment variables as the same file that a person could have written, with the secrets beside it.
pub(crate) fn from_variables(
    component: &Component,
    values: &BTreeMap<String, Secret>,
    name: &str,
) -> Result<(CredentialFile, Inline), AccountError> {
    let prefix = Component::variable_prefix(&component.name);
    let mut inline = Inline::new();
    let mut secrets = BTreeMap::new();
    let get = |input: &str| values.get(&format!("{prefix}{}", input.to_ascii_uppercase()));
    let file_of = |input: &str| values.get(&format!("{prefix}{}_FILE", input.to_ascii_uppercase()));
    let twice = |input: &str| get(input).is_some() && file_of(input).is_some();
    let inputs =
        STANDARD_SECRETS.iter().chain(STANDARD_INPUTS).copied().chain(component.variables.keys().map(String::as_str));
    if let Some(input) =
        inputs.chain(["grant", "environment", "scope", "authorization_params"]).find(|input| twice(input))
    {
        let variable = format!("{prefix}{}", input.to_ascii_uppercase());
        return Err(AccountError::Unfit {
            component: component.name.clone(),
            name: name.to_owned(),
            what: format!("`{variable}`"),
            why: format!("both {variable} and {variable}_FILE are set, and they may differ; unset one"),
        });
    }
    let plain = |input: &str| -> Result<Option<String>, AccountError> {
        match (get(input), file_of(input)) {
            (Some(value), _) => Ok(Some(value.expose_secret_text().to_owned())),
            (None, Some(path)) => read_plain(component, name, input, path.expose_secret_text()).map(Some),
            (None, None) => Ok(None),
        }
    };
    let secret_variables =
        component.variables.iter().filter(|(_, variable)| variable.secret).map(|(name, _)| name.as_str());
    for input in STANDARD_SECRETS.iter().copied().chain(secret_variables) {
        if let Some(value) = get(input) {
            inline.insert(input.to_owned(), value.clone());
        } else if let Some(path) = file_of(input) {
            secrets.insert(input.to_owned(), SecretRef::File(PathBuf::from(path.expose_secret_text())));
        }
    }
    let mut variables = BTreeMap::new();
    for (input, _) in
        component.variables.iter().filter(|(name, variable)| !variable.secret && !is_fixed(component, name))
    {
        if let Some(value) = plain(input)? {
            variables.insert(input.clone(), value);
        }
    }
    let mut standard = Vec::new();
    for input in STANDARD_INPUTS {
        standard.push(plain(input)?);
    }
    let [client_id, username, redirect_uri] = standard.try_into().unwrap_or_default();
    let scope =
        plain("scope")?.map(|scope| scope.split([' ', ',']).filter(|s| !s.is_empty()).map(str::to_owned).collect());
    let authorization_params = match plain("authorization_params")? {
        None => BTreeMap::new(),
        Some(text) => parse_authorization_params(&text).map_err(|why| AccountError::Unfit {
            component: component.name.clone(),
            name: name.to_owned(),
            what: format!("`{prefix}AUTHORIZATION_PARAMS`"),
            why,
        })?,
    };
    let file = CredentialFile {
        schema: None,
        keyway: keyway_component::component::FORMAT,
        component: component.name.clone(),
        name: Some(name.to_owned()),
        environment: plain("environment")?,
        grant: plain("grant")?,
        client: None,
        client_id,
        username,
        redirect_uri,
        scope,
        authorization_params,
        variables,
        secrets,
        retry: RetryOverride::default(),
        oauth2: OAuth2Choice::default(),
    };
    Ok((file, inline))
}

/// Whether every environment of the component sets the variable: then nobody else does.
fn is_fixed(component: &Component, name: &str) -> bool {
    component.environments.values().all(|values| values.contains_key(name))
}

fn read_plain(component: &Component, name: &str, input: &str, path: &str) -> Result<String, AccountError> {
    let text = std::fs::read_to_string(path).map_err(|error| AccountError::Unfit {
        component: component.name.clone(),
        name: name.to_owned(),
        what: format!("`{input}`"),
        why: format!("the file `{path}` cannot be read: {error}; check path and permissions"),
    })?;
    Ok(without_line_break(&text).to_owned())
}

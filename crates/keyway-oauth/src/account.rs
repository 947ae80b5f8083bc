//! An account: a credential resolved against its component. No call is made and no secret file is read for it.

mod endpoints;
mod grant;
mod inputs;
mod values;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use keyway_component::{
    Component, CredentialFile, Faults, Redactor, Secret, SecretRef, Template, UrlForm, check_credential,
    component::{ClientAuthMethod, Encoding, Retry, RetryOverride},
};

pub use endpoints::Endpoints;
pub use grant::{Grant, grant_inputs};
use inputs::Inputs;
pub use values::Values;

use crate::{
    credential::{Credential, CredentialSource},
    secrets::SecretSource,
};

/// A credential with everything filled in.
#[derive(Debug)]
pub struct Account {
    /// The component.
    pub component: Arc<Component>,
    /// The environment's name.
    pub environment: String,
    /// The credential's name.
    pub name: String,
    /// Where the credential came from.
    pub origin: AccountOrigin,
    /// How the first token is got.
    pub grant: Grant,
    /// The client's identifier.
    pub client_id: String,
    /// The scope to ask for.
    pub scope: Vec<String>,
    /// Where tokens are got and where messages go.
    pub endpoints: Endpoints,
    /// How token requests are encoded.
    pub encoding: Encoding,
    /// The retry rules: the component's, then the credential's, then the command's.
    pub retry: Retry,
    /// Values that templates may name and that are no secrets.
    pub values: Values,
    pub(crate) inputs: Inputs,
}

/// Where a credential came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountOrigin {
    /// A file.
    File,
    /// Environment variables, or a map of the same names.
    Variables,
    /// Values given in code.
    Given,
    /// A simulator.
    Demo,
}

/// What a command's flags change about every account.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The environment of accounts that name none.
    pub environment: Option<String>,
    /// The grant.
    pub grant: Option<String>,
    /// Retry rules.
    pub retry: RetryOverride,
}

/// A credential that does not make an account. All of these are found before a message is read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The credential file has faults.
    #[error("{0}")]
    Faults(Box<Faults>),
    /// Inputs are missing.
    #[error("the account `{name}` of `{component}` lacks {missing}; {hint}")]
    Missing {
        /// The component's name.
        component: String,
        /// The credential's name.
        name: String,
        /// The inputs, by the names under which this kind of credential gives them.
        missing: String,
        /// What to do.
        hint: String,
    },
    /// Two grants are possible.
    #[error("the account `{name}` of `{component}` could use the grants {grants}; say which one with {how}")]
    AmbiguousGrant {
        /// The component's name.
        component: String,
        /// The credential's name.
        name: String,
        /// The grants' names.
        grants: String,
        /// Where the choice is written.
        how: String,
    },
    /// The component has several environments, and none was named.
    #[error(
        "`{component}` has the environments {known}, and production secrets must not meet a sandbox; name one with {how}"
    )]
    NoEnvironment {
        /// The component's name.
        component: String,
        /// Its environments.
        known: String,
        /// Where the choice is written.
        how: String,
    },
    /// A value does not fit.
    #[error("{what} of the account `{name}` of `{component}`: {why}")]
    Unfit {
        /// The component's name.
        component: String,
        /// The credential's name.
        name: String,
        /// What the value is.
        what: String,
        /// What is wrong, and what to do.
        why: String,
    },
}

// === impl Account ===

impl Account {
    /// Resolves a credential.
    ///
    /// # Errors
    /// Whatever keeps it from being used, with what to do.
    pub fn resolve(
        component: &Arc<Component>,
        credential: &Credential,
        over: &Overrides,
    ) -> Result<Self, AccountError> {
        let origin = credential.origin();
        let (file, inline) = match &credential.source {
            CredentialSource::Variables { values, .. } => inputs::from_variables(component, values, &credential.name)?,
            CredentialSource::Given(file) => (file.as_ref().clone(), Default::default()),
            CredentialSource::File { path, text, private } => {
                (read_file(component, &path.display().to_string(), text, *private)?, Default::default())
            }
        };
        let context = Context { component, name: file.name.as_deref().unwrap_or(&credential.name), origin };
        if origin == AccountOrigin::Given && file.secrets.values().any(|secret| matches!(secret, SecretRef::Command(_)))
        {
            return Err(context
                .unfit("a secret", "commands run only from a credential file; give the value another way".to_owned()));
        }
        let environment = context.environment(file.environment.as_deref().or(over.environment.as_deref()))?;
        let values = Values::resolve(&context, &environment, &file)?;
        let inputs = Inputs::new(&file, inline);
        let wanted = over.grant.as_deref().or(file.grant.as_deref());
        let grant = grant::choose(&context, wanted, &inputs, &values)?;
        let endpoints = Endpoints::resolve(&context, &file, &values)?;
        let client_id = inputs.client_id.clone().unwrap_or_default();
        Ok(Self {
            environment,
            name: context.name.to_owned(),
            origin,
            grant,
            client_id,
            scope: file.scope.clone().unwrap_or_else(|| component.oauth2.scope.default.clone()),
            encoding: endpoints.encoding,
            endpoints,
            retry: component.retry.with(&file.retry).with(&over.retry),
            values,
            inputs,
            component: Arc::clone(component),
        })
    }

    /// `component/environment/name`, as logs call it.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}/{}/{}", self.component.name, self.environment, self.name)
    }

    /// Whether a token can be got again and again without a person: all inputs of the grant are kept.
    #[must_use]
    pub fn mints_anew(&self) -> bool {
        !matches!(self.grant, Grant::AuthorizationCode | Grant::RefreshToken)
    }

    /// A plain value that headers and queries of the API may name: a variable, or the client's id.
    #[must_use]
    pub fn plain(&self, name: &str) -> Option<&str> {
        if name == "client_id" { Some(&self.client_id) } else { self.values.get(name) }
    }

    /// Whether the credential says where a secret is.
    #[must_use]
    pub fn has_secret(&self, name: &str) -> bool {
        self.inputs.has(name)
    }

    /// How this account's credential calls an input: `PODIO_CLIENT_ID` in the environment, `client_id` in a file.
    #[must_use]
    pub fn input_name(&self, name: &str) -> String {
        input_name(&self.component.name, self.origin, name)
    }

    /// Whether the client authenticates with a secret.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.component.oauth2.token_endpoint_auth_method != ClientAuthMethod::None
    }

    /// The scope as one text, joined as the component says.
    #[must_use]
    pub fn scope_text(&self) -> String {
        self.scope.join(&self.component.oauth2.scope.separator)
    }

    /// What tells this account from another one that has the same name.
    pub(crate) fn fingerprint_parts(&self) -> Vec<String> {
        let mut parts = vec![
            self.grant.name().to_owned(),
            self.client_id.clone(),
            self.inputs.username.clone().unwrap_or_default(),
            self.scope_text(),
            self.endpoints.token.to_string(),
            self.endpoints.base_url.to_string(),
        ];
        parts.extend(self.values.iter().map(|(name, value)| format!("{name}={value}")));
        parts
    }

    /// Whether the secrets in environment variables and files are there. Commands are not run for it.
    ///
    /// # Errors
    /// The first that is not, with what to do.
    pub async fn check_secrets(&self) -> Result<(), String> {
        for (name, source) in &self.inputs.secrets {
            if !matches!(source, SecretSource::Reference(SecretRef::Command(_))) {
                self.read_secret(name).await.map_err(|why| format!("{why} (account `{}`)", self.label()))?;
            }
        }
        Ok(())
    }

    /// A secret as it is now, by its name; `None` where the credential does not say where it is. A secret variable
    /// obeys its pattern like any other.
    pub(crate) async fn read_secret(&self, name: &str) -> Result<Option<Secret>, String> {
        let Some(source) = self.inputs.secrets.get(name) else { return Ok(None) };
        let secret = source
            .read()
            .await
            .map_err(|error| format!("the secret {} cannot be had: {error}", self.input_name(name)))?;
        let pattern = self.component.variables.get(name).and_then(|variable| variable.pattern.as_ref());
        match pattern.filter(|pattern| !pattern.matches_whole(secret.expose_secret_text())) {
            Some(pattern) => {
                let (name, pattern) = (self.input_name(name), pattern.source());
                Err(format!("the secret {name} does not match `{pattern}`; look it up again"))
            }
            None => Ok(Some(secret)),
        }
    }

    /// Fills a template that may name secrets, and makes those known to the redactor.
    ///
    /// # Errors
    /// A secret that cannot be read, or a name without a value.
    pub async fn fill_with_secrets(&self, template: &Template, redactor: &Redactor) -> Result<Secret, String> {
        let mut secrets = BTreeMap::new();
        for name in template.names() {
            if let Some(secret) = self.read_secret(name).await? {
                redactor.know(&self.inputs_label(), &secret);
                secrets.insert(name, secret);
            }
        }
        let lookup = |name: &str| {
            self.plain(name).or_else(|| secrets.get(name).map(Secret::expose_secret_text)).map(Cow::Borrowed)
        };
        template.render(lookup).map(Secret::new).map_err(|error| error.to_string())
    }

    /// Makes the secrets that are at hand known to the redactor.
    pub fn register_secrets(&self, redactor: &Redactor) {
        redactor.add_names(self.component.secret_names.iter().map(String::as_str));
        let secret_variables = self.component.variables.iter().filter(|(_, variable)| variable.secret);
        redactor.add_names(secret_variables.map(|(name, _)| name.as_str()));
        for source in self.inputs.secrets.values() {
            if let SecretSource::Value(secret) = source {
                redactor.know(&self.inputs_label(), secret);
            }
        }
    }

    /// The redactor's owner of the account's inputs. They must not be crowded out by tokens that come and go.
    pub(crate) fn inputs_label(&self) -> String {
        format!("{} inputs", self.label())
    }
}

fn read_file(component: &Component, path: &str, text: &str, private: bool) -> Result<CredentialFile, AccountError> {
    let find = |name: &str| (name == component.name).then_some(component);
    let checked = check_credential(path, text, find).map_err(|faults| AccountError::Faults(Box::new(faults)))?;
    let commands = checked.value.secrets.iter().find(|(_, secret)| matches!(secret, SecretRef::Command(_)));
    if let Some((name, _)) = commands.filter(|_| !private) {
        return Err(AccountError::Unfit {
            component: component.name.clone(),
            name: path.to_owned(),
            what: format!("the secret `{name}`"),
            why: "others can write this file, so its commands are not run; run `chmod go-w` on it".to_owned(),
        });
    }
    Ok(checked.value)
}

impl Credential {
    fn origin(&self) -> AccountOrigin {
        match &self.source {
            CredentialSource::File { .. } => AccountOrigin::File,
            CredentialSource::Variables { demo: true, .. } => AccountOrigin::Demo,
            CredentialSource::Variables { .. } => AccountOrigin::Variables,
            CredentialSource::Given(_) => AccountOrigin::Given,
        }
    }
}

/// What every step of resolving needs to make its errors useful.
pub(crate) struct Context<'a> {
    pub(crate) component: &'a Component,
    pub(crate) name: &'a str,
    pub(crate) origin: AccountOrigin,
}

// === impl Context ===

impl Context<'_> {
    pub(crate) fn unfit(&self, what: impl Into<String>, why: String) -> AccountError {
        let (component, name) = (self.component.name.clone(), self.name.to_owned());
        AccountError::Unfit { component, name, what: what.into(), why }
    }

    /// How this kind of credential calls an input: `PODIO_CLIENT_ID` or `client_id`.
    pub(crate) fn input_name(&self, name: &str) -> String {
        input_name(&self.component.name, self.origin, name)
    }

    fn environment(&self, named: Option<&str>) -> Result<String, AccountError> {
        let known: Vec<&str> = self.component.environments.keys().map(String::as_str).collect();
        // An account without a file says nothing about where it belongs, so a default would only be a guess.
        let implied = match self.origin {
            AccountOrigin::File | AccountOrigin::Given => self.component.implied_environment(),
            AccountOrigin::Variables | AccountOrigin::Demo => {
                self.component.implied_environment().filter(|_| known.len() == 1)
            }
        };
        match named.or(implied) {
            Some(name) if known.contains(&name) => Ok(name.to_owned()),
            Some(name) => {
                Err(self.unfit("the environment", format!("there is no `{name}`; there is: {}", known.join(", "))))
            }
            None => Err(AccountError::NoEnvironment {
                component: self.component.name.clone(),
                known: known.join(", "),
                how: format!("--environment or {}", self.input_name("environment")),
            }),
        }
    }
}

/// How a kind of credential calls an input.
fn input_name(component: &str, origin: AccountOrigin, name: &str) -> String {
    match origin {
        AccountOrigin::Variables | AccountOrigin::Demo => {
            format!("{}{}", Component::variable_prefix(component), name.to_ascii_uppercase())
        }
        AccountOrigin::File | AccountOrigin::Given => format!("`{name}`"),
    }
}

/// Fills a URL template of a component with an account's plain values.
pub(crate) fn fill(template: &Template, values: &Values) -> Result<String, keyway_component::TemplateError> {
    template.render_url(UrlForm::Endpoint, |name| values.get(name).map(Cow::Borrowed))
}

/// Secrets that stand in the credential itself, by name.
pub(crate) type Inline = BTreeMap<String, Secret>;

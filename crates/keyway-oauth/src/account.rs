//! An account: a credential resolved against its component. No call is made and no secret file is read for it.

mod captured;
mod client;
mod context;
mod endpoints;
mod error;
mod grant;
mod inputs;
mod values;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use keyway_component::{
    Component, CredentialFile, Origin, Redactor, Secret, SecretRef, StandIns, Template, UrlForm, check_credential,
    component::{Authorization, Encoding, RefreshWith, Retry, RetryOverride},
    credential::{OAuth2Choice, RESERVED_PARAMS},
};

pub(crate) use captured::fits;
pub(crate) use context::Context;
use context::input_name;
pub use endpoints::Endpoints;
pub use error::AccountError;
pub use grant::{Grant, grant_inputs};
use inputs::Inputs;
pub use inputs::client_owner;
pub use values::Values;

use url::Url;

use crate::{
    credential::{Credential, CredentialSource},
    exchange::second,
    freshness::RenewalRule,
    metadata::Metadata,
    random,
    secrets::SecretSource,
    store::StoreKey,
};

/// A credential with everything filled in that is known before a token is there.
#[derive(Debug, Clone)]
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
    /// What is laid over the authorization request, after the component's own: `None` leaves a parameter out.
    pub authorization_params: BTreeMap<String, Option<String>>,
    /// Where tokens are got and where messages go.
    pub endpoints: Arc<Endpoints>,
    /// How token requests are encoded.
    pub encoding: Encoding,
    /// The retry rules: the component's, then the credential's, then the command's.
    pub retry: Retry,
    /// Values that templates may name and that are no secrets.
    pub values: Values,
    pub(crate) inputs: Inputs,
    /// What the credential chooses; most choose nothing.
    choice: Option<Box<OAuth2Choice>>,
    /// What the server tells about itself, once it was asked.
    metadata: Option<Arc<Metadata>>,
    /// The path of a credential file that lies in no folder of credentials.
    pub(crate) place: Option<String>,
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

/// What a host adds to every account.
#[derive(Debug, Clone, Default)]
pub struct AccountSettings {
    /// The environment of accounts that name none.
    pub environment: Option<String>,
    /// The grant.
    pub grant: Option<String>,
    /// Retry rules over those of the credential.
    pub retry: RetryOverride,
    /// The folder of clients that credentials share by name.
    pub clients: Option<PathBuf>,
    /// The key that sealed secrets open with.
    pub key: Option<StoreKey>,
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
        settings: &AccountSettings,
    ) -> Result<Self, AccountError> {
        let origin = credential.origin();
        let (file, inline) = match &credential.source {
            CredentialSource::Variables { values, .. } => inputs::from_variables(component, values, &credential.name)?,
            CredentialSource::Given(file) => (file.as_ref().clone(), Default::default()),
            CredentialSource::File { path, text, private, .. } => {
                (read_file(component, &path.display().to_string(), text, *private)?, Default::default())
            }
        };
        let context = Context { component, name: file.name.as_deref().unwrap_or(&credential.name), origin };
        if origin == AccountOrigin::Given && file.secrets.values().any(|secret| matches!(secret, SecretRef::Command(_)))
        {
            return Err(context
                .unfit("a secret", "commands run only from a credential file; give the value another way".to_owned()));
        }
        if let (Some(own), Some(wanted)) = (&file.environment, &settings.environment)
            && own != wanted
        {
            let why = format!(
                "the credential is of `{own}`, and `{wanted}` was asked for; name a credential of that environment"
            );
            return Err(context.unfit("the environment", why));
        }
        // A file's lint has said so already; variables and values given in code meet no lint.
        if let Some(name) = file.authorization_params.keys().find(|name| RESERVED_PARAMS.contains(&name.as_str())) {
            let why = format!("`{name}` is Keyway's own in this request; take it out");
            return Err(context.unfit("the authorization parameters", why));
        }
        let environment = context.environment(file.environment.as_deref().or(settings.environment.as_deref()))?;
        let values = Values::resolve(&context, &environment, &file)?;
        context.refuse_unasked(&values)?;
        let client =
            file.client.as_deref().map(|name| client::read(&context, name, &environment, settings)).transpose()?;
        let inputs = Inputs::new(&context, &file, client, inline, settings.key.as_ref());
        let wanted = settings.grant.as_deref().or(file.grant.as_deref());
        let grant = grant::choose(&context, wanted, &inputs, &values)?;
        let endpoints =
            Endpoints::resolve(&context, &file.oauth2, &values, inputs.client_id.as_deref().unwrap_or_default(), None)?;
        let client_id = inputs.client_id.clone().unwrap_or_default();
        Ok(Self {
            environment,
            name: context.name.to_owned(),
            origin,
            grant,
            client_id,
            authorization_params: file.authorization_params.clone(),
            scope: match &file.scope {
                Some(scope) => scope.clone(),
                None => context.default_scope(&values)?,
            },
            encoding: endpoints.encoding,
            endpoints: Arc::new(endpoints),
            retry: component.retry.with(&file.retry).with(&settings.retry),
            values,
            inputs,
            choice: Some(Box::new(file.oauth2.clone())).filter(|choice| **choice != OAuth2Choice::default()),
            metadata: None,
            place: credential.place(),
            component: Arc::clone(component),
        })
    }

    /// How a person signs in to this account, as a part of a sentence.
    #[must_use]
    pub fn sign_in_hint(&self) -> String {
        let who = match self.origin {
            AccountOrigin::File => self.place.as_ref().unwrap_or(&self.name),
            AccountOrigin::Variables | AccountOrigin::Demo => &self.component.name,
            AccountOrigin::Given => return "let a person sign in, and redeem the code that comes of it".to_owned(),
        };
        match self.grant {
            Grant::RefreshToken => format!("get a new refresh token and pipe it into `keyway token import {who}`"),
            _ => format!("run `keyway login {who}`"),
        }
    }

    /// The redirect URI that the credential names.
    #[must_use]
    pub fn redirect_uri(&self) -> Option<&str> {
        self.inputs.redirect_uri.as_deref()
    }

    /// `component/environment/name`, as logs call it.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}/{}/{}", self.component.name, self.environment, self.name)
    }

    /// Whether a token can be got again and again without a person: all inputs of the grant are kept.
    #[must_use]
    pub fn mints_anew(&self) -> bool {
        !self.grant.is_one_time()
    }

    /// The names of the secrets that say whose token it is. What only shows who the client is does not.
    pub(crate) fn identifying_secrets(&self) -> Vec<String> {
        let names = match &self.grant {
            Grant::AuthorizationCode => vec!["code".to_owned()],
            Grant::RefreshToken => vec!["refresh_token".to_owned()],
            Grant::TokenExchange => vec!["subject_token".to_owned()],
            Grant::JwtBearer => {
                let is_secret = |name: &String| self.component.variables.get(name).is_some_and(|known| known.secret);
                self.grant.needs(&self.component).into_iter().filter(is_secret).collect()
            }
            _ => return Vec::new(),
        };
        names.into_iter().filter(|name| self.inputs.has(name)).collect()
    }

    /// Whether the access token itself renews it.
    #[must_use]
    pub fn renews_with_access_token(&self) -> bool {
        let grant = self.component.oauth2.grants.refresh_token.as_ref();
        grant.is_some_and(|grant| grant.with == RefreshWith::AccessToken) && !self.grant.is_unasked()
    }

    /// How many requests, one after the other, a new token may take.
    pub(crate) fn requests_for_a_token(&self) -> u32 {
        let second = if self.component.oauth2.second_exchange.is_some() { second::ATTEMPTS } else { 0 };
        1 + second
    }

    /// When its tokens are renewed.
    #[must_use]
    pub fn renewal_rule(&self) -> RenewalRule {
        let margin = self.component.oauth2.renewal_margin_s.map(|seconds| Duration::from_secs(seconds.into()));
        RenewalRule { margin, itself: self.renews_with_access_token() && !self.mints_anew() }
    }

    /// Where the token stands in a request.
    #[must_use]
    pub fn authorizations(&self) -> Vec<&Authorization> {
        let (api, grants) = (&self.component.api, &self.component.oauth2.grants);
        let own = match &self.grant {
            Grant::ApiKey => grants.api_key.as_ref().and_then(|grant| grant.authorization.as_ref()),
            Grant::Basic => grants.basic.as_ref().map(|grant| &grant.authorization),
            Grant::SignedJwt => grants.signed_jwt.as_ref().and_then(|grant| grant.authorization.as_ref()),
            _ => None,
        };
        match own {
            Some(own) => vec![own],
            None => [&api.authorization].into_iter().chain(&api.additional_authorizations).collect(),
        }
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

    /// The scope as one text, joined as the component says.
    #[must_use]
    pub fn scope_text(&self) -> String {
        self.scope.join(&self.component.oauth2.scope.separator)
    }

    /// Whether its scope is another one than the component's own.
    #[must_use]
    pub fn has_own_scope(&self) -> bool {
        let default = self.component.oauth2.scope.default.iter();
        let default = default.map(|template| template.render(|name| self.plain(name).map(Cow::Borrowed)));
        !default.eq(self.scope.iter().map(|scope| Ok(scope.clone())))
    }

    /// What tells this account from another one that has the same name.
    pub(crate) fn fingerprint_parts(&self) -> Vec<String> {
        let mut parts = vec![
            self.grant.name().to_owned(),
            self.client_id.clone(),
            self.inputs.username.clone().unwrap_or_default(),
            self.scope_text(),
            self.endpoints.token.as_ref().map(Url::to_string).unwrap_or_default(),
            // A host that the token tells is another one after every sign-in elsewhere, and the account is the same.
            self.endpoints.base_url.as_ref().map_or_else(|| self.component.api.base_url.to_string(), Url::to_string),
        ];
        // Where the server tells its endpoints, its name stands for them.
        if self.component.oauth2.asks_issuer() {
            parts.extend(self.endpoints.issuer.as_ref().map(|issuer| format!("iss={issuer}")));
        }
        // Whatever host a token goes to: a component of the same name that leads it elsewhere does not find it. Another
        // endpoint of the same host changes nothing, so that a component may grow.
        let endpoints = &self.endpoints;
        let more = [&endpoints.revocation, &endpoints.device_authorization, &endpoints.second].into_iter().flatten();
        let oauth = more.chain([&endpoints.token, &endpoints.refresh].into_iter().flatten()).filter_map(Origin::of);
        let api = endpoints.api_origins.iter().filter(|(_, with_token)| *with_token).map(|(origin, _)| origin.clone());
        let hosts: BTreeSet<String> = oauth.chain(api).map(|origin| origin.to_string()).collect();
        parts.extend(hosts);
        parts.extend(endpoints.late_token_origins.iter().cloned());
        parts.extend(self.values.iter().map(|(name, value)| format!("{name}={value}")));
        // A tenant or a resource makes another token of the same client.
        let params = self.authorization_params.iter();
        parts.extend(params.map(|(name, value)| format!("?{name}={}", value.as_deref().unwrap_or_default())));
        // Two files of one name in two folders are two accounts.
        parts.extend(self.place.as_ref().map(|place| format!("@{place}")));
        parts
    }

    /// Whether the secrets in environment variables and files are there. Commands are not run for it.
    ///
    /// # Errors
    /// The first that is not, with what to do.
    pub async fn check_secrets(&self) -> Result<(), String> {
        for (name, source) in &*self.inputs.secrets {
            if !matches!(source, SecretSource::Reference(SecretRef::Command(_))) {
                self.read_secret(name).await.map_err(|why| format!("{why} (account `{}`)", self.label()))?;
            }
        }
        Ok(())
    }

    /// Whether each secret can be had now, programs included, by the name that its credential gives it.
    pub async fn try_secrets(&self) -> Vec<(String, Result<(), String>)> {
        let mut tried = Vec::new();
        for (name, _) in &*self.inputs.secrets {
            tried.push((name.clone(), self.read_secret(name).await.map(|_| ())));
        }
        tried
    }

    /// A secret as it is now, by its name; `None` where the credential does not say where it is. A secret variable
    /// obeys its pattern like any other.
    pub(crate) async fn read_secret(&self, name: &str) -> Result<Option<Secret>, String> {
        let Some(source) = self.inputs.secret(name) else { return Ok(None) };
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

    /// Fills a template that may name what is new for every request: `{uuid}` and `{timestamp}`.
    ///
    /// # Errors
    /// A name without a value, or a machine without randomness.
    pub fn fill_anew(&self, template: &Template, now: SystemTime) -> Result<String, String> {
        let uuid = random::uuid().map_err(|error| format!("the machine gives no randomness: {error}"))?;
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs().to_string();
        let lookup = |name: &str| match name {
            "uuid" => Some(uuid.as_str()),
            "timestamp" => Some(seconds.as_str()),
            other => self.plain(other),
        };
        template.render(|name| lookup(name).map(Cow::Borrowed)).map_err(|error| error.to_string())
    }

    /// Makes the secrets that are at hand known to the redactor.
    pub fn register_secrets(&self, redactor: &Redactor) {
        redactor.add_names(self.component.secret_names.iter().map(String::as_str));
        let secret_variables = self.component.variables.iter().filter(|(_, variable)| variable.secret);
        redactor.add_names(secret_variables.map(|(name, _)| name.as_str()));
        let code = self.component.oauth2.grants.authorization_code.as_ref().map(|grant| grant.code_param.as_str());
        redactor.add_names(code);
        for (_, source) in &*self.inputs.secrets {
            if let SecretSource::Value(secret) = source {
                redactor.know(&self.inputs_label(), secret);
            }
        }
    }

    /// Each input of the account by its own name: for what is written down of its requests.
    ///
    /// # Errors
    /// A secret that cannot be read, with what to do.
    pub async fn stand_ins(&self) -> Result<StandIns, String> {
        let mut names = StandIns::default();
        for (name, _) in &*self.inputs.secrets {
            if let Some(secret) = self.read_secret(name).await? {
                names.add(&secret, name);
            }
        }
        names.add_whole(&self.client_id, "client_id");
        if let Some(username) = &self.inputs.username {
            names.add_whole(username, "username");
        }
        Ok(names)
    }

    /// The redactor's owner of the account's inputs. They must not be crowded out by tokens that come and go.
    pub(crate) fn inputs_label(&self) -> String {
        format!("{} inputs", self.label())
    }
}

fn read_file(component: &Component, path: &str, text: &str, private: bool) -> Result<CredentialFile, AccountError> {
    let find = |name: &str| (name == component.name).then_some(component);
    let checked = check_credential(path, text, find).map_err(|faults| AccountError::Faults(Box::new(faults)))?;
    refuse_commands(component, path, &checked.value.secrets, private)?;
    Ok(checked.value)
}

/// Programs are run only for a file that its owner alone can write.
fn refuse_commands(
    component: &Component,
    path: &str,
    secrets: &BTreeMap<String, SecretRef>,
    private: bool,
) -> Result<(), AccountError> {
    match secrets.iter().find(|(_, secret)| matches!(secret, SecretRef::Command(_))) {
        Some((name, _)) if !private => Err(AccountError::Unfit {
            component: component.name.clone(),
            name: path.to_owned(),
            what: format!("the secret `{name}`"),
            why: "others can write this file, so its commands are not run; run `chmod go-w` on it".to_owned(),
        }),
        _ => Ok(()),
    }
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

/// Fills a URL template of a component with an account's plain values.
pub(crate) fn fill(template: &Template, values: &Values) -> Result<String, keyway_component::TemplateError> {
    template.render_url(UrlForm::Endpoint, |name| values.get(name).map(Cow::Borrowed))
}

/// Secrets that stand in the credential itself, by name.
pub(crate) type Inline = BTreeMap<String, Secret>;

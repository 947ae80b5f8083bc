//! Replaying recorded exchanges: a component is proven without a network and without a secret.

mod compare;
mod file;
mod keys;
mod wire;

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use keyway_component::{
    Component, Secret,
    component::RetryOverride,
    credential::{STANDARD_INPUTS, STANDARD_SECRETS},
    nearest,
};
use keyway_http::{Clock, NoJitter};
use keyway_oauth::{Credential, ExpirySource, StoreError, Token, TokenSource, grant_inputs, sign_in::SignInError};
use serde_json::{Map, Value};
use url::form_urlencoded;

pub(crate) use self::file::generated_schema;
pub use self::file::{Exchange, ExchangeFile, RecordedRequest, RecordedResponse, RecordedToken, exchanges_schema};
use self::{compare::differences, keys::signing_key, wire::Recorded};
use crate::{
    builder::BuildError,
    host::{ConnectError, Host},
    lines::Line,
};

/// When recorded exchanges happen, unless they say otherwise: 2026-01-01T00:00:00Z.
const NEW_YEAR_S: u64 = 1_767_225_600;

/// Where a person comes back to whose credential does not say.
const REDIRECT_URI: &str = "https://redirect.example/";

/// What an account has beside its inputs.
const SETTINGS: [&str; 3] = ["environment", "grant", "scope"];

/// Why exchanges cannot be replayed at all.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The component cannot be used.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The account of the exchanges does not fit the component.
    #[error("the exchange's `account` does not fit: {0}")]
    Connect(#[from] ConnectError),
    /// The account of the exchanges names something that is no input.
    #[error("the exchange's `account` has `{name}`, which is no input of the component{hint}")]
    Unknown {
        /// The member.
        name: String,
        /// What may be meant, as a part of a sentence.
        hint: String,
    },
    /// The token of the exchanges cannot be had.
    #[error("the exchange's `token` cannot be used: {0}")]
    Token(#[from] StoreError),
    /// Nobody can sign in to the account of the exchanges.
    #[error("the exchange's `callback` cannot be used: {0}")]
    SignIn(#[from] SignInError),
}

/// A clock that stands still.
struct Still(SystemTime);

impl Clock for Still {
    fn now(&self) -> SystemTime {
        self.0
    }
}

/// Runs the messages of a file against its recorded answers, and says what differs from the record, a sentence each.
/// Nothing differs: the component does what it did when it was recorded. No server is asked and nothing is stored; the
/// clock stands still, and retries follow each other at once.
///
/// # Errors
/// The component or the account cannot be used.
pub async fn replay(
    component_file: &Path,
    component: &Component,
    file: &ExchangeFile,
) -> Result<Vec<String>, ReplayError> {
    check_inputs(component, file)?;
    let recorded = Recorded::new(&file.exchanges);
    let now = file.now.unwrap_or_else(|| SystemTime::UNIX_EPOCH + Duration::from_secs(NEW_YEAR_S));
    let host = Host::builder()
        .component_file(component_file)
        .override_component(&component.name)
        .transport(recorded.clone())
        .clock(Still(now))
        .jitter(NoJitter)
        .retry(RetryOverride { delay_ms: Some(1), ..file.retry })
        .concurrency(1)
        .build()?;
    let connection = host.connect(account(component, file))?;
    if let Some(token) = &file.token {
        connection.tokens().adopt(held(token, now)).await?;
    }
    if let Some(callback) = &file.callback {
        let code = file.account.get("code").map_or("code", String::as_str);
        sign_in(connection.tokens(), callback, code).await?;
    }
    let lines: Vec<Line> = file.messages.iter().map(|message| Line::Whole(Bytes::from(message.to_string()))).collect();
    let outcomes: Vec<_> = host.run_in_order(stream::iter(lines)).collect().await;
    host.close().await;

    let mut found = recorded.differences();
    if outcomes.len() != file.outcomes.len() {
        found.push(format!("there are {} outcomes, and {} are recorded", outcomes.len(), file.outcomes.len()));
    }
    for (n, (outcome, recorded)) in outcomes.iter().zip(&file.outcomes).enumerate() {
        let mut line = Vec::new();
        // Memory takes it, and it is JSON.
        let _ = outcome.write_line(&mut line);
        let written: Value = serde_json::from_slice(&line).unwrap_or_default();
        // Whatever else differs, this is why.
        if let (Err(failure), None) = (&outcome.result, recorded.get("error")) {
            let why = host.redactor().text(&failure.message).into_owned();
            found.push(format!("outcome {} is a failure ({}): {why}", n + 1, failure.code));
        }
        differences(&format!("outcome {}", n + 1), recorded, &written, &mut found);
    }
    Ok(found)
}

/// A member of `account` that nothing reads would be a value that somebody believes in.
fn check_inputs(component: &Component, file: &ExchangeFile) -> Result<(), ReplayError> {
    let own = component.variables.keys().map(String::as_str);
    let known: Vec<&str> =
        STANDARD_INPUTS.iter().chain(STANDARD_SECRETS).chain(&SETTINGS).copied().chain(own).collect();
    let Some(name) = file.account.keys().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    let hint = nearest(name, known).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    Err(ReplayError::Unknown { name: keyway_component::printable(name, 60), hint })
}

/// The account of the exchanges: what they give, and for all else that its grant takes the input's own name.
fn account(component: &Component, file: &ExchangeFile) -> Credential {
    let grants = component.grant_names();
    let first = grants.iter().find(|grant| **grant != "refresh_token").or(grants.first()).copied().unwrap_or_default();
    let grant = file.account.get("grant").map_or(first, String::as_str);
    let mut inputs = grant_inputs(component, grant);
    inputs.extend(["client_id", "client_secret"].map(str::to_owned));
    inputs.extend(component.oauth2.auth_method_of(grant).secret().map(str::to_owned));
    inputs.extend(component.variables.iter().filter(|(_, variable)| variable.secret).map(|(name, _)| name.clone()));
    let mut values: Vec<(String, String)> = vec![("grant".to_owned(), grant.to_owned())];
    if component.environments.len() > 1 {
        let environment = component.default_environment.as_ref().or(component.environments.keys().next());
        values.extend(environment.map(|name| ("environment".to_owned(), name.clone())));
    }
    // A sign-in brings a code of its own.
    if file.callback.is_some() {
        inputs.retain(|name| !["code", "code_verifier"].contains(&name.as_str()));
    }
    // Redirect URIs and keys have a form of their own.
    let stand_in = |name: String| match name.as_str() {
        "redirect_uri" => (name, REDIRECT_URI.to_owned()),
        "private_key" => (name, signing_key(component, grant).to_owned()),
        _ => (name.clone(), name),
    };
    values.extend(inputs.into_iter().map(stand_in));
    values.retain(|(name, _)| !file.account.contains_key(name));
    let given = file.account.iter().filter(|(name, _)| file.callback.is_none() || *name != "code");
    values.extend(given.map(|(name, value)| (name.clone(), value.clone())));
    let prefix = Component::variable_prefix(&component.name);
    let variables = values.into_iter().map(|(name, value)| (format!("{prefix}{}", name.to_ascii_uppercase()), value));
    Credential::from_vars(&component.name, variables)
}

/// A token that was there before.
fn held(recorded: &RecordedToken, now: SystemTime) -> Token {
    Token {
        access_token: Secret::new(recorded.access_token.as_str()),
        refresh_token: recorded.refresh_token.as_deref().map(Secret::new),
        obtained_at: recorded.obtained_at.unwrap_or(now),
        expires_at: recorded.expires_at,
        expiry_source: recorded.expires_at.map_or(ExpirySource::Unknown, |_| ExpirySource::Answer),
        scope: None,
        extra: Map::new(),
        dpop_key: None,
        captured: recorded.captured.iter().map(|(name, value)| (name.clone(), Secret::new(value.as_str()))).collect(),
        begun_with: None,
    }
}

/// A person signs in, and the server answers with these parameters beside `code` and `state`.
async fn sign_in(tokens: &TokenSource, callback: &BTreeMap<String, String>, code: &str) -> Result<(), ReplayError> {
    tokens.discover().await.map_err(SignInError::from)?;
    let request = tokens.authorization_request(tokens.account().redirect_uri().unwrap_or(REDIRECT_URI))?;
    let grant = tokens.account().component.oauth2.grants.authorization_code.clone().unwrap_or_default();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair(&grant.code_param, code).append_pair(&grant.state_param, request.state());
    query.extend_pairs(callback);
    let code = request.read_pasted(&format!("?{}", query.finish())).map_err(SignInError::from)?;
    tokens.redeem_code(request, code).await.map_err(SignInError::from)?;
    Ok(())
}

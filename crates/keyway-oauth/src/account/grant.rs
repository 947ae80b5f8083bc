//! Which grant an account uses, and what it needs for that.

use keyway_component::{
    Component,
    component::{Assertion, ClientAuthMethod, CodeChallengeMethod, RefreshWith, SigningAlgorithm},
};

use super::{AccountError, AccountOrigin, Context, Values, inputs::Inputs};

/// How the first token is got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// RFC 6749 section 4.4.
    ClientCredentials,
    /// RFC 6749 section 4.1, from a code that is at hand.
    AuthorizationCode,
    /// RFC 6749 section 4.3.
    Password,
    /// RFC 8628.
    DeviceCode,
    /// RFC 7523 section 2.1.
    JwtBearer,
    /// RFC 8693.
    TokenExchange,
    /// A key, for which nothing is asked.
    ApiKey,
    /// RFC 7617, for which nothing is asked.
    Basic,
    /// A JWT that the account signs, for which nothing is asked.
    SignedJwt,
    /// RFC 6749 section 6, from a refresh token that was got elsewhere.
    RefreshToken,
    /// One of the component's own, by its name.
    Custom(String),
}

// === impl Grant ===

impl Grant {
    /// As it is written in files.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AuthorizationCode => "authorization_code",
            Self::Password => "password",
            Self::DeviceCode => "device_code",
            Self::JwtBearer => "jwt_bearer",
            Self::TokenExchange => "token_exchange",
            Self::ApiKey => "api_key",
            Self::Basic => "basic",
            Self::SignedJwt => "signed_jwt",
            Self::RefreshToken => "refresh_token",
            Self::Custom(name) => name,
        }
    }

    fn named(name: &str) -> Self {
        match name {
            "client_credentials" => Self::ClientCredentials,
            "authorization_code" => Self::AuthorizationCode,
            "password" => Self::Password,
            "device_code" => Self::DeviceCode,
            "jwt_bearer" => Self::JwtBearer,
            "token_exchange" => Self::TokenExchange,
            "api_key" => Self::ApiKey,
            "basic" => Self::Basic,
            "signed_jwt" => Self::SignedJwt,
            "refresh_token" => Self::RefreshToken,
            other => Self::Custom(other.to_owned()),
        }
    }

    /// What it needs beside the client: names of inputs.
    pub(super) fn needs(&self, component: &Component) -> Vec<String> {
        let oauth2 = &component.oauth2;
        let names: Vec<&str> = match self {
            Self::ClientCredentials => Vec::new(),
            Self::AuthorizationCode => {
                let pkce = oauth2.grants.authorization_code.as_ref().map(|grant| grant.code_challenge_method);
                if pkce == Some(CodeChallengeMethod::S256) { vec!["code", "code_verifier"] } else { vec!["code"] }
            }
            Self::Password => vec!["username", "password"],
            Self::DeviceCode => vec!["device_code"],
            Self::TokenExchange => vec!["subject_token"],
            Self::JwtBearer => {
                let assertion = oauth2.grants.jwt_bearer.iter().map(|grant| &grant.assertion);
                assertion.flat_map(|assertion| signs_with(assertion, is_made)).collect()
            }
            // No client is needed but where the JWT names one.
            Self::SignedJwt => {
                let made = |name: &str| is_made(name) && !matches!(name, "client_id" | "client_secret");
                let assertion = oauth2.grants.signed_jwt.iter().map(|grant| &grant.assertion);
                assertion.flat_map(|assertion| signs_with(assertion, made)).collect()
            }
            Self::ApiKey => oauth2.grants.api_key.iter().flat_map(|grant| grant.token.names()).collect(),
            Self::Basic => {
                let grant = oauth2.grants.basic.iter();
                grant.flat_map(|grant| grant.username.names().chain(grant.password.names())).collect()
            }
            Self::RefreshToken => vec!["refresh_token"],
            Self::Custom(name) => {
                let params = oauth2.custom_grants.get(name).map(|grant| &grant.token_params);
                let named = params
                    .into_iter()
                    .flat_map(|params| params.values().flatten().flat_map(keyway_component::JsonTemplate::names));
                named.filter(|name| !is_made(name)).collect()
            }
        };
        names.into_iter().map(str::to_owned).collect()
    }

    /// Whether no server is asked for its token, and no client is needed.
    pub(crate) fn is_unasked(&self) -> bool {
        matches!(self, Self::ApiKey | Self::Basic | Self::SignedJwt)
    }

    /// Whether its inputs are used up by the first request, so that a stored token has to stand for them.
    pub(super) fn is_one_time(&self) -> bool {
        matches!(self, Self::AuthorizationCode | Self::DeviceCode | Self::RefreshToken)
    }
}

/// What a JWT needs: its key, and what it names that is not made for it.
fn signs_with(assertion: &Assertion, made: fn(&str) -> bool) -> impl Iterator<Item = &str> {
    let key = assertion.algorithm.unwrap_or(SigningAlgorithm::RS256).key();
    [key].into_iter().chain(assertion.names().filter(move |name| !made(name)))
}

/// Whether Keyway or the client has it at hand, so that no grant asks for it.
fn is_made(name: &str) -> bool {
    matches!(name, "client_id" | "client_secret" | "scope" | "timestamp" | "uuid" | "redirect_uri")
}

/// The named grant, or the one whose inputs are complete. Where the inputs of one contain those of another, the one
/// that uses more of what was given is meant: a client that also gives user and password wants the grant `password`.
pub(crate) fn choose(
    context: &Context<'_>,
    wanted: Option<&str>,
    inputs: &Inputs,
    values: &Values,
) -> Result<Grant, AccountError> {
    let mut names = context.component.grant_names();
    // Where the access token renews itself, nobody has a refresh token to begin with.
    let renewal = context.component.oauth2.grants.refresh_token.as_ref();
    if renewal.is_some_and(|grant| grant.with == RefreshWith::AccessToken) {
        names.retain(|name| *name != "refresh_token");
    }
    let has = |name: &String| inputs.has(name) || values.get(name).is_some();
    let client = |grant: &str| missing_client(context, grant, inputs);
    if let Some(wanted) = wanted {
        if !names.contains(&wanted) {
            return Err(context.unfit("the grant", format!("there is no `{wanted}`; there is: {}", names.join(", "))));
        }
        let grant = Grant::named(wanted);
        let needs = grant.needs(context.component);
        let mut missing = if grant.is_unasked() { Vec::new() } else { client(wanted) };
        if !grant.is_one_time() {
            missing.extend(needs.into_iter().filter(|name| !has(name)));
        }
        return if missing.is_empty() { Ok(grant) } else { Err(lacks(context, &missing, &[])) };
    }
    let complete: Vec<(Grant, Vec<String>)> = names
        .iter()
        .map(|name| Grant::named(name))
        .map(|grant| (grant.clone(), grant.needs(context.component)))
        .filter(|(grant, _)| grant.is_unasked() || client(grant.name()).is_empty())
        .filter(|(_, needs)| needs.iter().all(has))
        .collect();
    // What is missing for all grants is missed, before the inputs of any one.
    let mut missing = names.iter().map(|name| client(name));
    let missed = missing
        .next()
        .map(|first| missing.fold(first, |all, of| all.into_iter().filter(|name| of.contains(name)).collect()));
    if let Some(missed) = missed.filter(|missed| complete.is_empty() && !missed.is_empty()) {
        return Err(lacks(context, &missed, &names));
    }
    let contained = |needs: &[String]| {
        complete.iter().any(|(_, other)| other.len() > needs.len() && needs.iter().all(|name| other.contains(name)))
    };
    let mut meant: Vec<Grant> =
        complete.iter().filter(|(_, needs)| !contained(needs)).map(|(grant, _)| grant.clone()).collect();
    match (meant.pop(), meant.is_empty()) {
        (Some(grant), true) => Ok(grant),
        (Some(last), false) => {
            let grants: Vec<&str> = meant.iter().chain([&last]).map(Grant::name).collect();
            Err(AccountError::AmbiguousGrant {
                component: context.component.name.clone(),
                name: context.name.to_owned(),
                grants: grants.join(" and "),
                how: context.input_name("grant"),
            })
        }
        (None, _) => Err(lacks(context, &[], &names)),
    }
}

/// What a grant of a component takes beside the client: names of inputs, those that may be left out included. What a
/// device asks for itself is none.
#[must_use]
pub fn grant_inputs(component: &Component, name: &str) -> Vec<String> {
    let grant = Grant::named(name);
    match grant {
        Grant::DeviceCode => Vec::new(),
        Grant::AuthorizationCode => {
            let mut inputs = grant.needs(component);
            inputs.push("redirect_uri".to_owned());
            inputs
        }
        _ => grant.needs(component),
    }
}

fn missing_client(context: &Context<'_>, grant: &str, inputs: &Inputs) -> Vec<String> {
    let oauth2 = &context.component.oauth2;
    // A vendor's own request may name no client at all.
    let leaves_it_out =
        || oauth2.asking(grant).is_some_and(|own| matches!(own.token_params.get("client_id"), Some(None)));
    let method = oauth2.auth_method_of(grant);
    let client_id = (method != ClientAuthMethod::None || !leaves_it_out()).then_some("client_id");
    let needed = [client_id, method.secret()];
    needed.into_iter().flatten().filter(|name| !inputs.has(name)).map(str::to_owned).collect()
}

fn lacks(context: &Context<'_>, missing: &[String], grants: &[&str]) -> AccountError {
    let each = |names: &[String]| names.iter().map(|name| context.input_name(name)).collect::<Vec<_>>().join(", ");
    let by_grant: Vec<String> = grants
        .iter()
        .map(|name| (*name, grant_inputs(context.component, name)))
        .map(|(name, inputs)| if inputs.is_empty() { name.to_owned() } else { format!("{name} ({})", each(&inputs)) })
        .collect();
    let lacks_a_grant = missing.is_empty();
    let missing = if lacks_a_grant { "the inputs of any grant".to_owned() } else { each(missing) };
    let mut hint = match context.origin {
        AccountOrigin::Variables | AccountOrigin::Demo => {
            "set what is missing in the environment, as …_FILE if it is a mounted secret".to_owned()
        }
        AccountOrigin::File | AccountOrigin::Given => "add what is missing to the credential".to_owned(),
    };
    if !by_grant.is_empty() {
        hint = format!("{hint}. Beside the client, one of: {}", by_grant.join("; "));
    }
    // Nobody has a code before a sign-in; the grant alone says that there is to be one.
    let sign_in = grants.iter().find(|grant| matches!(**grant, "authorization_code" | "device_code"));
    if let Some(grant) = sign_in.filter(|_| lacks_a_grant) {
        let name = context.input_name("grant");
        hint = format!("{hint}. For a person who signs in, set {name} to `{grant}` and run `keyway login`");
    }
    AccountError::Missing { component: context.component.name.clone(), name: context.name.to_owned(), missing, hint }
}

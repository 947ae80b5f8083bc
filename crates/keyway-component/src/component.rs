//! The component file: how one API is reached.

mod action;
mod api;
mod assertion;
mod capture;
mod grant;
mod oauth2;
mod pagination;
mod policy;
mod revocation;
mod second_exchange;
mod static_grant;
mod variable;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use action::{Action, BodyEncoding, FilePart, ListSeparator, Part};
pub use api::{AdditionalOrigin, Api, Authorization, FailureRule, Idempotency};
pub use assertion::{Assertion, Claims, SigningAlgorithm};
pub use capture::{ApiResponse, Capture, Item, JwtClaim, JwtToken};
pub use grant::{
    Asking, AuthorizationCodeGrant, ClientCredentialsGrant, CodeChallengeMethod, CustomGrant, DeviceCodeGrant,
    GrantTokenRequest, Grants, JwtBearerGrant, Params, PasswordGrant, RefreshTokenGrant, RefreshWith,
    TokenExchangeGrant, TokenParams,
};
pub use oauth2::{
    AlternativeTokenEndpoint, ClientAuthMethod, Encoding, ExpiryUnit, OAuth2, Scope, SuccessRule, TokenRequest,
    TokenRequestMethod, TokenResponse,
};
pub use pagination::{Counted, Cursor, NextPage, Pagination};
pub use policy::{
    AnswerMatch, Backoff, BodyWait, ResetHeader, ResetUnit, Retry, RetryOverride, Throttle, ThrottleWait, TokenRejected,
};
pub use revocation::{RevocationRequest, RevokedToken};
pub use second_exchange::SecondExchange;
pub use static_grant::{ApiKeyGrant, BasicGrant, SignedJwtGrant};
pub use variable::{Variable, VariableType};

/// The version of the file format that this Keyway reads.
pub const FORMAT: u64 = 1;

/// One API: its environments, its OAuth2 client authentication, token endpoint, grants and scopes, its retry rules
/// and its actions.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Keyway component")]
pub struct Component {
    /// Where the JSON Schema of this file is; for editors.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Version of the file format: 1.
    #[schemars(range(min = 1))]
    pub keyway: u64,
    /// The name by which commands, credentials and messages call it: lower case, digits, hyphens.
    #[schemars(regex(pattern = "^[a-z][a-z0-9-]{0,63}$"))]
    pub name: String,
    /// The API's name for people.
    pub title: String,
    /// This file's own version.
    pub version: String,
    /// What the API is, in a sentence.
    #[serde(default)]
    pub description: Option<String>,
    /// Where its vendor documents it.
    #[serde(default)]
    pub documentation: Option<String>,
    /// How a person gets a key.
    #[serde(default)]
    pub setup: Setup,
    /// Named sets of variable values, such as `production` and `sandbox`. Accounts, hosts and tokens of two
    /// environments never mix.
    #[schemars(extend("minProperties" = 1))]
    pub environments: BTreeMap<String, BTreeMap<String, String>>,
    /// The environment of a credential file that names none. An account made of environment variables has to name
    /// one where there are several.
    #[serde(default)]
    pub default_environment: Option<String>,
    /// Values that templates may name, beside the standard ones.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// How a token is got.
    pub oauth2: OAuth2,
    /// How the API is called.
    pub api: Api,
    /// Which answers of the API mean that the token, and nothing else, was refused. Absent: every 401.
    #[serde(default)]
    pub token_rejected: TokenRejected,
    /// When and how often a failed request is sent again.
    #[serde(default)]
    pub retry: Retry,
    /// How the API says "slower".
    #[serde(default)]
    pub throttle: Throttle,
    /// The action that shows whether an account works: the name of one of `actions`.
    #[serde(default)]
    pub verify: Option<String>,
    /// Calls with a name, which messages may ask for instead of a method and a URL.
    #[serde(default)]
    pub actions: BTreeMap<String, Action>,
    /// More names of headers, parameters and members whose values are secrets.
    #[serde(default)]
    pub secret_names: Vec<String>,
}

/// How a person gets a key for the API.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The page where a client is registered.
    #[serde(default)]
    pub registration_url: Option<String>,
    /// What to do there, a sentence a step.
    #[serde(default)]
    pub steps: Vec<String>,
}

// === impl Component ===

impl Component {
    /// The environment an account without one is in: the default, or the only one.
    #[must_use]
    pub fn implied_environment(&self) -> Option<&str> {
        let only = || self.environments.keys().next().filter(|_| self.environments.len() == 1);
        self.default_environment.as_deref().or_else(|| only().map(String::as_str))
    }

    /// Names of all grants, standard and its own.
    #[must_use]
    pub fn grant_names(&self) -> Vec<&str> {
        let custom = self.oauth2.custom_grants.keys().map(String::as_str);
        self.oauth2.grants.names().into_iter().chain(custom).collect()
    }

    /// The authorities that get secrets or tokens of an account, as the file writes them (`https://{host}.podero.com`),
    /// sorted and joined by spaces. What is sealed for an account is bound to them: a file of the same name that leads
    /// secrets elsewhere does not open it.
    #[must_use]
    pub fn secret_places(&self) -> String {
        let oauth2 = &self.oauth2;
        let others = oauth2.alternative_token_endpoints.iter().map(|other| &other.token_endpoint);
        let second = oauth2.second_exchange.as_ref().and_then(|second| second.endpoint.as_ref());
        let optional = [&oauth2.refresh_endpoint, &oauth2.revocation_endpoint, &oauth2.device_authorization_endpoint];
        let origins = self.api.additional_origins.iter().filter(|other| other.token).map(|other| &other.origin);
        let templates = oauth2
            .token_endpoint
            .iter()
            .chain([&self.api.base_url])
            .chain(others)
            .chain(second)
            .chain(optional.into_iter().flatten());
        let templates = templates.chain(oauth2.issuer.iter().filter(|_| oauth2.asks_issuer()));
        let places: std::collections::BTreeSet<&str> =
            templates.chain(origins).map(|template| authority(template.source())).collect();
        places.into_iter().collect::<Vec<_>>().join(" ")
    }

    /// Whether an answer tells a variable: itself, or something that its default names.
    #[must_use]
    pub fn is_told(&self, name: &str) -> bool {
        let (mut reached, mut seen) = (vec![name], std::collections::BTreeSet::new());
        while let Some(name) = reached.pop() {
            let Some(variable) = self.variables.get(name).filter(|_| seen.insert(name)) else { continue };
            if !variable.from.is_empty() {
                return true;
            }
            reached.extend(variable.default.iter().flat_map(crate::Template::names));
        }
        false
    }

    /// The prefix of its environment variables: `PODIO_` for `podio`, `MY_API_` for `my-api`.
    #[must_use]
    pub fn variable_prefix(name: &str) -> String {
        format!("{}_", name.to_ascii_uppercase().replace('-', "_"))
    }
}

/// A URL template up to the end of its authority.
pub(crate) fn authority(template: &str) -> &str {
    let begin = template.find("://").map_or(0, |at| at + 3);
    let end = template[begin..].find(['/', '?', '#']).map_or(template.len(), |at| begin + at);
    &template[..end]
}

#[cfg(test)]
mod tests {
    use super::authority;

    #[test]
    fn an_authority_ends_before_path_and_query() {
        let table = [
            ("https://{host}.podero.com/oauth2/token/", "https://{host}.podero.com"),
            ("https://a.test?x=1", "https://a.test"),
            ("https://a.test:8443", "https://a.test:8443"),
            ("{instance}/token", "{instance}"),
        ];
        for (template, wanted) in table {
            assert_eq!(authority(template), wanted);
        }
    }
}

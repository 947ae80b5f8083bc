//! The credential file: one account of one component.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::component::{Encoding, RetryOverride};

/// One account of one component. Secrets are references, never text.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Keyway credential")]
pub struct CredentialFile {
    /// Where the JSON Schema of this file is; for editors.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Version of the file format: 1.
    #[schemars(range(min = 1))]
    pub keyway: u64,
    /// The component's name.
    pub component: String,
    /// The account's name; the file's own name without `.json` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"))]
    pub name: Option<String>,
    /// The environment; the component's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The name of a file in the folder of clients that has `client_id` and the client's secrets: one client for many
    /// accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"))]
    pub client: Option<String>,
    /// How the first token is got; when absent, the one grant whose inputs are complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The client's identifier (RFC 6749 section 2.2). No secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The user's name, for the grant `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The redirect URI that the authorization request named, for the grant `authorization_code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// The scope to ask for instead of the component's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<String>>,
    /// More parameters of the authorization request, such as `"prompt": "consent"`; `null` leaves one out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub authorization_params: BTreeMap<String, Option<String>>,
    /// Values of the component's variables that are no secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// References to secrets: `client_secret`, `private_key`, `client_certificate` (PEM of the certificate that servers are
    /// shown, of its issuers, and of its private key), `subject_token`, `password`, `code`, `code_verifier`,
    /// `refresh_token`, and the component's secret variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretRef>,
    /// Retry rules of this account.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: RetryOverride,
    /// Another token endpoint or body, among those that the component allows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub oauth2: OAuth2Choice,
}

/// Where a secret is. It is read when a token is asked for, and again when the server refuses it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file, one final line break left out.
    File(PathBuf),
    /// What a program prints, one final line break left out. The first item is the program. Refused unless the
    /// credential file can be written by its owner alone.
    Command(Vec<String>),
    /// Here, encrypted with the key of the token store, and bound to this account and this secret. `keyway credential
    /// add` and `keyway credential set` write it.
    Sealed(String),
}

/// A client that many accounts share: a file in the folder of clients.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Keyway client")]
pub struct ClientFile {
    /// Where the JSON Schema of this file is; for editors.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Version of the file format: 1.
    #[schemars(range(min = 1))]
    pub keyway: u64,
    /// The component's name.
    pub component: String,
    /// The environment that the client is registered in; no other one gets its secret. Any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The client's identifier (RFC 6749 section 2.2). No secret.
    pub client_id: String,
    /// The redirect URI that is registered for it, where an account names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// References to the client's secrets: `client_secret`, `private_key`, and secret variables of the component.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretRef>,
}

/// The token endpoint and body of one account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2Choice {
    /// A token endpoint on a host that the component names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// The form of token requests.
    #[serde(default, skip_serializing_if = "is_default")]
    pub token_request: TokenRequestChoice,
}

/// The form of one account's token requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequestChoice {
    /// How the parameters travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
}

/// The secrets that every component knows, in the order in which they are asked for.
pub const STANDARD_SECRETS: &[&str] = &[
    "client_secret",
    "private_key",
    "client_certificate",
    "password",
    "code",
    "code_verifier",
    "refresh_token",
    "subject_token",
];

/// Parameters of the authorization request that are no credential's to set: they protect the sign-in, or are members
/// of the credential already.
pub const RESERVED_PARAMS: &[&str] = &[
    "state",
    "redirect_uri",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "client_id",
    "client_secret",
    "response_type",
    "scope",
];

/// The plain inputs that every component knows.
pub const STANDARD_INPUTS: &[&str] = &["client_id", "username", "redirect_uri"];

/// Reads `access_type:offline,prompt:consent`, as elastic.io's users write it.
///
/// # Errors
/// What is wrong with the text, as a sentence.
pub fn parse_authorization_params(text: &str) -> Result<BTreeMap<String, Option<String>>, String> {
    let mut params = BTreeMap::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let pair = part.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
        let (name, value) = pair
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
            .ok_or("it is no list of parameters; write `name:value,name:value`")?;
        if params.insert(name.to_owned(), Some(value.to_owned())).is_some() {
            return Err(format!("`{name}` stands in it twice; write it once"));
        }
    }
    Ok(params)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::parse_authorization_params;

    #[test]
    fn parameters_are_read_as_elastic_io_writes_them() {
        let read =
            parse_authorization_params("access_type:offline, prompt:consent,resource:https://a.example/x").unwrap();
        let pairs: Vec<(&str, &str)> = read.iter().map(|(n, v)| (n.as_str(), v.as_deref().unwrap())).collect();
        let wanted = [("access_type", "offline"), ("prompt", "consent"), ("resource", "https://a.example/x")];
        assert_eq!(pairs, wanted);
        assert!(parse_authorization_params("").unwrap().is_empty());
        for wrong in ["prompt", "prompt:", ":consent", "a:b,a:c"] {
            assert!(parse_authorization_params(wrong).is_err(), "{wrong}");
        }
    }
}

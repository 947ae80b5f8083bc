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
    #[serde(default)]
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"))]
    pub name: Option<String>,
    /// The environment; the component's default when absent.
    #[serde(default)]
    pub environment: Option<String>,
    /// How the first token is got; when absent, the one grant whose inputs are complete.
    #[serde(default)]
    pub grant: Option<String>,
    /// The client's identifier (RFC 6749 section 2.2). No secret.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The user's name, for the grant `password`.
    #[serde(default)]
    pub username: Option<String>,
    /// The redirect URI that the authorization request named, for the grant `authorization_code`.
    #[serde(default)]
    pub redirect_uri: Option<String>,
    /// The scope to ask for instead of the component's default.
    #[serde(default)]
    pub scope: Option<Vec<String>>,
    /// Values of the component's variables that are no secrets.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// References to secrets: `client_secret`, `password`, `code`, `code_verifier`, `refresh_token`, and the
    /// component's secret variables.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRef>,
    /// Retry rules of this account.
    #[serde(default)]
    pub retry: RetryOverride,
    /// Another token endpoint or body, among those that the component allows.
    #[serde(default)]
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
}

/// The token endpoint and body of one account.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2Choice {
    /// A token endpoint on a host that the component names.
    #[serde(default)]
    pub token_endpoint: Option<String>,
    /// The form of token requests.
    #[serde(default)]
    pub token_request: TokenRequestChoice,
}

/// The form of one account's token requests.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequestChoice {
    /// How the parameters travel.
    #[serde(default)]
    pub encoding: Option<Encoding>,
}

/// The secrets that every component knows, in the order in which they are asked for.
pub const STANDARD_SECRETS: &[&str] = &["client_secret", "password", "code", "code_verifier", "refresh_token"];

/// The plain inputs that every component knows.
pub const STANDARD_INPUTS: &[&str] = &["client_id", "username", "redirect_uri"];

//! `oauth2`: how a token is got.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{pointer::Pointer, template::Template};

/// Parameters laid over a standard request: a value adds or replaces one, `null` leaves it out.
pub type Params = BTreeMap<String, Option<Template>>;

/// How a token is got: endpoints, client authentication, scope, grants, and what the vendor does differently.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// Where a person signs in (RFC 6749 section 3.1). Needed by the grant `authorization_code`.
    #[serde(default)]
    pub authorization_endpoint: Option<Template>,
    /// Where tokens are got (RFC 6749 section 3.2).
    pub token_endpoint: Template,
    /// Where tokens are renewed, if that is another place than `token_endpoint`.
    #[serde(default)]
    pub refresh_endpoint: Option<Template>,
    /// Other token endpoints of the same vendor, which a credential may choose.
    #[serde(default)]
    pub alternative_token_endpoints: Vec<AlternativeTokenEndpoint>,
    /// How the client shows who it is. Declared, never found by probing.
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// The scope that is asked for.
    #[serde(default)]
    pub scope: Scope,
    /// The standard grants that this API has.
    #[serde(default)]
    pub grants: Grants,
    /// Grants of the vendor's own, by name.
    #[serde(default)]
    pub custom_grants: BTreeMap<String, CustomGrant>,
    /// The form of token requests.
    #[serde(default)]
    pub token_request: TokenRequest,
    /// Where things stand in token answers.
    #[serde(default)]
    pub token_response: TokenResponse,
    /// Whether an access token still works after a new one was got with its refresh token. Only then is a token
    /// renewed in the background before it must be.
    #[serde(default)]
    pub old_token_survives: bool,
    /// Days without use after which a refresh token dies.
    #[serde(default)]
    pub refresh_token_idle_days: Option<u32>,
}

/// A token endpoint that a credential may name instead of the component's own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlternativeTokenEndpoint {
    /// Its URL.
    pub token_endpoint: Template,
    /// The one body that it reads.
    pub encoding: Encoding,
}

/// How the client authenticates at the token endpoint. Names of RFC 7591 section 2, where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// HTTP Basic, id and secret form-encoded first (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// HTTP Basic with id and secret as they are (RFC 7617), for servers that do not decode them.
    ClientSecretBasicRaw,
    /// Id and secret in the body.
    ClientSecretPost,
    /// A public client: its id in the body, no secret.
    None,
}

/// The scope of a token.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// What is asked for when the credential says nothing.
    #[serde(default)]
    pub default: Vec<String>,
    /// What stands between two of them; RFC 6749 section 3.3 says a space.
    #[serde(default = "space")]
    pub separator: String,
}

/// The standard grants (RFC 6749 section 4). An absent one cannot be used.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// The client's own access (section 4.4).
    #[serde(default)]
    pub client_credentials: Option<ClientCredentialsGrant>,
    /// A person signs in in a browser (section 4.1).
    #[serde(default)]
    pub authorization_code: Option<AuthorizationCodeGrant>,
    /// A person's user name and password (section 4.3). RFC 9700 section 2.4 forbids it where anything else is there.
    #[serde(default)]
    pub password: Option<PasswordGrant>,
    /// Renewal without a person (section 6), and a start from a refresh token that was got elsewhere.
    #[serde(default)]
    pub refresh_token: Option<RefreshTokenGrant>,
}

/// The grant `client_credentials`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentialsGrant {
    /// Laid over the token request.
    #[serde(default)]
    pub token_params: Params,
}

/// The grant `authorization_code`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationCodeGrant {
    /// Whether the server takes PKCE (RFC 7636). With `S256` the exchange needs the `code_verifier`.
    #[serde(default)]
    pub code_challenge_method: CodeChallengeMethod,
    /// Laid over the token request.
    #[serde(default)]
    pub token_params: Params,
}

/// Whether PKCE is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CodeChallengeMethod {
    /// With a SHA-256 challenge (RFC 7636 section 4.2).
    #[default]
    S256,
    /// Not at all: the server does not know it.
    #[serde(rename = "none")]
    None,
}

/// The grant `password`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordGrant {
    /// Laid over the token request.
    #[serde(default)]
    pub token_params: Params,
}

/// The grant `refresh_token`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshTokenGrant {
    /// Laid over the token request.
    #[serde(default)]
    pub token_params: Params,
}

/// A grant of the vendor's own. Its inputs are the variables that its parameters name.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomGrant {
    /// The value of the parameter `grant_type`.
    #[schemars(length(min = 1))]
    pub grant_type: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// The parameters beside `grant_type` and client authentication.
    #[serde(default)]
    pub token_params: Params,
}

/// The form of token requests.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// How the parameters travel.
    #[serde(default)]
    pub encoding: Encoding,
    /// The encodings that `token_endpoint` is known to read. A credential that chooses another one is refused.
    /// Absent: nobody knows, a credential may choose.
    #[serde(default)]
    pub accepted_encodings: Option<Vec<Encoding>>,
    /// More headers of token requests.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
}

/// How the parameters of a token request travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// `application/x-www-form-urlencoded` (RFC 6749 section 4).
    #[default]
    Form,
    /// One JSON object.
    Json,
    /// In the query of a POST without a body. Secrets in a URL end in logs; the lint names it.
    Query,
}

/// Where things stand in a token answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenResponse {
    /// The access token.
    #[serde(default = "at_access_token")]
    pub access_token: Pointer,
    /// The refresh token.
    #[serde(default = "at_refresh_token")]
    pub refresh_token: Pointer,
    /// Seconds that the token lives, as a number or a string of one.
    #[serde(default = "at_expires_in")]
    pub expires_in: Pointer,
    /// When the token ends: seconds since 1970, or a date of RFC 3339. Read where `expires_in` is missing.
    #[serde(default)]
    pub expires_at: Option<Pointer>,
    /// The scope that was granted.
    #[serde(default = "at_scope")]
    pub scope: Pointer,
    /// Seconds that a token lives when the answer does not say.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub default_expires_in: Option<u64>,
}

fn space() -> String {
    " ".to_owned()
}

fn at_access_token() -> Pointer {
    Pointer::new("/access_token")
}

fn at_refresh_token() -> Pointer {
    Pointer::new("/refresh_token")
}

fn at_expires_in() -> Pointer {
    Pointer::new("/expires_in")
}

fn at_scope() -> Pointer {
    Pointer::new("/scope")
}

impl Default for Scope {
    fn default() -> Self {
        Self { default: Vec::new(), separator: space() }
    }
}

impl Default for TokenResponse {
    fn default() -> Self {
        Self {
            access_token: at_access_token(),
            refresh_token: at_refresh_token(),
            expires_in: at_expires_in(),
            expires_at: None,
            scope: at_scope(),
            default_expires_in: None,
        }
    }
}

// === impl Grants ===

impl Grants {
    /// The standard grants that are there, in a stable order.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        [
            ("client_credentials", self.client_credentials.is_some()),
            ("authorization_code", self.authorization_code.is_some()),
            ("password", self.password.is_some()),
            ("refresh_token", self.refresh_token.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, there)| there.then_some(name))
        .collect()
    }

    /// The overlays of the grants that are there, by name.
    #[must_use]
    pub fn overlays(&self) -> Vec<(&'static str, &Params)> {
        let all = [
            ("client_credentials", self.client_credentials.as_ref().map(|grant| &grant.token_params)),
            ("authorization_code", self.authorization_code.as_ref().map(|grant| &grant.token_params)),
            ("password", self.password.as_ref().map(|grant| &grant.token_params)),
            ("refresh_token", self.refresh_token.as_ref().map(|grant| &grant.token_params)),
        ];
        all.into_iter().filter_map(|(name, params)| Some((name, params?))).collect()
    }
}

// === impl Encoding ===

impl Encoding {
    /// As it is written in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Json => "json",
            Self::Query => "query",
        }
    }
}

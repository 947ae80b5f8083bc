//! `oauth2.grants` and `oauth2.custom_grants`: the ways to a token.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ApiKeyGrant, Assertion, BasicGrant, ClientAuthMethod, Encoding, SignedJwtGrant, TokenRequestMethod, TokenResponse,
};
use crate::{json_template::JsonTemplate, template::Template};

/// Parameters laid over an authorization request: a value adds or replaces one, `null` leaves it out.
pub type Params = BTreeMap<String, Option<Template>>;
/// Parameters laid over a token request: a value adds or replaces one, `null` leaves it out. Lists and objects are for
/// servers that read JSON; in a form a list is one parameter for each item.
pub type TokenParams = BTreeMap<String, Option<JsonTemplate>>;

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
    /// A person signs in on another device (RFC 8628).
    #[serde(default)]
    pub device_code: Option<DeviceCodeGrant>,
    /// A JWT that the client signs stands for a person or an account (RFC 7523 section 2.1).
    #[serde(default)]
    pub jwt_bearer: Option<JwtBearerGrant>,
    /// A token of another server is exchanged (RFC 8693).
    #[serde(default)]
    pub token_exchange: Option<TokenExchangeGrant>,
    /// A key instead of a token: nothing is asked for.
    #[serde(default)]
    pub api_key: Option<ApiKeyGrant>,
    /// User name and password with every request: nothing is asked for.
    #[serde(default)]
    pub basic: Option<BasicGrant>,
    /// A JWT that the account signs is its token: nothing is asked for.
    #[serde(default)]
    pub signed_jwt: Option<SignedJwtGrant>,
    /// Renewal without a person (section 6), and a start from a refresh token that was got elsewhere.
    #[serde(default)]
    pub refresh_token: Option<RefreshTokenGrant>,
}

/// The form of one grant's token requests. What it leaves out is as for all.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantTokenRequest {
    /// The method.
    #[serde(default)]
    pub method: Option<TokenRequestMethod>,
    /// How the parameters travel. It goes before what a credential chooses.
    #[serde(default)]
    pub encoding: Option<Encoding>,
}

/// How a grant asks for its token, where it has ways of its own.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'c> {
    /// How the client authenticates.
    pub auth_method: Option<ClientAuthMethod>,
    /// The form of its requests.
    pub token_request: &'c GrantTokenRequest,
    /// What is laid over them.
    pub token_params: &'c TokenParams,
}

/// The grant `client_credentials`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentialsGrant {
    /// How the client authenticates for this grant, where that is another way than `oauth2.token_endpoint_auth_method`.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// The form of this grant's requests, where it is another one than `oauth2.token_request`.
    #[serde(default)]
    pub token_request: GrantTokenRequest,
    /// Laid over the token request.
    #[serde(default)]
    pub token_params: TokenParams,
}

/// The grant `authorization_code`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationCodeGrant {
    /// Whether the server takes PKCE (RFC 7636). With `S256` the exchange needs the `code_verifier`.
    #[serde(default)]
    pub code_challenge_method: CodeChallengeMethod,
    /// Laid over the authorization request.
    #[serde(default)]
    pub authorization_params: Params,
    /// How the client authenticates for this grant, where that is another way than `oauth2.token_endpoint_auth_method`.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// The form of this grant's requests, where it is another one than `oauth2.token_request`.
    #[serde(default)]
    pub token_request: GrantTokenRequest,
    /// Laid over the token request.
    #[serde(default)]
    pub token_params: TokenParams,
    /// The parameter of the authorization response that is the code, where the vendor has a name of its own.
    #[serde(default = "code")]
    #[schemars(length(min = 1))]
    pub code_param: String,
    /// The parameter of both the authorization request and its response that holds the `state`.
    #[serde(default = "state")]
    #[schemars(length(min = 1))]
    pub state_param: String,
    /// The parameter of the authorization request that holds the redirect URI.
    #[serde(default = "redirect_uri")]
    #[schemars(length(min = 1))]
    pub redirect_uri_param: String,
    /// Where the page is that reads the parameters behind a `#` of the authorization endpoint: `oauth/authorize` makes
    /// `https://acme.example/#oauth/authorize?client_id=…`. RFC 6749 section 3.1 knows no such thing.
    #[serde(default)]
    pub authorization_fragment: Option<String>,
    /// Whether a redirect URI on this machine (RFC 8252 section 7.3) can be registered. Where it cannot, a sign-in needs
    /// the credential's `redirect_uri`, and the address that the browser ends at is pasted.
    #[serde(default = "yes")]
    pub loopback_redirect: bool,
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
    /// How the client authenticates for this grant, where that is another way than `oauth2.token_endpoint_auth_method`.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// The form of this grant's requests, where it is another one than `oauth2.token_request`.
    #[serde(default)]
    pub token_request: GrantTokenRequest,
    /// Laid over the token request.
    #[serde(default)]
    pub token_params: TokenParams,
}

/// The grant `urn:ietf:params:oauth:grant-type:device_code`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceCodeGrant {
    /// Laid over the device authorization request.
    #[serde(default)]
    pub authorization_params: Params,
    /// How the client authenticates for this grant, where that is another way than `oauth2.token_endpoint_auth_method`.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// The form of this grant's requests, where it is another one than `oauth2.token_request`.
    #[serde(default)]
    pub token_request: GrantTokenRequest,
    /// Laid over the token request.
    #[serde(default)]
    pub token_params: TokenParams,
}

/// The grant `refresh_token`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshTokenGrant {
    /// What a token is renewed with.
    #[serde(default)]
    pub with: RefreshWith,
    /// Whether the answer may leave the access token out: then the old one lives on, for `token_response.default_expires_in`
    /// where the answer does not say how long.
    #[serde(default)]
    pub keeps_access_token: bool,
    /// The value of `grant_type`, where the vendor has its own.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub grant_type: Option<String>,
    /// How the client authenticates for this grant, where that is another way than `oauth2.token_endpoint_auth_method`.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// The form of this grant's requests, where it is another one than `oauth2.token_request`.
    #[serde(default)]
    pub token_request: GrantTokenRequest,
    /// Laid over the token request.
    #[serde(default)]
    pub token_params: TokenParams,
    /// Where things stand in the answer to a renewal, where that is elsewhere than in other token answers.
    #[serde(default)]
    pub token_response: Option<Box<TokenResponse>>,
}

/// What a token is renewed with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefreshWith {
    /// Its refresh token (RFC 6749 section 6).
    #[default]
    RefreshToken,
    /// The access token itself, while it lives. It is the parameter `access_token`.
    AccessToken,
}

/// The grant `urn:ietf:params:oauth:grant-type:jwt-bearer`. The variables that its JWT names are its inputs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtBearerGrant {
    /// How the JWT is made. Its `iss` is the client's id; for whom it stands is the claim `sub`, which `claims` names.
    pub assertion: Assertion,
    /// How the client authenticates for this grant, where that is another way than `oauth2.token_endpoint_auth_method`.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// The form of this grant's requests, where it is another one than `oauth2.token_request`.
    #[serde(default)]
    pub token_request: GrantTokenRequest,
    /// Laid over the token request.
    #[serde(default)]
    pub token_params: TokenParams,
}

/// The grant `urn:ietf:params:oauth:grant-type:token-exchange`. Its input is the secret `subject_token`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenExchangeGrant {
    /// What `subject_token` is (RFC 8693 section 3).
    #[serde(default = "access_token_type")]
    pub subject_token_type: String,
    /// What is asked for; the server's choice when absent.
    #[serde(default)]
    pub requested_token_type: Option<String>,
    /// How the client authenticates for this grant, where that is another way than `oauth2.token_endpoint_auth_method`.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// The form of this grant's requests, where it is another one than `oauth2.token_request`.
    #[serde(default)]
    pub token_request: GrantTokenRequest,
    /// Laid over the token request.
    #[serde(default)]
    pub token_params: TokenParams,
}

fn access_token_type() -> String {
    "urn:ietf:params:oauth:token-type:access_token".to_owned()
}

/// A grant of the vendor's own. Its inputs are the variables that its parameters name.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomGrant {
    /// The value of the parameter `grant_type`; absent where the vendor's request has none.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub grant_type: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// How the client authenticates for this grant, where that is another way than `oauth2.token_endpoint_auth_method`.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// The form of this grant's requests, where it is another one than `oauth2.token_request`.
    #[serde(default)]
    pub token_request: GrantTokenRequest,
    /// The parameters beside `grant_type` and client authentication.
    #[serde(default)]
    pub token_params: TokenParams,
}

fn code() -> String {
    "code".to_owned()
}

fn state() -> String {
    "state".to_owned()
}

fn redirect_uri() -> String {
    "redirect_uri".to_owned()
}

fn yes() -> bool {
    true
}

impl Default for AuthorizationCodeGrant {
    fn default() -> Self {
        let (code_challenge_method, authorization_params, token_params) = Default::default();
        let (token_endpoint_auth_method, token_request) = Default::default();
        Self {
            code_challenge_method,
            authorization_params,
            token_params,
            token_endpoint_auth_method,
            token_request,
            authorization_fragment: None,
            code_param: code(),
            state_param: state(),
            redirect_uri_param: redirect_uri(),
            loopback_redirect: yes(),
        }
    }
}

/// What all grants that ask for a token have in common.
macro_rules! asking {
    ($grant:expr) => {
        Asking {
            auth_method: $grant.token_endpoint_auth_method,
            token_request: &$grant.token_request,
            token_params: &$grant.token_params,
        }
    };
}

// === impl CustomGrant ===

impl CustomGrant {
    /// How it asks for its token.
    #[must_use]
    pub fn asking(&self) -> Asking<'_> {
        asking!(self)
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
            ("device_code", self.device_code.is_some()),
            ("jwt_bearer", self.jwt_bearer.is_some()),
            ("token_exchange", self.token_exchange.is_some()),
            ("api_key", self.api_key.is_some()),
            ("basic", self.basic.is_some()),
            ("signed_jwt", self.signed_jwt.is_some()),
            ("refresh_token", self.refresh_token.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, there)| there.then_some(name))
        .collect()
    }

    /// How one of them asks for its token; `None` where it is absent, and for those that ask nobody.
    #[must_use]
    pub fn asking(&self, name: &str) -> Option<Asking<'_>> {
        match name {
            "client_credentials" => self.client_credentials.as_ref().map(|grant| asking!(grant)),
            "authorization_code" => self.authorization_code.as_ref().map(|grant| asking!(grant)),
            "password" => self.password.as_ref().map(|grant| asking!(grant)),
            "device_code" => self.device_code.as_ref().map(|grant| asking!(grant)),
            "jwt_bearer" => self.jwt_bearer.as_ref().map(|grant| asking!(grant)),
            "token_exchange" => self.token_exchange.as_ref().map(|grant| asking!(grant)),
            "refresh_token" => self.refresh_token.as_ref().map(|grant| asking!(grant)),
            _ => None,
        }
    }

    /// The overlays of the requests that come before a token request, by name.
    #[must_use]
    pub fn authorization_overlays(&self) -> Vec<(&'static str, &Params)> {
        let all = [
            ("authorization_code", self.authorization_code.as_ref().map(|grant| &grant.authorization_params)),
            ("device_code", self.device_code.as_ref().map(|grant| &grant.authorization_params)),
        ];
        all.into_iter().filter_map(|(name, params)| Some((name, params?))).collect()
    }
}

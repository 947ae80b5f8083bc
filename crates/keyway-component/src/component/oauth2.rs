//! `oauth2`: how a token is got.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Asking, Assertion, CustomGrant, Grants, RevocationRequest, SecondExchange, SigningAlgorithm};
use crate::{
    pointer::{Pointer, step},
    template::Template,
};

/// How a token is got: endpoints, client authentication, scope, grants, and what the vendor does differently.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// The authorization server's identifier (RFC 8414 section 2). An `iss` in its answers must be the very same text.
    /// Where an endpoint is left out that a grant needs, the server is asked for its metadata, whose `issuer` must be the
    /// same text too.
    #[serde(default)]
    pub issuer: Option<Template>,
    /// Whether the server names itself in every authorization response (RFC 9207 section 3): one without `iss` is then
    /// refused.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// Where a person signs in (RFC 6749 section 3.1). Needed by the grant `authorization_code`.
    #[serde(default)]
    pub authorization_endpoint: Option<Template>,
    /// Where tokens are got (RFC 6749 section 3.2). Left out where `issuer` tells it;
    /// the grants `api_key` and `basic` do without.
    #[serde(default)]
    pub token_endpoint: Option<Template>,
    /// Where tokens are renewed, if that is another place than `token_endpoint`.
    #[serde(default)]
    pub refresh_endpoint: Option<Template>,
    /// Where tokens are revoked (RFC 7009).
    #[serde(default)]
    pub revocation_endpoint: Option<Template>,
    /// How it is asked, where RFC 7009 does not say it.
    #[serde(default)]
    pub revocation_request: Option<RevocationRequest>,
    /// Where a device asks for a code that a person types in elsewhere (RFC 8628). Needed by the grant `device_code`.
    #[serde(default)]
    pub device_authorization_endpoint: Option<Template>,
    /// Other token endpoints of the same vendor, which a credential may choose.
    #[serde(default)]
    pub alternative_token_endpoints: Vec<AlternativeTokenEndpoint>,
    /// How the client shows who it is. Declared, never found by probing. A grant may have a way of its own.
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// How the JWT is made that shows who the client is. For `private_key_jwt` and `client_secret_jwt` only.
    #[serde(default)]
    pub client_assertion: Option<Assertion>,
    /// The scope that is asked for.
    #[serde(default)]
    pub scope: Scope,
    /// For whom tokens are meant: the parameter `audience` of every request for one.
    #[serde(default)]
    pub audience: Option<Template>,
    /// What tokens are meant for: the parameter `resource` of every request for one, as often as there are entries
    /// (RFC 8707 section 2).
    #[serde(default)]
    pub resource: Vec<Template>,
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
    /// Whether tokens are bound to a key that Keyway makes for them (RFC 9449): every request then has a proof. A server
    /// that gives another kind of token is refused.
    #[serde(default)]
    pub dpop: bool,
    /// A second request that follows every new token.
    #[serde(default)]
    pub second_exchange: Option<SecondExchange>,
    /// Whether an access token still works after a new one was got with its refresh token. Only then is a token
    /// renewed in the background before it must be.
    #[serde(default)]
    pub old_token_survives: bool,
    /// Seconds before its end at which a token is renewed, at most half of its lifetime. Absent: a minute, or a tenth of its
    /// lifetime if that is less.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub renewal_margin_s: Option<u32>,
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
    /// HTTP Basic with the secret as user name and no password, for servers whose keys need no id.
    ClientSecretAsUser,
    /// Id and secret in the body.
    ClientSecretPost,
    /// A JWT that the client's secret signs (RFC 7523 section 2.2, OpenID Connect Core section 9).
    ClientSecretJwt,
    /// A JWT that the client's private key signs (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// The certificate of the connection (RFC 8705 section 2.1): the id in the body, no secret. The host gives the
    /// certificate.
    TlsClientAuth,
    /// A public client: its id in the body, no secret.
    None,
}

/// The scope of a token.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// What is asked for when the credential says nothing. It may name variables.
    #[serde(default)]
    pub default: Vec<Template>,
    /// What stands between two of them; RFC 6749 section 3.3 says a space.
    #[serde(default = "space")]
    pub separator: String,
}

/// The form of token requests.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The method of token requests. RFC 6749 section 3.2 says POST; some servers read GET with a query only.
    #[serde(default)]
    pub method: TokenRequestMethod,
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

/// The method of token requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum TokenRequestMethod {
    /// As RFC 6749 section 3.2 says.
    #[default]
    Post,
    /// With `encoding` `query` only.
    Get,
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
    /// In the query, without a body. Secrets in a URL end in logs; the lint names it.
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
    /// How long the token lives, as a number or a string of one.
    #[serde(default = "at_expires_in")]
    pub expires_in: Pointer,
    /// When the token ends: time since 1970, or a date of RFC 3339. Read where `expires_in` is missing.
    #[serde(default)]
    pub expires_at: Option<Pointer>,
    /// The unit of both, where they are numbers. RFC 6749 section 5.1 says seconds.
    #[serde(default)]
    pub expiry_unit: ExpiryUnit,
    /// What marks a success, where a server answers refusals with status 200 too. Absent: a token and no `error`.
    #[serde(default)]
    pub success: Option<SuccessRule>,
    /// Values of `token_type` that mean a token for `api.authorization`, beside `Bearer` and its scheme (RFC 6749 section
    /// 7.1: a token of another type is not used).
    #[serde(default)]
    pub token_types: Vec<String>,
    /// The scope that was granted.
    #[serde(default = "at_scope")]
    pub scope: Pointer,
    /// Seconds that a token lives when the answer does not say.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub default_expires_in: Option<u64>,
    /// A member that stands in an answer without access token when the account asks for a second factor.
    #[serde(default)]
    pub second_factor: Option<Pointer>,
    /// The error's code, where an answer is a failure.
    #[serde(default = "at_error")]
    pub error: Pointer,
    /// What people are told about it.
    #[serde(default = "at_error_description")]
    pub error_description: Pointer,
    /// The vendor's own codes for `invalid_grant` (RFC 6749 section 5.2): the code or the refresh token is spent, revoked
    /// or wrong, and a person has to sign in again.
    #[serde(default)]
    pub invalid_grant: Vec<String>,
}

/// The unit of a lifetime or a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryUnit {
    /// Seconds.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// A member of a token answer that says whether it is one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuccessRule {
    /// Where the member stands.
    pub pointer: Pointer,
    /// The value that means success. Any other, and none, is a refusal.
    pub equals: Value,
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

fn at_error() -> Pointer {
    Pointer::new("/error")
}

fn at_error_description() -> Pointer {
    Pointer::new("/error_description")
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
            expiry_unit: ExpiryUnit::Seconds,
            success: None,
            token_types: Vec::new(),
            scope: at_scope(),
            default_expires_in: None,
            second_factor: None,
            error: at_error(),
            error_description: at_error_description(),
            invalid_grant: Vec::new(),
        }
    }
}

// === impl ClientAuthMethod ===

impl ClientAuthMethod {
    /// As it is written in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretBasicRaw => "client_secret_basic_raw",
            Self::ClientSecretAsUser => "client_secret_as_user",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::None => "none",
        }
    }

    /// The secret that it needs.
    #[must_use]
    pub fn secret(self) -> Option<&'static str> {
        match self {
            Self::ClientSecretBasic
            | Self::ClientSecretBasicRaw
            | Self::ClientSecretAsUser
            | Self::ClientSecretPost
            | Self::ClientSecretJwt => Some("client_secret"),
            Self::PrivateKeyJwt => Some("private_key"),
            Self::TlsClientAuth | Self::None => None,
        }
    }

    /// How its JWT is signed where the component does not say; `None` where it has none.
    #[must_use]
    pub fn default_algorithm(self) -> Option<SigningAlgorithm> {
        match self {
            Self::PrivateKeyJwt => Some(SigningAlgorithm::RS256),
            Self::ClientSecretJwt => Some(SigningAlgorithm::HS256),
            _ => None,
        }
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

// === impl OAuth2 ===

impl OAuth2 {
    /// How a grant, standard or the component's own, asks for its token.
    #[must_use]
    pub fn asking(&self, grant: &str) -> Option<Asking<'_>> {
        self.grants.asking(grant).or_else(|| self.custom_grants.get(grant).map(CustomGrant::asking))
    }

    /// All grants that ask for a token, with how they do: the pointer of each, its name, its ways.
    #[must_use]
    pub fn all_asking(&self) -> Vec<(String, &str, Asking<'_>)> {
        let standard = self.grants.names().into_iter();
        let standard =
            standard.filter_map(|name| Some((format!("/oauth2/grants/{name}"), name, self.grants.asking(name)?)));
        let custom = self.custom_grants.iter();
        let custom = custom
            .map(|(name, grant)| (format!("/oauth2/custom_grants/{}", step(name)), name.as_str(), grant.asking()));
        standard.chain(custom).collect()
    }

    /// How the client authenticates for a grant: as the grant says, else as the component says for all.
    #[must_use]
    pub fn auth_method_of(&self, grant: &str) -> ClientAuthMethod {
        self.asking(grant).and_then(|own| own.auth_method).unwrap_or(self.token_endpoint_auth_method)
    }

    /// The method of a grant's token requests.
    #[must_use]
    pub fn method_of(&self, grant: &str) -> TokenRequestMethod {
        self.asking(grant).and_then(|own| own.token_request.method).unwrap_or(self.token_request.method)
    }

    /// Whether an endpoint that a grant needs is left out, so that the issuer has to tell it. What the issuer tells then
    /// counts for all endpoints that are left out.
    #[must_use]
    pub fn asks_issuer(&self) -> bool {
        self.token_endpoint.is_none()
            || (self.grants.authorization_code.is_some() && self.authorization_endpoint.is_none())
            || (self.grants.device_code.is_some() && self.device_authorization_endpoint.is_none())
    }
}

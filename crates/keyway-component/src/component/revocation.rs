//! How a token is ended where the server does not do it as RFC 7009 says.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClientAuthMethod, Encoding, TokenParams, TokenRequestMethod};
use crate::template::Template;

/// The request to `revocation_endpoint`, where it is another one than that of RFC 7009 section 2.1.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevocationRequest {
    /// The token that ends the account's access. Absent: the refresh token, if there is one, and then the access token.
    #[serde(default)]
    pub token: Option<RevokedToken>,
    /// The method. `GET` needs the encoding `query`.
    #[serde(default)]
    pub method: TokenRequestMethod,
    /// How the parameters travel.
    #[serde(default)]
    pub encoding: Encoding,
    /// Parameters over `token` and `token_type_hint`: a name with `null` is left out. `{token}` is the token that is ended.
    #[serde(default)]
    pub params: TokenParams,
    /// More headers, such as `"authorization": "Bearer {token}"`: then the client shows no secret in its place.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// How the client shows who it is, where that is otherwise than for tokens.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
}

/// A token that can be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevokedToken {
    /// The access token.
    AccessToken,
    /// The refresh token.
    RefreshToken,
}

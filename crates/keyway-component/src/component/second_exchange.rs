//! A second token request after the first: a short-lived token becomes a long-lived one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Encoding, TokenParams, TokenRequestMethod, TokenResponse};
use crate::template::Template;

/// What is asked for with a token that was just got. Its answer is the token that counts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondExchange {
    /// Where; the token endpoint when absent.
    #[serde(default)]
    pub endpoint: Option<Template>,
    /// The value of the parameter `grant_type`, such as `fb_exchange_token`; absent where the request has none.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub grant_type: Option<String>,
    /// Whether it follows a renewal with `refresh_token`, too. A grant that begins anew it follows always.
    #[serde(default)]
    pub after_renewal: bool,
    /// How the parameters travel.
    #[serde(default)]
    pub encoding: Encoding,
    /// The method. `GET` needs the encoding `query`.
    #[serde(default)]
    pub method: TokenRequestMethod,
    /// More headers, such as `"authorization": "Bearer {access_token}"`: then the client shows no secret in its place.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// The parameters beside `grant_type` and client authentication; `{access_token}` is the token that was just got.
    #[serde(default)]
    pub token_params: TokenParams,
    /// Where things stand in its answer, where that is elsewhere than in other token answers.
    #[serde(default)]
    pub token_response: Option<TokenResponse>,
}

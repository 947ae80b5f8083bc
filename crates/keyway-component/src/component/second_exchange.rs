//! A second token request after the first: a short-lived token becomes a long-lived one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Encoding, Params, TokenRequestMethod};
use crate::template::Template;

/// What is asked for with a token that was just got. Its answer is the token that counts. It is made after every grant
/// but `refresh_token`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondExchange {
    /// Where; the token endpoint when absent.
    #[serde(default)]
    pub endpoint: Option<Template>,
    /// The value of the parameter `grant_type`, such as `fb_exchange_token`.
    #[schemars(length(min = 1))]
    pub grant_type: String,
    /// How the parameters travel.
    #[serde(default)]
    pub encoding: Encoding,
    /// The method. `GET` needs the encoding `query`.
    #[serde(default)]
    pub method: TokenRequestMethod,
    /// The parameters beside `grant_type` and client authentication; `{access_token}` is the token that was just got.
    pub token_params: Params,
}

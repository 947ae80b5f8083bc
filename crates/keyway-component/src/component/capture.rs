//! Where a variable is read from that nobody types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{json_template::JsonTemplate, pointer::Pointer, template::Template};

/// A place that tells the value of a variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// A member of the token answer, such as `/instance_url`.
    TokenResponse(Pointer),
    /// A claim of a JWT that came with the token answer.
    JwtClaim(JwtClaim),
    /// A parameter of the authorization response (RFC 6749 section 4.1.2), beside `code` and `state`.
    Callback(String),
    /// A member of what the API answers to a question, which is asked once with a new token.
    ApiResponse(Box<ApiResponse>),
}

/// A question to the API. Variables that are told by the same one have one request in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiResponse {
    /// Where it is asked: a URL of the API, whole.
    pub url: Template,
    /// A JSON body, for APIs that are asked by POST; a GET when absent.
    #[serde(default)]
    pub body: Option<JsonTemplate>,
    /// The item of a list that counts, where not the first one does.
    #[serde(default)]
    pub item: Option<Item>,
    /// Where the value stands in the answer, such as `/0/id`, or in that item.
    pub pointer: Pointer,
}

// === impl ApiResponse ===

impl ApiResponse {
    /// All names that it asks for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let body = self.body.iter().flat_map(JsonTemplate::names);
        let item = self.item.iter().flat_map(|item| item.equals.names());
        self.url.names().chain(body).chain(item)
    }
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Where the list stands in the answer; empty where it is the whole.
    #[serde(default)]
    pub list: Pointer,
    /// The member that tells the item from others, such as `/is_default`.
    pub pointer: Pointer,
    /// What stands there, such as `true` or `https://{site}.acme.example`.
    pub equals: Template,
}

/// A claim of a JWT (RFC 7519 section 4). It is read and not verified: the token endpoint sent it over TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtClaim {
    /// Which token it stands in.
    #[serde(default)]
    pub token: JwtToken,
    /// Where it stands among the claims, such as `/tenant`.
    pub claim: Pointer,
}

/// A token that may be a JWT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JwtToken {
    /// The access token.
    #[default]
    AccessToken,
    /// The member `id_token` of the token answer.
    IdToken,
}

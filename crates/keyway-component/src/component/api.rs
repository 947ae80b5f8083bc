//! `api`: how the API is called.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{pointer::Pointer, template::Template};

/// How the API is called: where it is, where the token goes, what every request carries.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// Scheme, host and base path. A message's relative URL is appended to it, and no message leaves it.
    pub base_url: Template,
    /// Other origins that messages may name. The origin of `base_url` itself opens all its paths to them.
    #[serde(default)]
    pub additional_origins: Vec<AdditionalOrigin>,
    /// Where the access token stands in a request.
    #[serde(default)]
    pub authorization: Authorization,
    /// Further places where the access token stands, where one is not enough.
    #[serde(default)]
    pub additional_authorizations: Vec<Authorization>,
    /// Headers of every request. One that names a secret goes only where the access token goes.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// Query parameters of every request.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// The methods that messages may use, in upper case. Absent: all.
    #[serde(default)]
    #[schemars(length(min = 1), inner(regex(pattern = "^[A-Z]+$")))]
    pub methods: Option<Vec<String>>,
    /// How the server recognises a repeated write, if it does.
    #[serde(default)]
    pub idempotency: Option<Idempotency>,
    /// How a failure looks that comes with a status below 400.
    #[serde(default)]
    pub failure: Option<FailureRule>,
}

/// An origin beside that of `base_url`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdditionalOrigin {
    /// Scheme, host and port; it may name variables.
    pub origin: Template,
    /// Whether the access token is sent there.
    pub token: bool,
}

/// Where the access token stands in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "in", rename_all = "snake_case", deny_unknown_fields)]
pub enum Authorization {
    /// In a header (RFC 6750 section 2.1).
    Header {
        /// The header's name.
        #[serde(default = "authorization")]
        name: String,
        /// What stands before the token; empty for the bare token.
        #[serde(default = "bearer")]
        scheme: String,
    },
    /// In the query. RFC 9700 section 4.3.2 forbids it: such tokens end in logs. The lint names it.
    Query {
        /// The parameter's name.
        name: String,
    },
}

/// How a server recognises a write that is sent twice.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Idempotency {
    /// The header that carries a message's `idempotency_key`.
    pub header: String,
}

/// A member of a JSON answer that marks it as a failure. Without `equals` and `unless` it does so by being there: `null`,
/// `false`, the empty text and the empty list are not.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureRule {
    /// Where the member stands. An answer without it is none.
    pub pointer: Pointer,
    /// The value that means failure.
    #[serde(default)]
    pub equals: Option<Value>,
    /// The value that means success, where any other means failure.
    #[serde(default)]
    pub unless: Option<Value>,
}

fn authorization() -> String {
    "Authorization".to_owned()
}

fn bearer() -> String {
    "Bearer".to_owned()
}

// === impl FailureRule ===

impl FailureRule {
    /// Whether what stands at `pointer` means failure.
    #[must_use]
    pub fn is_failure(&self, found: Option<&Value>) -> bool {
        match (found, &self.equals, &self.unless) {
            (None, ..) => false,
            (Some(found), Some(failure), _) => found == failure,
            (Some(found), None, Some(success)) => found != success,
            (Some(found), None, None) => match found {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                _ => true,
            },
        }
    }
}

impl Default for Authorization {
    fn default() -> Self {
        Self::Header { name: authorization(), scheme: bearer() }
    }
}

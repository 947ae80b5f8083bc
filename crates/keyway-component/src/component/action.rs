//! `actions`: calls with a name.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::template::Template;

/// A call with a name. A message asks for it with `"action": "<name>"` and `params`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// What it does, in a sentence.
    #[serde(default)]
    pub description: Option<String>,
    /// The method, in upper case.
    pub method: String,
    /// The URL, appended to `base_url`. `{name}` is a member of `params`, or a variable that is no secret.
    pub url: Template,
    /// Query parameters; one that names a member of `params` that the message does not give is left out.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// JSON Schema (2020-12) of `params`. Absent: the placeholders of `url` are required, others are refused.
    #[serde(default)]
    pub params: Option<Value>,
    /// Statuses of 400 and above that are no failure here.
    #[serde(default)]
    #[schemars(inner(range(min = 100, max = 599)))]
    pub accept: Vec<u16>,
    /// Whether it can be sent twice without harm although its method is no idempotent one (a search by POST).
    #[serde(default)]
    pub repeatable: bool,
}

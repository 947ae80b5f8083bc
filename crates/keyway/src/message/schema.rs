//! The message as documentation: the types here are never built, their doc comments become the JSON Schema.

use std::collections::BTreeMap;

use keyway_component::component::RetryOverride;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value};

use super::Paginate;

/// One line of input: what is to be sent, in a component's own terms. Either `method` and `url`, or `action`.
#[derive(JsonSchema)]
#[schemars(title = "Keyway message", deny_unknown_fields)]
#[expect(dead_code, reason = "read by schemars only; the parser works on the line's own bytes")]
struct MessageLine {
    /// The method, in any case.
    method: Option<String>,
    /// Appended to the component's base URL, or absolute within its origins. `{name}` takes `params`, then the
    /// account's variables, each encoded as one segment.
    url: Option<String>,
    /// An action of the component, instead of `method` and `url`.
    action: Option<String>,
    /// Values for `{name}` in `url`, or the action's parameters.
    params: Option<Map<String, Value>>,
    /// Query parameters; a list repeats its name.
    query: Option<BTreeMap<String, ScalarOrList>>,
    /// Headers. `Authorization`, `Host`, `Content-Length` and the like are refused.
    headers: Option<BTreeMap<String, TextOrList>>,
    /// A JSON body, sent byte for byte as `application/json`.
    body: Option<Value>,
    /// A form body, instead of `body`.
    form: Option<BTreeMap<String, ScalarOrList>>,
    /// A body of plain text, instead of `body`.
    text: Option<String>,
    /// A body of bytes in base64, instead of `body`.
    body_base64: Option<String>,
    /// Echoed in the outcome.
    id: Option<Value>,
    /// The component, where a run has several.
    component: Option<String>,
    /// The credential, where a run has several.
    credential: Option<String>,
    /// Statuses of 400 and above that are no failure for this message.
    accept: Option<Vec<u16>>,
    /// Retry rules of this message.
    retry: Option<RetryOverride>,
    /// Milliseconds that one attempt may take.
    #[schemars(range(min = 1))]
    timeout_ms: Option<u64>,
    /// A key by which the server recognises a repeated write, where the component declares `idempotency`.
    idempotency_key: Option<String>,
    /// All pages of an action that declares `pagination`: one result line a page or an item, each but the last with
    /// `"more": true`. Absent: one result, which is the first page.
    paginate: Option<Paginate>,
    /// Echoed in the outcome.
    passthrough: Option<Value>,
}

/// A text, number or boolean, or a list of these.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "read by schemars only")]
enum ScalarOrList {
    Text(String),
    Number(f64),
    Boolean(bool),
    List(Vec<Scalar>),
}

/// A text, number or boolean.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "read by schemars only")]
enum Scalar {
    Text(String),
    Number(f64),
    Boolean(bool),
}

/// A text, or a list of texts.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "read by schemars only")]
pub(crate) enum TextOrList {
    Text(String),
    List(Vec<String>),
}

/// JSON Schema (2020-12) of a message line, as text.
#[must_use]
pub fn message_schema() -> &'static str {
    include_str!("../../../../schemas/message.schema.json")
}

/// The same, as the Rust types are now.
pub(crate) fn generated_schema() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<MessageLine>().to_value()
}

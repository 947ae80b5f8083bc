//! The outcome as documentation: the types here are never built, their doc comments become the JSON Schema.

use std::collections::BTreeMap;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use crate::{
    failure::{Attempt, Code, RequestSummary},
    message::TextOrList,
};

/// One line of output: what became of one message.
#[derive(JsonSchema)]
#[schemars(title = "Keyway outcome", deny_unknown_fields)]
#[expect(dead_code, reason = "read by schemars only; outcomes are written byte for byte")]
struct OutcomeLine {
    /// The number of the message's line, from 1.
    #[schemars(range(min = 1))]
    line: u64,
    /// The message's `id`, when it had one.
    id: Option<Value>,
    /// The page that this is, or is of, from 1: where the message has `paginate`.
    page: Option<u64>,
    /// The number of the item among all items, from 1: where it asks for items.
    item: Option<u64>,
    /// `true` where another result of the same message follows. The last one of a message never has it.
    more: Option<bool>,
    /// The status of the answer, when one came.
    status: Option<u16>,
    /// Its headers, names in lower case; a name that stood there more than once has a list.
    headers: Option<BTreeMap<String, TextOrList>>,
    /// Its body: JSON as it came, or text. Absent where there was none.
    body: Option<Value>,
    /// Its body in base64, where it is no text.
    body_base64: Option<String>,
    /// API requests that were sent: repeats after a renewal and redirects count, token requests do not.
    attempts: u32,
    /// Milliseconds from the message's start.
    elapsed_ms: u64,
    /// Why the message failed. Present exactly when it did.
    error: Option<ErrorMember>,
    /// The request of a failed message.
    request: Option<RequestSummary>,
    /// The message's `passthrough`, when it had one.
    passthrough: Option<Value>,
}

/// Why a message failed.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by schemars only")]
struct ErrorMember {
    /// What kind of failure it is.
    code: Code,
    /// What happened and what to do.
    message: String,
    /// Whether the same line may be run again without the risk of doing it twice.
    retryable: bool,
    /// Milliseconds to wait before that.
    retry_after_ms: Option<u64>,
    /// The token endpoint's own words.
    oauth: Option<OAuthMember>,
    /// Every attempt before the last one.
    history: Option<Vec<Attempt>>,
}

/// What the token endpoint said (RFC 6749 section 5.2), without secrets.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "read by schemars only")]
struct OAuthMember {
    /// The status of its answer.
    status: u16,
    /// The member `error`.
    error: Option<String>,
    /// The member `error_description`.
    error_description: Option<String>,
    /// The member `error_detail`, which some vendors add.
    error_detail: Option<String>,
}

/// JSON Schema (2020-12) of an outcome line, as text.
#[must_use]
pub fn outcome_schema() -> &'static str {
    include_str!("../../../../schemas/outcome.schema.json")
}

/// The same, as the Rust types are now.
pub(crate) fn generated_schema() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<OutcomeLine>().to_value()
}

//! The file of recorded exchanges.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use keyway_component::component::RetryOverride;
use keyway_oauth::rfc3339;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Messages, what was sent for them and answered, and what came of them. In texts, `***` stands for anything.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeFile {
    /// The address of this schema, for editors.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// What it shows, in a sentence.
    pub title: String,
    /// Inputs of the account by name (`client_id`, `grant`, `environment`, variables …). Those that are not given are
    /// called by their own names, and a `private_key` is one that everybody has, so no secret stands here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub account: BTreeMap<String, String>,
    /// The time at which it happens (RFC 3339); 2026-01-01T00:00:00Z when absent.
    #[serde(
        default,
        deserialize_with = "time",
        serialize_with = "text_of_time",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub now: Option<SystemTime>,
    /// The token that the account has at the beginning; it has none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<RecordedToken>,
    /// A person signs in first: the further parameters of the authorization response (RFC 6749 section 4.1.2), beside
    /// `code` and `state`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<BTreeMap<String, String>>,
    /// Retry rules over those of the component. Retries follow each other at once, whatever they say.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub retry: RetryOverride,
    /// The messages, as on lines.
    pub messages: Vec<Value>,
    /// Requests in their order, each with its answer. Token requests are among them.
    pub exchanges: Vec<Exchange>,
    /// What comes of each message. Members that are left out are not looked at.
    pub outcomes: Vec<Value>,
}

/// A token that is there before anything is sent.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedToken {
    /// What stands for the access token.
    pub access_token: String,
    /// What stands for the refresh token, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// When it was got (RFC 3339); when the exchanges happen, if absent.
    #[serde(
        default,
        deserialize_with = "time",
        serialize_with = "text_of_time",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub obtained_at: Option<SystemTime>,
    /// When it ends (RFC 3339), where that is known.
    #[serde(
        default,
        deserialize_with = "time",
        serialize_with = "text_of_time",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub expires_at: Option<SystemTime>,
    /// Variables that the answers told which led to it, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captured: BTreeMap<String, String>,
}

/// One request and its answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What has to be sent.
    pub request: RecordedRequest,
    /// What was answered.
    pub response: RecordedResponse,
}

/// A request as it has to be. What is left out is not looked at.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedRequest {
    /// Its method.
    pub method: String,
    /// Its URL, whole.
    pub url: String,
    /// Its headers, by names in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Its body: JSON, a form as an object of texts, or text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// An answer as it came.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedResponse {
    /// Its status.
    pub status: u16,
    /// Its headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Its body: JSON, or text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Its body in base64 (RFC 4648 section 4), where it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}

/// JSON Schema (2020-12) of a file of exchanges, as text.
#[must_use]
pub fn exchanges_schema() -> &'static str {
    include_str!("../../../../schemas/exchanges.schema.json")
}

/// The same, as the Rust types are now.
pub(crate) fn generated_schema() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<ExchangeFile>().to_value()
}

fn is_nothing(retry: &RetryOverride) -> bool {
    *retry == RetryOverride::default()
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn text_of_time<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(rfc3339).serialize(serializer)
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let read = |text: String| {
        let time = chrono::DateTime::parse_from_rfc3339(&text).map_err(serde::de::Error::custom)?;
        let since = u64::try_from(time.timestamp()).map_err(serde::de::Error::custom)?;
        Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(since))
    };
    text.map(read).transpose()
}

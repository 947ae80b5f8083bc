//! The file of recorded exchanges.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Messages, what was sent for them and answered, and what came of them. In texts, `***` stands for anything.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeFile {
    /// What it shows, in a sentence.
    pub title: String,
    /// Inputs of the account by name (`client_id`, `grant`, `environment`, variables …). Those that are not given are
    /// called by their own names, so no secret stands here.
    #[serde(default)]
    pub account: BTreeMap<String, String>,
    /// The time at which it happens (RFC 3339).
    #[serde(default, deserialize_with = "time")]
    pub now: Option<SystemTime>,
    /// The messages, as on lines.
    pub messages: Vec<Value>,
    /// Requests in their order, each with its answer. Token requests are among them.
    pub exchanges: Vec<Exchange>,
    /// What comes of each message. Members that are left out are not looked at.
    pub outcomes: Vec<Value>,
}

/// One request and its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What has to be sent.
    pub request: RecordedRequest,
    /// What was answered.
    pub response: RecordedResponse,
}

/// A request as it has to be. What is left out is not looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRequest {
    /// Its method.
    pub method: String,
    /// Its URL, whole.
    pub url: String,
    /// Its headers, by names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its body: JSON, a form as an object of texts, or text.
    #[serde(default)]
    pub body: Option<Value>,
}

/// An answer as it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedResponse {
    /// Its status.
    pub status: u16,
    /// Its headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its body: JSON, or text.
    #[serde(default)]
    pub body: Option<Value>,
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

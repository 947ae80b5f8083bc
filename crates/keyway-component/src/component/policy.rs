//! `token_rejected`, `retry` and `throttle`: what answers mean beside success.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::{pattern::Pattern, pointer::Pointer};

/// Which answers of the API mean that the token was refused: the token is renewed and the request repeated, once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRejected {
    /// An answer that fits one of these.
    #[schemars(length(min = 1))]
    pub when: Vec<AnswerMatch>,
}

/// What an answer looks like. All that is given must fit.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerMatch {
    /// Its status.
    #[schemars(range(min = 100, max = 599))]
    pub status: u16,
    /// A place in its JSON body that must be there.
    #[serde(default)]
    pub pointer: Option<Pointer>,
    /// A header that must be there, instead of `pointer`.
    #[serde(default)]
    pub header: Option<String>,
    /// What the text there must match somewhere.
    #[serde(default)]
    pub matches: Option<Pattern>,
}

/// When and how often a failed request is sent again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Retries after the first attempt; 0 means none.
    pub count: u32,
    /// Milliseconds before a retry (the first one, where `backoff` is exponential).
    pub delay_ms: u64,
    /// How the delay grows.
    pub backoff: Backoff,
    /// The longest single wait in milliseconds. A server that asks for more ends the message as `rate_limited`.
    pub max_wait_ms: u64,
    /// Milliseconds after which no retry is started any more.
    pub max_elapsed_ms: u64,
    /// Statuses that may pass on their own.
    #[schemars(inner(range(min = 400, max = 599)))]
    pub statuses: Vec<u16>,
}

/// How the delay between retries grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    /// Always the same.
    Fixed,
    /// Doubled each time, and spread at random over half to one and a half.
    #[default]
    Exponential,
}

/// The part of the retry rules that a credential, a flag or a message may change. Absent, `null` or blank means inherit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryOverride {
    /// Retries after the first attempt; 0 means none.
    #[serde(default, deserialize_with = "blank_is_none", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "number_or_blank")]
    pub count: Option<u32>,
    /// Milliseconds before a retry.
    #[serde(default, deserialize_with = "blank_is_none", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "number_or_blank")]
    pub delay_ms: Option<u64>,
    /// The longest single wait in milliseconds.
    #[serde(default, deserialize_with = "blank_is_none", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "number_or_blank")]
    pub max_wait_ms: Option<u64>,
    /// Milliseconds after which no retry is started any more.
    #[serde(default, deserialize_with = "blank_is_none", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "number_or_blank")]
    pub max_elapsed_ms: Option<u64>,
}

/// A form whose field was left empty says `""`: that is "inherit", not 0.
fn blank_is_none<'de, D: Deserializer<'de>, N: TryFrom<u64>>(deserializer: D) -> Result<Option<N>, D::Error> {
    let wanted = || D::Error::custom("expected a whole number");
    match Option::<serde_json::Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(serde_json::Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(value) => value.as_u64().and_then(|number| N::try_from(number).ok()).map(Some).ok_or_else(wanted),
    }
}

fn number_or_blank(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["integer", "string", "null"], "minimum": 0, "maxLength": 0})
}

/// How the API says "slower".
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Throttle {
    /// Statuses that mean "too many requests".
    #[schemars(inner(range(min = 400, max = 599)))]
    pub statuses: Vec<u16>,
    /// Answers that mean it too, where the status alone does not say so.
    pub when: Vec<AnswerMatch>,
    /// Where the time to wait is told.
    pub wait: ThrottleWait,
    /// The header that tells how many requests are left. At 0 the next ones wait before the server refuses them.
    pub remaining: Option<String>,
    /// The header that tells when there are requests again.
    pub reset: Option<ResetHeader>,
    /// How many requests of one account may be under way at once.
    #[schemars(range(min = 1))]
    pub max_in_flight: Option<u32>,
    /// How many requests of one account may start in a second.
    #[schemars(range(min = 0.001))]
    pub max_per_second: Option<f64>,
}

/// Where the time to wait is told.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThrottleWait {
    /// Headers in the form of `Retry-After` (RFC 9110 section 10.2.3): seconds or a date. The longest counts.
    pub headers: Vec<String>,
    /// A text in the JSON body that tells it.
    pub body: Option<BodyWait>,
}

/// A text in a JSON body that tells how long to wait.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyWait {
    /// Where the text stands.
    pub pointer: Pointer,
    /// Its first group is a number, or a date.
    pub pattern: Pattern,
    /// What that means.
    #[serde(default)]
    pub unit: ResetUnit,
}

/// A header that tells when there are requests again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetHeader {
    /// Its name.
    pub header: String,
    /// What its value means.
    pub unit: ResetUnit,
}

/// What a value that tells a wait means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResetUnit {
    /// Seconds from now.
    #[default]
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// A date of RFC 3339 or of HTTP (RFC 9110 section 5.6.7).
    Date,
}

impl Default for TokenRejected {
    fn default() -> Self {
        Self { when: vec![AnswerMatch { status: 401, pointer: None, header: None, matches: None }] }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            count: 3,
            delay_ms: 1_000,
            backoff: Backoff::Exponential,
            max_wait_ms: 60_000,
            max_elapsed_ms: 300_000,
            statuses: vec![500, 502, 503, 504],
        }
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            statuses: vec![429],
            when: Vec::new(),
            wait: ThrottleWait::default(),
            remaining: None,
            reset: None,
            max_in_flight: None,
            max_per_second: None,
        }
    }
}

impl Default for ThrottleWait {
    fn default() -> Self {
        Self { headers: vec!["retry-after".to_owned()], body: None }
    }
}

// === impl Retry ===

impl Retry {
    /// These rules with what the override names laid over.
    #[must_use]
    pub fn with(&self, over: &RetryOverride) -> Self {
        Self {
            count: over.count.unwrap_or(self.count),
            delay_ms: over.delay_ms.unwrap_or(self.delay_ms),
            max_wait_ms: over.max_wait_ms.unwrap_or(self.max_wait_ms),
            max_elapsed_ms: over.max_elapsed_ms.unwrap_or(self.max_elapsed_ms),
            backoff: self.backoff,
            statuses: self.statuses.clone(),
        }
    }
}

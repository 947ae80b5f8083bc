//! Recording exchanges: messages are sent for real, and what went over the wire is written down without a secret.

mod seen;
mod shape;
mod tokens;

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use keyway_component::{Component, component::RetryOverride};
use keyway_oauth::{Account, StoreError};
use serde_json::Value;

pub use self::seen::Recorder;
use self::{
    shape::Shape,
    tokens::{learn, learn_captured, stored_token},
};
use crate::{
    connection::Connection,
    host::Host,
    lines::Line,
    outcome::Outcome,
    replay::{Exchange, ExchangeFile},
};

/// What is to be recorded.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// What it shows, in a sentence.
    pub title: String,
    /// The messages, as on lines.
    pub messages: Vec<Value>,
    /// Names of members of answers whose values are private: `***` stands there.
    pub masked: Vec<String>,
}

/// Why nothing was recorded.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A secret of the account cannot be read.
    #[error("{0}")]
    Secret(String),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The account's token is bound to a key, which is not written down.
    #[error(
        "the stored token is bound to a key, which is not written down; record with an account that begins anew (`--token-store memory`)"
    )]
    BoundToken,
    /// A request met no answer.
    #[error("request {number} met no answer: {why}; see to that, and record again")]
    NoAnswer {
        /// The number of the request, from 1.
        number: usize,
        /// What was met instead.
        why: String,
    },
    /// A known secret would be in what is written.
    #[error("a secret stands where it could not be replaced, at {0}; nothing was written")]
    SecretLeft(String),
}

/// Sends messages over the only connection of a host, which has `recorder` as its observer, and writes down what was sent
/// and answered. Secrets and tokens are replaced by their names; what else an answer holds is the user's own data and
/// stays, but for members that are named in `masked`.
///
/// # Errors
/// A request without an answer, or a secret that would stand in the record.
pub async fn record(
    host: &Host,
    connection: &Connection,
    recorder: &Recorder,
    recording: &Recording,
) -> Result<ExchangeFile, RecordError> {
    let account = connection.tokens().account();
    let mut names = account.stand_ins().await.map_err(RecordError::Secret)?;
    let before = connection.tokens().stored().await?.token;
    if before.as_ref().is_some_and(|token| token.dpop_key.is_some()) {
        return Err(RecordError::BoundToken);
    }
    let token = before.map(|token| stored_token(&token, &account.component, &mut names));
    let now = connection.shared().clock.now();
    let lines: Vec<Line> =
        recording.messages.iter().map(|message| Line::Whole(Bytes::from(message.to_string()))).collect();
    let outcomes: Vec<Outcome> = host.run_in_order(stream::iter(lines)).collect().await;
    host.close().await;

    let seen = recorder.take();
    learn(&seen, &account.component, &mut names);
    if let Some(token) = connection.tokens().current().await? {
        learn_captured(&token, &account.component, &mut names);
    }
    let shape = Shape::new(&account.component, host.redactor(), &names, &recording.masked);
    let mut exchanges = Vec::new();
    for (n, seen) in seen.iter().enumerate() {
        let answer = seen.end.as_ref().map_err(|why| RecordError::NoAnswer { number: n + 1, why: why.clone() })?;
        exchanges.push(Exchange { request: shape.request(&seen.call), response: shape.response(answer) });
    }
    let file = ExchangeFile {
        schema: None,
        title: recording.title.clone(),
        account: inputs(account),
        now: Some(whole_seconds(now)),
        token,
        callback: None,
        retry: retry(account),
        messages: recording.messages.iter().map(|message| names.json(message)).collect(),
        exchanges,
        outcomes: outcomes.iter().map(|outcome| shape.outcome(outcome)).collect(),
    };
    let left = serde_json::to_value(&file).ok().and_then(|written| shape.secret_left(&written));
    left.map_or(Ok(file), |place| Err(RecordError::SecretLeft(place)))
}

/// What a replay has to know of the account, and is no secret.
fn inputs(account: &Account) -> BTreeMap<String, String> {
    let component: &Component = &account.component;
    let mut inputs = BTreeMap::from([("grant".to_owned(), account.grant.name().to_owned())]);
    if component.environments.len() > 1 {
        inputs.insert("environment".to_owned(), account.environment.clone());
    }
    if account.has_own_scope() {
        inputs.insert("scope".to_owned(), account.scope.join(" "));
    }
    let fixed = component.environments.get(&account.environment);
    let of_environment = |name: &str| fixed.is_some_and(|values| values.contains_key(name));
    let given = account.values.iter().filter(|(name, _)| account.values.is_given(name) && !of_environment(name));
    inputs.extend(given.map(|(name, value)| (name.to_owned(), value.to_owned())));
    inputs
}

/// What the account changes of the component's retry rules.
fn retry(account: &Account) -> RetryOverride {
    let (of_component, own) = (&account.component.retry, &account.retry);
    let other = |own: u64, of_component: u64| (own != of_component).then_some(own);
    RetryOverride {
        count: (own.count != of_component.count).then_some(own.count),
        delay_ms: None,
        max_wait_ms: other(own.max_wait_ms, of_component.max_wait_ms),
        max_elapsed_ms: other(own.max_elapsed_ms, of_component.max_elapsed_ms),
    }
}

/// Files say whole seconds.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

//! What a message would send, without sending it: `keyway request --explain`. No token is asked for, no secret is read.

use std::time::Duration;

use http::header;
use keyway_component::component::Authorization;
use keyway_http::{NoJitter, Schedule};

use super::resolve;
use crate::{connection::Connection, failure::Failure, message::Message};

/// What stands for a secret.
const MASK: &str = "***";

/// More waits than these tell nothing new.
const SHOWN_WAITS: u32 = 10;

/// A request as it would be sent, secrets masked, and what would be done if it fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Its method.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// Its headers, as they go out; the transport adds those about the connection and the encoding of answers.
    pub headers: Vec<(String, String)>,
    /// Its body, empty for none. Whatever a message brings is the user's own data: only known secrets are masked.
    pub body: Vec<u8>,
    /// Whether the access token goes with it.
    pub signed: bool,
    /// Whether it may be sent again after a failure that leaves open whether the server has done it.
    pub repeatable: bool,
    /// The longest that one attempt may take.
    pub timeout: Duration,
    /// Retries after the first attempt.
    pub retries: u32,
    /// The waits before the first ten of them, without their random spread. A wait that the server asks for goes before.
    pub waits: Vec<Duration>,
    /// The longest wait that a server may ask for.
    pub max_wait: Duration,
    /// The time after which no retry begins any more.
    pub max_elapsed: Duration,
    /// Statuses that are tried again where the request is repeatable.
    pub statuses: Vec<u16>,
    /// Statuses that ask for patience, whatever the request.
    pub throttle_statuses: Vec<u16>,
}

// === impl Connection ===

impl Connection {
    /// What a message would send through this connection. Nothing is sent, and no secret is read.
    ///
    /// # Errors
    /// The message cannot be resolved, exactly as [`Connection::send`] would say it.
    pub fn explain(&self, message: &Message) -> Result<Explanation, Failure> {
        let call = resolve::resolve(self, message)?;
        let (account, redactor) = (self.account(), self.redactor());
        let component = &account.component;
        let retry = account.retry.with(&call.retry);
        let mut url = call.url.clone();
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in &call.headers {
            let text = String::from_utf8_lossy(value.as_bytes());
            let shown = if redactor.is_secret_name(name.as_str()) {
                MASK.to_owned()
            } else {
                redactor.values(&text).into_owned()
            };
            headers.push((name.to_string(), shown));
        }
        if call.confined.token {
            headers.extend(self.prepared().secret_headers.iter().map(|(name, _)| (name.to_string(), MASK.to_owned())));
            for (name, _) in &self.prepared().secret_query {
                url.query_pairs_mut().append_pair(name, MASK);
            }
            for authorization in account.authorizations() {
                match authorization {
                    Authorization::Header { name, scheme } => {
                        let value = if scheme.is_empty() { MASK.to_owned() } else { format!("{scheme} {MASK}") };
                        headers.push((name.to_ascii_lowercase(), value));
                    }
                    Authorization::Query { name } => {
                        url.query_pairs_mut().append_pair(name, MASK);
                    }
                }
            }
        }
        if call.confined.token && component.oauth2.dpop {
            headers.push(("dpop".to_owned(), MASK.to_owned()));
        }
        if !call.body.is_empty() {
            headers.push((header::CONTENT_LENGTH.to_string(), call.body.len().to_string()));
        }
        let mut schedule = Schedule::new(&retry);
        Ok(Explanation {
            method: call.method.to_string(),
            url: redactor.url(&url),
            headers,
            body: match std::str::from_utf8(&call.body) {
                Ok(text) => redactor.values(text).into_owned().into_bytes(),
                Err(_) => call.body.to_vec(),
            },
            signed: call.confined.token,
            repeatable: call.repeatable,
            timeout: call.timeout,
            retries: retry.count,
            waits: (0..retry.count.min(SHOWN_WAITS))
                .map(|_| schedule.next_wait(keyway_http::Jitter::fraction(&NoJitter)))
                .collect(),
            max_wait: Duration::from_millis(retry.max_wait_ms),
            max_elapsed: Duration::from_millis(retry.max_elapsed_ms),
            statuses: retry.statuses.clone(),
            throttle_statuses: component.throttle.statuses.clone(),
        })
    }
}

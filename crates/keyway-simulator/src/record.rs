//! What the simulated servers have seen.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use serde::{Deserialize, Serialize};

/// So many calls are kept; the counts go on.
const KEPT: usize = 20_000;
/// So much of a body is kept.
const KEPT_BODY: usize = 4_096;

/// One request that a simulated server saw, with everything that it carried. Demo secrets are shown on purpose.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Call {
    /// `podio`, `podero` or `podero_sandbox`.
    pub server: String,
    /// `token` or `api`.
    pub target: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, if there was one.
    pub query: Option<String>,
    /// All headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body, as text.
    pub body: String,
    /// The status that it was answered with.
    pub status: u16,
    /// When it came: milliseconds since the simulator began.
    pub at_ms: u64,
}

/// Counts and calls.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Stats {
    /// Requests to token endpoints.
    pub token_requests: u64,
    /// Token requests that got a token.
    pub tokens_issued: u64,
    /// Refresh tokens that were used up and replaced by a successor.
    pub refresh_rotations: u64,
    /// Refresh tokens that came again after that.
    pub refresh_reuses: u64,
    /// Requests to the APIs.
    pub api_calls: u64,
    /// API requests that were refused for their token.
    pub api_unauthorized: u64,
    /// API requests that were throttled.
    pub api_throttled: u64,
    /// The most API requests that were under way at once.
    pub most_in_flight: u64,
    /// The calls, oldest first, as many as are kept.
    pub calls: VecDeque<Call>,
}

#[derive(Debug)]
pub(crate) struct Recorder {
    began: Instant,
    stats: Mutex<Stats>,
    in_flight: Mutex<u64>,
}

/// A call that is under way.
pub(crate) struct OpenCall<'a> {
    recorder: &'a Recorder,
    pub(crate) call: Call,
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        self.recorder.end(std::mem::take(&mut self.call));
    }
}

// === impl Call ===

impl Call {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn set_body(&mut self, body: &[u8]) {
        self.body = String::from_utf8_lossy(&body[..body.len().min(KEPT_BODY)]).into_owned();
    }
}

// === impl Recorder ===

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), stats: Mutex::default(), in_flight: Mutex::default() }
    }

    /// Notes that a call is under way. It is recorded when the guard is dropped, also if its client goes away.
    pub(crate) fn open(&self, call: Call) -> OpenCall<'_> {
        let call = Call { at_ms: self.began.elapsed().as_millis() as u64, ..call };
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        *in_flight += u64::from(call.target == "api");
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        stats.most_in_flight = stats.most_in_flight.max(*in_flight);
        OpenCall { recorder: self, call }
    }

    fn end(&self, call: Call) {
        *self.in_flight.lock().unwrap_or_else(PoisonError::into_inner) -= u64::from(call.target == "api");
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        if call.target == "token" {
            stats.token_requests += 1;
            stats.tokens_issued += u64::from(call.status == 200);
        } else {
            stats.api_calls += 1;
            stats.api_unauthorized += u64::from(call.status == 401);
            stats.api_throttled += u64::from(matches!(call.status, 420 | 429));
        }
        if stats.calls.len() == KEPT {
            stats.calls.pop_front();
        }
        stats.calls.push_back(call);
    }

    pub(crate) fn stats(&self) -> Stats {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn reset(&self) {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = Stats::default();
    }
}

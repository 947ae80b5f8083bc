//! The closing summary of a run.

use std::time::{Duration, SystemTime};

use keyway::{Host, Outcome, rfc3339};
use serde::Serialize;

use crate::{args::SummaryFormat, draw::counted};

/// Counts of a run. Its JSON form is stable.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// Lines that were read.
    pub(crate) messages: u64,
    /// Of these, how many succeeded.
    pub(crate) succeeded: u64,
    /// And how many failed.
    pub(crate) failed: u64,
    /// Lines that were read and are left for the next run, with a checkpoint.
    pub(crate) left: u64,
    /// API requests.
    pub(crate) attempts: u64,
    /// Token requests.
    pub(crate) token_requests: u64,
    /// Tokens that the API refused.
    pub(crate) token_rejections: u64,
    /// When the first of the current tokens ends, RFC 3339.
    pub(crate) next_expiry: Option<String>,
    /// Milliseconds from start to end.
    pub(crate) elapsed_ms: u64,
}

// === impl Summary ===

impl Summary {
    /// Counts one outcome. The last one of a message is what became of it.
    pub(crate) fn count(&mut self, outcome: &Outcome) {
        let attempts = match &outcome.result {
            Ok(answer) => answer.attempts,
            Err(failure) => failure.attempts,
        };
        self.attempts += u64::from(attempts);
        if outcome.has_more() {
            return;
        }
        self.messages += 1;
        match outcome.result {
            Ok(_) => self.succeeded += 1,
            Err(_) => self.failed += 1,
        }
    }

    /// Adds what the accounts have done.
    pub(crate) fn close(&mut self, host: &Host, elapsed: Duration) {
        let stats: Vec<_> = host.connections().iter().map(keyway::Connection::token_stats).collect();
        self.token_requests = stats.iter().map(|stats| stats.token_requests).sum();
        self.token_rejections = stats.iter().map(|stats| stats.rejections).sum();
        let next: Option<SystemTime> = stats.iter().filter_map(|stats| stats.expires_at).min();
        self.next_expiry = next.map(rfc3339);
        self.elapsed_ms = elapsed.as_millis() as u64;
    }

    /// The summary in the wanted form, with its line break.
    pub(crate) fn text(&self, format: SummaryFormat) -> String {
        match format {
            SummaryFormat::None => String::new(),
            SummaryFormat::Json => serde_json::to_string(self).unwrap_or_default() + "\n",
            SummaryFormat::Text => {
                let many = |count: u64, what: &str| counted(count as usize, what);
                let expiry = self.next_expiry.as_ref().map(|at| format!(", next expiry {at}")).unwrap_or_default();
                let left = if self.left > 0 { format!(", {} left for the next run", self.left) } else { String::new() };
                format!(
                    "{}: {} succeeded, {} failed{left}; {}, {}, {}{expiry}; {:.1} s\n",
                    many(self.messages, "message"),
                    self.succeeded,
                    self.failed,
                    many(self.attempts, "attempt"),
                    many(self.token_requests, "token request"),
                    many(self.token_rejections, "rejection"),
                    self.elapsed_ms as f64 / 1000.0
                )
            }
        }
    }
}

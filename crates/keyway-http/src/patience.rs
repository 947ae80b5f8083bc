//! How long an attempt waits: for its end, and for the next sign of life.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, timeout_at};

use crate::transport::{WireFault, WireFaultKind};

/// The time limits of one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// When it is over in any case.
    pub(crate) deadline: Instant,
    /// The longest silence.
    pub(crate) idle: Duration,
}

// === impl Patience ===

impl Patience {
    /// Waits for the next step.
    ///
    /// # Errors
    /// It took too long.
    pub(crate) async fn wait<T>(&self, step: impl Future<Output = T>) -> Result<T, WireFault> {
        let silence_ends = Instant::now().checked_add(self.idle).unwrap_or(self.deadline);
        let ends = self.deadline.min(silence_ends);
        timeout_at(ends, step).await.map_err(|_| {
            let detail = if ends < self.deadline {
                format!("the server was silent for {} ms", self.idle.as_millis())
            } else {
                "no whole answer within the time for it".to_owned()
            };
            WireFault::new(WireFaultKind::Timeout, detail)
        })
    }
}

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
        let now = Instant::now();
        let silence_ends = now.checked_add(self.idle).unwrap_or(self.deadline);
        let ends = self.deadline.min(silence_ends);
        // A step that is ready at once would never be too late, and a server can have the next one always ready.
        let waited = if now < self.deadline { timeout_at(ends, step).await.ok() } else { None };
        waited.ok_or_else(|| {
            let detail = if ends < self.deadline {
                format!("the server was silent for {} ms", self.idle.as_millis())
            } else {
                "no whole answer within the time for it".to_owned()
            };
            WireFault::new(WireFaultKind::Timeout, detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_always_ready_ends_too() {
        let deadline = Instant::now() + Duration::from_secs(3);
        let patience = Patience { deadline, idle: Duration::from_secs(2) };
        assert_eq!(patience.wait(ready(1)).await, Ok(1));
        let silent = patience.wait(pending::<()>()).await.unwrap_err();
        assert!(silent.detail.contains("silent for 2000 ms"), "{silent}");
        let late = patience.wait(pending::<()>()).await.unwrap_err();
        assert!(late.detail.contains("within the time"), "{late}");
        assert_eq!(patience.wait(ready(1)).await, Err(late));
    }
}

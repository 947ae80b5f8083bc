//! The gate of a connection: what holds its messages back.
//!
//! Open, closed until a time (throttled, used up or broken), or probing: one message goes through, and what becomes of
//! it decides for all. Waiting here uses up no retry.

mod state;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

pub use state::GateReason;
pub(crate) use state::{Change, Effect, PassKind};
use state::{GateState, Try};

/// One connection's gate.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Notify,
}

/// The right to make one attempt. Dropped without a report, a probe lets the next message probe.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    kind: PassKind,
    reported: bool,
}

/// How long a message may wait at the gate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The longest wait for a time that is known; `None` waits as long as it takes.
    pub(crate) longest_wait: Option<Duration>,
    /// When the message gives up in any case.
    pub(crate) deadline: Option<Instant>,
}

/// The gate will not open in time for this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shut {
    pub(crate) reason: GateReason,
    /// How long the gate stays shut, as far as that is known.
    pub(crate) wait: Option<Duration>,
}

// === impl Gate ===

impl Gate {
    /// Takes the right to make an attempt, if the gate gives one now.
    pub(crate) fn try_pass(self: &Arc<Self>) -> Option<Pass> {
        match self.state().try_pass(Instant::now()) {
            Try::Pass(kind) => Some(Pass { gate: Arc::clone(self), kind, reported: false }),
            Try::Until(..) | Try::Probing(_) => None,
        }
    }

    /// Waits until the gate would give a pass. It is taken later, when there is a permit too: what waits for a permit
    /// with a pass in its hand would go out through a gate that was shut meanwhile.
    pub(crate) async fn wait(&self, patience: Patience) -> Result<(), Shut> {
        // Nearly always it is open, and nobody has to listen.
        if let Try::Pass(_) = self.state().look(Instant::now()) {
            return Ok(());
        }
        loop {
            // Listening before looking: a change in between is not missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now = Instant::now();
            let decision = self.state().look(now);
            let deadline = patience.deadline;
            let (reason, until) = match decision {
                Try::Pass(_) => return Ok(()),
                Try::Until(until, reason) => (reason, Some(until)),
                Try::Probing(reason) => (reason, None),
            };
            let wait = until.map(|until| until.saturating_duration_since(now));
            let too_long = wait.zip(patience.longest_wait).is_some_and(|(wait, longest)| wait > longest);
            let too_late = deadline.is_some_and(|deadline| until.unwrap_or(now) >= deadline);
            if too_long || too_late {
                return Err(Shut { reason, wait });
            }
            let wake = [until, deadline].into_iter().flatten().min();
            match wake {
                Some(wake) => {
                    let _ = tokio::time::timeout_at(wake, changed).await;
                }
                None => changed.await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Pass ===

impl Pass {
    /// Tells the gate what became of the attempt. Returns what that changed about it.
    pub(crate) fn report(mut self, effect: Effect) -> Option<Change> {
        let change = self.gate.state().report(self.kind, effect, Instant::now());
        self.reported = true;
        self.gate.changed.notify_waiters();
        change
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.reported {
            self.gate.state().abandon(self.kind, Instant::now());
            self.gate.changed.notify_waiters();
        }
    }
}

//! What went over the wire.

use std::sync::{Arc, Mutex, PoisonError};

use keyway_http::{AttemptEnd, WireAnswer, WireCall};

use crate::observe::{Observer, Purpose};

/// Notes every request of a host. Clones are the same.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Seen>>>);

/// A request, with its answer or what was met instead.
pub(super) struct Seen {
    pub(super) purpose: Purpose,
    pub(super) call: WireCall,
    pub(super) end: Result<WireAnswer, String>,
}

// === impl Recorder ===

impl Recorder {
    /// All that was seen so far, in its order.
    pub(super) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Recorder {
    fn ended(&self, purpose: Purpose, call: &WireCall, end: &AttemptEnd) {
        let end = match end {
            AttemptEnd::Answered(answer) => Ok(answer.clone()),
            AttemptEnd::NeverSent(fault) | AttemptEnd::MaybeProcessed(fault) => Err(fault.to_string()),
        };
        let seen = Seen { purpose, call: call.clone(), end };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }
}

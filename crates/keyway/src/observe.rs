//! Seeing every HTTP request of a host, with how it ended.

use std::sync::Arc;

use keyway_http::{AttemptEnd, SendFuture, Transport, WireCall};

/// What a request was sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To get a token, revoke one, or ask a server for its endpoints.
    Token,
    /// For a message.
    Api,
}

/// Sees every HTTP request of a host when it has ended: for measurements and records. What it sees holds secrets, and it
/// is called on the way of the message, so it has to be quick.
pub trait Observer: Send + Sync + 'static {
    /// A request has ended.
    fn ended(&self, purpose: Purpose, call: &WireCall, end: &AttemptEnd);
}

/// A transport whose requests are seen.
struct Observed {
    inner: Arc<dyn Transport>,
    observer: Arc<dyn Observer>,
    purpose: Purpose,
}

/// The transport itself where nobody looks.
pub(crate) fn observed(
    inner: &Arc<dyn Transport>,
    observer: Option<&Arc<dyn Observer>>,
    purpose: Purpose,
) -> Arc<dyn Transport> {
    match observer {
        None => Arc::clone(inner),
        Some(observer) => Arc::new(Observed { inner: Arc::clone(inner), observer: Arc::clone(observer), purpose }),
    }
}

impl Transport for Observed {
    fn send(&self, call: WireCall) -> SendFuture<'_> {
        Box::pin(async move {
            let end = self.inner.send(call.clone()).await;
            self.observer.ended(self.purpose, &call, &end);
            end
        })
    }
}

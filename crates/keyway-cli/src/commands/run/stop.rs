//! What ends a run before its input does.

use std::{future, time::Duration};

use keyway::Host;
use tokio::sync::watch;

use crate::signals::Signals;

/// Asks the run to stop reading: by a signal, or because nobody reads its output. A second signal ends the process.
pub(super) struct Stop(watch::Sender<Option<Option<u8>>>);

// === impl Stop ===

impl Stop {
    /// Begins to listen for signals.
    pub(super) fn listen() -> Self {
        let (sender, _) = watch::channel(None);
        let (told, mut signals) = (sender.clone(), Signals::listen());
        tokio::spawn(async move {
            let first = signals.next().await;
            tracing::warn!(event = "stopping", "no more is read; what is under way comes to its end");
            told.send_replace(Some(Some(first)));
            let second = signals.next().await;
            std::process::exit(i32::from(second));
        });
        Self(sender)
    }

    /// Asks for a stop that is no signal's.
    pub(super) fn ask(&self) {
        self.0.send_modify(|told| *told = Some(told.flatten()));
    }

    /// Comes when a stop is asked for.
    pub(super) fn asked(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let mut told = self.0.subscribe();
        async move {
            if told.wait_for(Option::is_some).await.is_err() {
                future::pending::<()>().await;
            }
        }
    }

    /// The exit code of the signal that asked for it, if one did.
    pub(super) fn signal(&self) -> Option<u8> {
        (*self.0.borrow()).flatten()
    }

    /// Gives what is under way its time after a stop, and then interrupts the rest.
    pub(super) fn drain(&self, host: Host, timeout: Duration) {
        let asked = self.asked();
        tokio::spawn(async move {
            asked.await;
            tokio::time::sleep(timeout).await;
            host.interrupt();
        });
    }
}

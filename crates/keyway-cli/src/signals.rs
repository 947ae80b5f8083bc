//! SIGINT and SIGTERM: what must not be cut short comes to its end first.

use std::future;

use keyway::Host;

use crate::exit::{CliError, INTERRUPTED, TERMINATED};

/// Does a command's work. A signal ends it, but not before renewals that are under way have stored their tokens; a second
/// signal ends those too.
pub(crate) async fn to_its_end<T>(host: &Host, work: impl Future<Output = T>) -> Result<T, CliError> {
    let mut signals = Signals::listen();
    let done = tokio::select! {
        done = work => Ok(done),
        code = signals.next() => Err(CliError::Stopped(code)),
    };
    tokio::select! {
        () = host.close() => done,
        code = signals.next() => Err(CliError::Stopped(code)),
    }
}

/// The signals that ask the process to end, one after the other.
///
/// They are listened to for as long as this lives: one that comes while the one before is dealt with is kept.
pub(crate) struct Signals {
    interrupt: Option<Source>,
    #[cfg(unix)]
    terminate: Option<Source>,
}

#[cfg(unix)]
type Source = tokio::signal::unix::Signal;
#[cfg(windows)]
type Source = tokio::signal::windows::CtrlC;

// === impl Signals ===

impl Signals {
    /// Begins to listen. A signal that the system does not let us hear keeps what it does by itself: it ends the process.
    #[cfg(unix)]
    pub(crate) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self { interrupt: signal(SignalKind::interrupt()).ok(), terminate: signal(SignalKind::terminate()).ok() }
    }

    /// Begins to listen.
    #[cfg(windows)]
    pub(crate) fn listen() -> Self {
        Self { interrupt: tokio::signal::windows::ctrl_c().ok() }
    }

    /// The next signal, as the exit code that tells of it.
    pub(crate) async fn next(&mut self) -> u8 {
        #[cfg(unix)]
        tokio::select! {
            () = heard(&mut self.interrupt) => INTERRUPTED,
            () = heard(&mut self.terminate) => TERMINATED,
        }
        #[cfg(windows)]
        {
            heard(&mut self.interrupt).await;
            INTERRUPTED
        }
    }
}

async fn heard(source: &mut Option<Source>) {
    if let Some(source) = source
        && source.recv().await.is_some()
    {
        return;
    }
    future::pending::<()>().await;
}

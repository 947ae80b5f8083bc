//! SIGINT and SIGTERM: what must not be cut short comes to its end first.

use keyway::Host;

use crate::exit::{CliError, INTERRUPTED, TERMINATED};

/// Does a command's work. A signal ends it, but not before renewals that are under way have stored their tokens; a second
/// signal ends those too.
pub(crate) async fn to_its_end<T>(host: &Host, work: impl Future<Output = T>) -> Result<T, CliError> {
    let done = tokio::select! {
        done = work => Ok(done),
        code = signal() => Err(CliError::Stopped(code)),
    };
    tokio::select! {
        () = host.close() => done,
        code = signal() => Err(CliError::Stopped(code)),
    }
}

/// Waits for SIGINT or SIGTERM.
pub(crate) async fn signal() -> u8 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = tokio::signal::ctrl_c() => INTERRUPTED,
                _ = terminate.recv() => TERMINATED,
            };
        }
    }
    let _ = tokio::signal::ctrl_c().await;
    INTERRUPTED
}

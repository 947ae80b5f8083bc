//! Exit codes, and errors that end the command. One exhaustive match from the one to the other.

use std::{io::Write, process::ExitCode};

use keyway::{AccountError, BuildError, CatalogError, ConnectError, CredentialError, Faults, Redactor, StoreError};

/// All succeeded.
pub(crate) const SUCCESS: u8 = 0;
/// Some message failed.
pub(crate) const FAILED: u8 = 1;
/// Usage, component or credential is wrong; found before a line was read.
pub(crate) const USAGE: u8 = 2;
/// A person has to sign in; found before a line was read.
pub(crate) const SIGN_IN: u8 = 3;
/// Output cannot be written.
pub(crate) const OUTPUT: u8 = 4;
/// Stopped by SIGINT after draining.
pub(crate) const INTERRUPTED: u8 = 130;
/// Stopped by SIGTERM after draining.
pub(crate) const TERMINATED: u8 = 143;

/// Why the command ends without having done its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Faults(Box<Faults>),
    #[error("{0}")]
    SignIn(String),
    #[error("stopped by a signal")]
    Stopped(u8),
    #[error("{what} cannot be written: {why}")]
    Output { what: String, why: std::io::Error },
    #[error("{what} cannot be read: {why}")]
    Input { what: String, why: std::io::Error },
}

// === impl CliError ===

impl CliError {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Faults(_) | Self::Input { .. } => USAGE,
            Self::SignIn(_) => SIGN_IN,
            Self::Stopped(code) => *code,
            Self::Output { .. } => OUTPUT,
        }
    }

    /// Says it on standard error and gives its exit code.
    pub(crate) fn tell(&self, redactor: &Redactor) -> ExitCode {
        let mut stderr = std::io::stderr().lock();
        let text = match self {
            Self::Faults(faults) => crate::draw::faults(faults),
            other => format!("error: {other}\n"),
        };
        // There is nobody left to tell if standard error is closed too.
        let _ = stderr.write_all(redactor.values(&text).as_bytes());
        ExitCode::from(self.code())
    }
}

impl From<CredentialError> for CliError {
    fn from(error: CredentialError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<BuildError> for CliError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Component(error) => error.into(),
            other => Self::Usage(other.to_string()),
        }
    }
}

impl From<CatalogError> for CliError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Faults(faults) => Self::Faults(faults),
            other => Self::Usage(other.to_string()),
        }
    }
}

impl From<ConnectError> for CliError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Component(error) => error.into(),
            ConnectError::Account(AccountError::Faults(faults)) => Self::Faults(faults),
            other => Self::Usage(other.to_string()),
        }
    }
}

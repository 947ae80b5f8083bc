//! Reads what a secret reference points to. I/O lives here and nowhere else in the account.

use std::{path::Path, process::Stdio, time::Duration};

use keyway_component::{Secret, SecretRef};
use tokio::process::Command;
use zeroize::Zeroize;

use crate::store::{StoreKey, secret_name};

/// The longest that a secret command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// A secret is never longer than this, and a mistaken path to a large file is told as such.
const LONGEST_SECRET: u64 = 64 << 10;

/// Where one secret of an account comes from.
#[derive(Debug, Clone)]
pub(crate) enum SecretSource {
    /// It is at hand already.
    Value(Secret),
    /// It is read each time it is needed.
    Reference(SecretRef),
    /// It stands in the file, encrypted.
    Sealed(Box<Sealed>),
}

/// A secret that is encrypted in its file, and what it is bound to.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) component: String,
    /// The hosts that secrets of the component go to.
    pub(crate) places: String,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) text: String,
    /// The key, where the host has one.
    pub(crate) key: Option<StoreKey>,
}

/// A secret that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretError {
    /// The variable is not set or empty.
    #[error("the environment variable `{0}` is not set; set it, or change the reference")]
    NoVariable(String),
    /// The file cannot be used.
    #[error("the secret file `{path}` cannot be read: {why}; check path and permissions")]
    File {
        /// Its path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The secret does not open.
    #[error(
        "it is sealed, and cannot be opened: {0}; give the key that it was sealed with, or seal it anew with `keyway credential set`"
    )]
    Sealed(String),
    /// The program did not give a secret.
    #[error("the secret command `{program}` {why}; run it by hand to see why")]
    Command {
        /// Its first word.
        program: String,
        /// What went wrong.
        why: String,
    },
}

// === impl SecretSource ===

impl SecretSource {
    /// The secret as it is now.
    ///
    /// # Errors
    /// A reference that leads to nothing.
    pub(crate) async fn read(&self) -> Result<Secret, SecretError> {
        match self {
            Self::Value(secret) => Ok(secret.clone()),
            Self::Reference(SecretRef::Env(name)) => match std::env::var(name) {
                Ok(value) if !value.is_empty() => Ok(Secret::new(value)),
                _ => Err(SecretError::NoVariable(name.clone())),
            },
            Self::Reference(SecretRef::File(path)) => read_file(path).await,
            Self::Reference(SecretRef::Command(words)) => run(words).await,
            Self::Reference(SecretRef::Sealed(_)) => Err(SecretError::Sealed("nobody says whose it is".to_owned())),
            Self::Sealed(sealed) => sealed.open(),
        }
    }
}

impl Sealed {
    fn open(&self) -> Result<Secret, SecretError> {
        let Some(key) = &self.key else { return Err(SecretError::Sealed("there is no key".to_owned())) };
        let bound = secret_name(&self.component, &self.places, &self.owner, &self.name);
        key.open_secret(&bound, &self.text).map_err(SecretError::Sealed)
    }
}

async fn read_file(path: &Path) -> Result<Secret, SecretError> {
    let error = |why: String| SecretError::File { path: path.display().to_string(), why };
    let length = tokio::fs::metadata(path).await.map_err(|io| error(io.to_string()))?.len();
    if length > LONGEST_SECRET {
        return Err(error(format!("it has {length} bytes, which is no secret")));
    }
    let bytes = tokio::fs::read(path).await.map_err(|io| error(io.to_string()))?;
    let secret = one_line(bytes).ok_or_else(|| error("it is not UTF-8".to_owned()))?;
    if secret.is_empty() { Err(error("it is empty".to_owned())) } else { Ok(secret) }
}

async fn run(words: &[String]) -> Result<Secret, SecretError> {
    let program = words.first().cloned().unwrap_or_default();
    let error = |why: String| SecretError::Command { program: program.clone(), why };
    let (first, arguments) = words.split_first().ok_or_else(|| error("is empty".to_owned()))?;
    // Its standard error is not shown: programs print secrets there too.
    let mut command = Command::new(first);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(COMMAND_TIMEOUT, command.output())
        .await
        .map_err(|_| error(format!("did not end within {} s", COMMAND_TIMEOUT.as_secs())))?
        .map_err(|io| error(format!("cannot be started: {io}")))?;
    if !output.status.success() {
        return Err(error(format!("ended with {}", output.status)));
    }
    let secret = one_line(output.stdout).ok_or_else(|| error("printed no UTF-8".to_owned()))?;
    if secret.is_empty() { Err(error("printed nothing".to_owned())) } else { Ok(secret) }
}

/// A text without its one final line break, as editors and `echo` leave one.
pub(crate) fn without_line_break(text: &str) -> &str {
    text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text)
}

/// The text without its one final line break.
fn one_line(bytes: Vec<u8>) -> Option<Secret> {
    let mut text = String::from_utf8(bytes).ok()?;
    let kept = without_line_break(&text).to_owned();
    text.zeroize();
    Some(Secret::new(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn command(words: &[&str]) -> Result<String, SecretError> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let secret = SecretSource::Reference(SecretRef::Command(words)).read().await?;
        Ok(secret.expose_secret_text().to_owned())
    }

    #[tokio::test]
    async fn files_and_commands_lose_one_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "s3cret \r\n").unwrap();
        let secret = SecretSource::Reference(SecretRef::File(path)).read().await.unwrap();
        assert_eq!(secret.expose_secret_text(), "s3cret ");
        assert_eq!(command(&["printf", "a\n\n"]).await.unwrap(), "a\n");
    }

    #[tokio::test]
    async fn what_leads_nowhere_is_named() {
        let missing = SecretSource::Reference(SecretRef::Env("KEYWAY_TEST_NOT_SET".into())).read().await.unwrap_err();
        assert!(missing.to_string().contains("KEYWAY_TEST_NOT_SET"), "{missing}");
        assert!(command(&["false"]).await.unwrap_err().to_string().contains("exit status: 1"));
        assert!(command(&["/no/such/program"]).await.unwrap_err().to_string().contains("cannot be started"));
        assert!(command(&["true"]).await.unwrap_err().to_string().contains("printed nothing"));
        assert!(command(&[]).await.is_err());
    }
}

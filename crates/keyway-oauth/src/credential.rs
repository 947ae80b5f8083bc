//! A credential before it is resolved: a file, environment variables, or values at hand.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use keyway_component::{Component, CredentialFile, Faults, Secret, check_credential};

/// The name of an account that has no other.
const DEFAULT_NAME: &str = "default";
/// Credential files are small; a larger file is a mistaken path.
const LARGEST_FILE: u64 = 1 << 20;

/// One account of one component, as its owner describes it. Nothing is resolved and no secret is read yet.
#[derive(Debug, Clone)]
pub struct Credential {
    pub(crate) name: String,
    pub(crate) source: CredentialSource,
}

#[derive(Clone)]
pub(crate) enum CredentialSource {
    File {
        path: PathBuf,
        text: String,
        /// Whether its owner alone can write it: only then may it name programs to run.
        private: bool,
        /// Whether it lies in a folder of credentials, where its name is its own.
        listed: bool,
    },
    Variables {
        component: String,
        values: BTreeMap<String, Secret>,
        /// A simulator's account. While an origin map is active there are no others.
        demo: bool,
    },
    Given(Box<CredentialFile>),
}

/// A credential that cannot be found or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// No environment variable of the component is set.
    #[error(
        "no account for `{component}`: set {prefix}CLIENT_ID, {prefix}CLIENT_SECRET and the inputs of a grant (`keyway component show {component}` lists them), or make a credential with `keyway credential add {component}`"
    )]
    NoVariables {
        /// The component's name.
        component: String,
        /// The prefix of its variables.
        prefix: String,
    },
    /// There is none of that name.
    #[error("there is no credential `{name}` in {folder}; {hint}")]
    Unknown {
        /// The name.
        name: String,
        /// Where it was looked for.
        folder: String,
        /// What to do.
        hint: String,
    },
    /// The name cannot be a credential's.
    #[error(
        "`{name}` cannot be a credential's name; take letters, digits, `.`, `_` and `-`, at most 100, and not `env`"
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// The file cannot be written.
    #[error("`{path}` cannot be written: {why}; check permissions and space")]
    Unwritable {
        /// Its path.
        path: String,
        /// What the system said.
        why: String,
    },
    /// The file cannot be read.
    #[error("the credential file `{path}` cannot be read: {why}; check path and permissions")]
    Unreadable {
        /// Its path.
        path: String,
        /// What the system said.
        why: String,
    },
}

// === impl Credential ===

impl Credential {
    /// The account in the environment variables of a component: `<COMPONENT>_CLIENT_ID`, `…_CLIENT_SECRET`,
    /// `…_USERNAME`, `…_PASSWORD`, `…_CODE`, `…_CODE_VERIFIER`, `…_REDIRECT_URI`, `…_REFRESH_TOKEN`, `…_GRANT`,
    /// `…_ENVIRONMENT`, `…_SCOPE`, `…_AUTHORIZATION_PARAMS` and its declared variables, each also as `…_FILE` (a path to a mounted secret).
    ///
    /// # Errors
    /// None of them is set.
    pub fn from_env(component: &str) -> Result<Self, CredentialError> {
        let prefix = Component::variable_prefix(component);
        let values: BTreeMap<String, Secret> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, value)| name.starts_with(&prefix) && !value.is_empty())
            .map(|(name, value)| (name, Secret::new(value)))
            .collect();
        if values.is_empty() {
            return Err(CredentialError::NoVariables { component: component.to_owned(), prefix });
        }
        Ok(Self::variables(component, values, false))
    }

    /// The account in a map of the same names and values.
    pub fn from_vars<N: Into<String>, V: Into<String>>(
        component: &str,
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self::variables(component, secret_values(values), false)
    }

    /// A simulator's account. While an origin map is active, no other credential is taken.
    pub fn demo<N: Into<String>, V: Into<String>>(component: &str, values: impl IntoIterator<Item = (N, V)>) -> Self {
        Self::variables(component, secret_values(values), true)
    }

    /// The account that a credential file describes. It is checked when it meets its component.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CredentialError> {
        let path = path.as_ref();
        let (text, private) = read_private(path)?;
        let stem = path.file_stem().map_or_else(|| DEFAULT_NAME.to_owned(), |stem| stem.to_string_lossy().into_owned());
        let source = CredentialSource::File { path: path.to_owned(), text, private, listed: false };
        Ok(Self { name: stem, source })
    }

    /// The same as one of a folder of credentials: there its name alone says which it is.
    pub(crate) fn listed(mut self) -> Self {
        if let CredentialSource::File { listed, .. } = &mut self.source {
            *listed = true;
        }
        self
    }

    /// Where a file that lies in no folder of credentials is, whatever way led to it.
    pub(crate) fn place(&self) -> Option<String> {
        match &self.source {
            CredentialSource::File { path, listed: false, .. } => {
                let real = path.canonicalize().unwrap_or_else(|_| path.clone());
                Some(real.display().to_string())
            }
            _ => None,
        }
    }

    /// The account of a file's content that is at hand. It may not name commands to run.
    #[must_use]
    pub fn from_value(credential: CredentialFile) -> Self {
        let name = credential.name.clone().unwrap_or_else(|| DEFAULT_NAME.to_owned());
        Self { name, source: CredentialSource::Given(Box::new(credential)) }
    }

    /// The same account under another name: two accounts of one component need two names.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The component's name, as far as it can be told without a check of the file.
    #[must_use]
    pub fn component(&self) -> Option<String> {
        match &self.source {
            CredentialSource::Variables { component, .. } => Some(component.clone()),
            CredentialSource::Given(file) => Some(file.component.clone()),
            CredentialSource::File { text, .. } => {
                let document: serde_json::Value = serde_json::from_str(text).ok()?;
                document.get("component")?.as_str().map(str::to_owned)
            }
        }
    }

    /// What is wrong with a credential file that does not even name its component.
    #[must_use]
    pub fn faults(&self) -> Option<Faults> {
        match &self.source {
            CredentialSource::File { path, text, .. } => {
                check_credential(&path.display().to_string(), text, |_| None).err()
            }
            _ => None,
        }
    }

    /// Whether it is a simulator's account.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        matches!(self.source, CredentialSource::Variables { demo: true, .. })
    }

    fn variables(component: &str, values: BTreeMap<String, Secret>, demo: bool) -> Self {
        let source = CredentialSource::Variables { component: component.to_owned(), values, demo };
        Self { name: DEFAULT_NAME.to_owned(), source }
    }
}

impl std::fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // Its text may hold a secret that somebody wrote out, and that is refused only later.
            Self::File { path, .. } => f.debug_tuple("File").field(path).finish(),
            Self::Variables { component, values, .. } => {
                let names: Vec<&String> = values.keys().collect();
                f.debug_tuple("Variables").field(component).field(&names).finish()
            }
            Self::Given(file) => f.debug_tuple("Given").field(&file.component).finish(),
        }
    }
}

fn secret_values<N: Into<String>, V: Into<String>>(
    values: impl IntoIterator<Item = (N, V)>,
) -> BTreeMap<String, Secret> {
    let values = values.into_iter().map(|(name, value)| (name.into(), Secret::new(value)));
    values.filter(|(_, value)| !value.is_empty()).collect()
}

/// Reads a credential or client file, and whether its owner alone can write it.
pub(crate) fn read_private(path: &Path) -> Result<(String, bool), CredentialError> {
    let error = |why: String| CredentialError::Unreadable { path: path.display().to_string(), why };
    let metadata = std::fs::metadata(path).map_err(|io| error(io.to_string()))?;
    if metadata.len() > LARGEST_FILE {
        return Err(error(format!("it has {} bytes, which is no credential", metadata.len())));
    }
    let text = std::fs::read_to_string(path).map_err(|io| error(io.to_string()))?;
    Ok((text, owner_alone_writes(&metadata)))
}

#[cfg(unix)]
fn owner_alone_writes(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o022 == 0
}

#[cfg(not(unix))]
fn owner_alone_writes(_: &std::fs::Metadata) -> bool {
    true
}

//! A folder of credential files, `NAME.json` each.

use std::path::{Path, PathBuf};

use keyway_component::{ClientFile, CredentialFile, nearest};
use serde::Serialize;

use crate::{
    credential::{Credential, CredentialError},
    store::file::{make_private_folder, remove_file, replace_file},
};

/// The longest name of a credential, in characters.
const LONGEST_NAME: usize = 100;
/// The name that means the environment variables, and so no file.
const RESERVED: &str = "env";

/// Where credential files lie. It need not exist before something is written.
#[derive(Debug, Clone)]
pub struct CredentialFolder(PathBuf);

// === impl CredentialFolder ===

impl CredentialFolder {
    /// A folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The names of all credentials in it, sorted.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn names(&self) -> Result<Vec<String>, CredentialError> {
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(self.unreadable(&error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| self.unreadable(&error))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".json"));
            names.extend(name.filter(|name| is_name(name) && path.is_file()).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// Whether there is a credential of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        is_name(name) && self.file(name).is_file()
    }

    /// A credential by its name.
    ///
    /// # Errors
    /// There is none, or its file cannot be read.
    pub fn get(&self, name: &str) -> Result<Credential, CredentialError> {
        if self.has(name) {
            return Credential::from_file(self.file(name)).map(Credential::listed);
        }
        let names = self.names()?;
        let hint = match nearest(name, names.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if names.is_empty() => "there is none yet; `keyway credential add` makes one".to_owned(),
            None => "`keyway credential list` shows those that there are".to_owned(),
        };
        let (name, folder) = (keyway_component::printable(name, 80), self.0.display().to_string());
        Err(CredentialError::Unknown { name, folder, hint })
    }

    /// Writes a credential, whole and durable or not at all, readable by its owner alone.
    ///
    /// # Errors
    /// The name cannot be a file's, or the folder cannot be written.
    pub fn save(&self, name: &str, credential: &CredentialFile) -> Result<PathBuf, CredentialError> {
        self.write(name, credential)
    }

    /// Writes a client in the same way; for a folder of clients.
    ///
    /// # Errors
    /// The name cannot be a file's, or the folder cannot be written.
    pub fn save_client(&self, name: &str, client: &ClientFile) -> Result<PathBuf, CredentialError> {
        self.write(name, client)
    }

    /// Removes a credential. Returns whether there was one.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn remove(&self, name: &str) -> Result<bool, CredentialError> {
        if !self.has(name) {
            return Ok(false);
        }
        remove_file(&self.file(name)).map_err(|error| self.unwritable(name, &error))
    }

    /// Where a credential's file is, whether it is there or not.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.json"))
    }

    fn write(&self, name: &str, content: &impl Serialize) -> Result<PathBuf, CredentialError> {
        if !is_name(name) {
            return Err(CredentialError::BadName { name: keyway_component::printable(name, 80) });
        }
        let path = self.file(name);
        let mut text = serde_json::to_string_pretty(content).map_err(|error| CredentialError::Unwritable {
            path: path.display().to_string(),
            why: error.to_string(),
        })?;
        text.push('\n');
        make_private_folder(&self.0).map_err(|error| CredentialError::Unwritable {
            path: path.display().to_string(),
            why: error.to_string(),
        })?;
        replace_file(&path, text.as_bytes()).map_err(|error| self.unwritable(name, &error))?;
        Ok(path)
    }

    fn unreadable(&self, error: &std::io::Error) -> CredentialError {
        CredentialError::Unreadable { path: self.0.display().to_string(), why: error.to_string() }
    }

    fn unwritable(&self, name: &str, error: &std::io::Error) -> CredentialError {
        CredentialError::Unwritable { path: self.file(name).display().to_string(), why: error.to_string() }
    }
}

/// Nothing is there, and nothing can be: a file stands where the way leads.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Names that are files everywhere, lead to no other folder, and are not the one that means no file.
pub(crate) fn is_name(name: &str) -> bool {
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    // What ends in `.json` is a path to every command.
    starts && rest && name.len() <= LONGEST_NAME && name != RESERVED && !name.ends_with(".json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_no_other_folder() {
        for name in ["acme", "acme-2.eu_west", "7"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "..", "../x", "a/b", ".hidden", "a b", "é", "env", "acme.json", &"x".repeat(101)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn credentials_are_written_found_and_removed() {
        let home = tempfile::tempdir().unwrap();
        let folder = CredentialFolder::new(home.path().join("credentials"));
        assert_eq!(folder.names().unwrap(), Vec::<String>::new());
        let file: CredentialFile = serde_json::from_str(r#"{"keyway":1,"component":"podio","client_id":"x"}"#).unwrap();
        let path = folder.save("acme", &file).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "{\n  \"keyway\": 1,\n  \"component\": \"podio\",\n  \"client_id\": \"x\"\n}\n"
        );
        assert_eq!((folder.names().unwrap(), folder.has("acme")), (vec!["acme".to_owned()], true));
        let error = folder.get("acne").unwrap_err().to_string();
        assert!(error.contains("did you mean `acme`?"), "{error}");
        assert!(folder.save("../x", &file).is_err());
        assert_eq!((folder.remove("acme").unwrap(), folder.remove("acme").unwrap()), (true, false));
    }
}

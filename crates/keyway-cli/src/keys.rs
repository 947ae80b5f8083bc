//! The key of the token store, and the store itself.
//!
//! `KEYWAY_KEY` (hex or base64; `keyring` for the one in the system's keyring), else `KEYWAY_KEY_FILE`, else the file
//! `key` in the folder, which is made when it is first needed.

use std::path::{Path, PathBuf};

use keyway::{FileStore, HostBuilder, StoreError, store::StoreKey};

use crate::{exit::CliError, folders};

/// A store that is open, and where its key came from.
pub(crate) struct OpenStore {
    pub(crate) store: FileStore,
    pub(crate) key_from: String,
}

/// Where tokens are to be kept.
pub(crate) enum Kept {
    /// In this folder's files.
    Files(OpenStore),
    /// In memory, as somebody asked for.
    InMemory,
    /// In memory, because no folder can be written.
    Nowhere,
}

// === impl Kept ===

impl Kept {
    /// Refuses to go on where the store that was meant cannot be opened: a token that is got would be lost with this
    /// process, and one that is there would not be found.
    pub(crate) fn must_last(&self) -> Result<(), CliError> {
        let why = "the token store cannot be opened, so nothing is done; make room there, let this user write there, or \
                   give another folder with --token-store";
        if matches!(self, Self::Nowhere) { Err(CliError::Usage(why.to_owned())) } else { Ok(()) }
    }
}

/// The file store of a folder.
pub(crate) fn open(folder: &Path) -> Result<OpenStore, StoreError> {
    match given()? {
        Some((key, key_from)) => Ok(OpenStore { store: FileStore::with_key(folder, key)?, key_from }),
        None => Ok(OpenStore { store: FileStore::open(folder)?, key_from: folder.join("key").display().to_string() }),
    }
}

/// The store that a flag names, or the default one.
pub(crate) fn store(flag: Option<&str>) -> Result<Kept, CliError> {
    let usage = |error: StoreError| CliError::Usage(error.to_string());
    match flag {
        Some("memory") => Ok(Kept::InMemory),
        Some(folder) => open(Path::new(folder)).map(Kept::Files).map_err(usage),
        None => match folders::tokens().as_deref().map(open) {
            Some(Ok(open)) => Ok(Kept::Files(open)),
            // Only a folder that cannot be written is no reason to stop: keys and permissions are set right by hand.
            Some(Err(error @ StoreError::Io { .. })) => {
                tracing::warn!(event = "no_token_store", %error, "tokens are kept in memory only");
                Ok(Kept::Nowhere)
            }
            Some(Err(error)) => Err(usage(error)),
            None => {
                let why = "neither KEYWAY_HOME nor HOME is set; tokens are kept in memory only";
                tracing::warn!(event = "no_token_store", "{why}");
                Ok(Kept::Nowhere)
            }
        },
    }
}

/// Gives a host the store, the key for sealed secrets, and the folder of clients.
pub(crate) fn equip(mut builder: HostBuilder, kept: &Kept) -> Result<HostBuilder, CliError> {
    if let Some(folder) = folders::clients() {
        builder = builder.clients_dir(folder);
    }
    if let Kept::Files(open) = kept {
        builder = builder.token_store(open.store.clone());
    }
    Ok(match secret_key(false)? {
        Some(key) => builder.secret_key(key),
        None => builder,
    })
}

/// The key that secrets are sealed with: the one of the default store, wherever tokens are kept.
pub(crate) fn secret_key(make: bool) -> Result<Option<StoreKey>, CliError> {
    let usage = |error: StoreError| CliError::Usage(error.to_string());
    if let Some((key, _)) = given().map_err(usage)? {
        return Ok(Some(key));
    }
    let Some(folder) = folders::tokens() else { return Ok(None) };
    if make {
        return open(&folder).map(|open| Some(open.store.key().clone())).map_err(usage);
    }
    match StoreKey::from_file(&folder.join("key")) {
        Ok(key) => Ok(Some(key)),
        // Without a key file nothing was sealed with it; one that cannot be read is told when a secret needs it.
        Err(StoreError::Missing { .. } | StoreError::Io { .. }) => Ok(None),
        Err(error) => Err(usage(error)),
    }
}

/// The key that the environment names, and where it came from.
fn given() -> Result<Option<(StoreKey, String)>, StoreError> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let no_key = |why: &str| StoreError::NoKey { place: "KEYWAY_KEY".to_owned(), why: why.to_owned() };
    match (variable("KEYWAY_KEY"), variable("KEYWAY_KEY_FILE")) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(no_key("KEYWAY_KEY_FILE is set as well, and they may differ; unset one")),
        (None, Some(path)) => {
            let path = PathBuf::from(path);
            Ok(Some((StoreKey::from_file(&path)?, path.display().to_string())))
        }
        (Some(text), None) => match text.to_str() {
            Some("keyring") => from_keyring().map(|key| Some((key, "the system's keyring".to_owned()))),
            Some(text) => Ok(Some((StoreKey::from_text("KEYWAY_KEY", text)?, "KEYWAY_KEY".to_owned()))),
            None => Err(no_key("it is no text; `openssl rand -hex 32` makes a key")),
        },
    }
}

#[cfg(feature = "keyring")]
fn from_keyring() -> Result<StoreKey, StoreError> {
    StoreKey::from_keyring()
}

#[cfg(not(feature = "keyring"))]
fn from_keyring() -> Result<StoreKey, StoreError> {
    let why = "this keyway was built without the keyring; build it with `--features keyring`, or give a key".to_owned();
    Err(StoreError::NoKey { place: "KEYWAY_KEY".to_owned(), why })
}

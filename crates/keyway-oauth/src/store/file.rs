//! Tokens in encrypted files, one each, shared by processes of one machine.
//!
//! A lock file beside each record serialises renewals across processes; the kernel frees it when its holder dies.
//! Records are written to a temporary file, synced, renamed into place, and the folder is synced: a crash leaves the
//! old record or the new one. Not for network file systems, where neither locks nor renames promise this.

use std::{
    fs::{File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;

use super::{
    Bound, Exclusive, Pending, StoreError, StoreFuture, StoreKey, Stored, TokenKey, TokenStore, Version,
    cipher::check_mode,
};
use crate::{fingerprint::keyed_hash, token::Token};

const FILE_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
/// What token files are bound to, beside their account.
const TOKEN: &str = "keyway token";
/// How often a held lock is tried again.
const LOCK_POLL: Duration = Duration::from_millis(15);

/// Keeps tokens in a folder, encrypted.
#[derive(Debug, Clone)]
pub struct FileStore {
    folder: PathBuf,
    key: StoreKey,
}

struct FileGuard {
    store: FileStore,
    key: TokenKey,
    /// Held until dropped; the file stays, since a lock on a removed file would lock nothing.
    _lock: File,
}

// === impl FileStore ===

impl FileStore {
    /// Opens a folder, making it and its key file `key` where they are missing.
    ///
    /// # Errors
    /// A folder that cannot be written, a key file that others can read or that holds no key.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let folder = folder.into();
        make_private_folder(&folder)?;
        let key = StoreKey::of_folder(&folder)?;
        Self::opened(folder, key, true)
    }

    /// Opens a folder with a key that is kept elsewhere.
    ///
    /// # Errors
    /// A folder that cannot be written, or whose records were written with another key.
    pub fn with_key(folder: impl Into<PathBuf>, key: StoreKey) -> Result<Self, StoreError> {
        Self::opened(folder.into(), key, false)
    }

    fn opened(folder: PathBuf, key: StoreKey, own: bool) -> Result<Self, StoreError> {
        make_private_folder(&folder)?;
        // Better to learn now than after a rotation that the folder cannot be written.
        tempfile::NamedTempFile::new_in(&folder).map_err(|error| io_error(&folder, &error))?;
        key.check_folder(&folder, own)?;
        Ok(Self { folder, key })
    }

    /// The key that tokens are written with.
    #[must_use]
    pub fn key(&self) -> &StoreKey {
        &self.key
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a token's file is, whether it is there or not.
    #[must_use]
    pub fn path(&self, key: &TokenKey) -> PathBuf {
        let name = |text: &str| utf8_percent_encode(text, FILE_NAME).to_string();
        let short = key.fingerprint.get(..16).unwrap_or(&key.fingerprint);
        let file = format!("{}.{}.token", name(&key.credential), name(short));
        self.folder.join(name(&key.component)).join(name(&key.environment)).join(file)
    }

    /// Removes all files of an account, those that it had under another client, scope or endpoint included.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn purge(&self, key: &TokenKey) -> Result<(), StoreError> {
        let path = self.path(key);
        let Some(folder) = path.parent() else { return Ok(()) };
        let prefix = format!("{}.", utf8_percent_encode(&key.credential, FILE_NAME));
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            // A lock that somebody waits for stays what it is.
            let holds_secrets = path.extension().is_some_and(|kind| kind == "token" || kind == "sign-in");
            if holds_secrets && entry.file_name().to_string_lossy().starts_with(&prefix) {
                remove_file(&path).map_err(|error| io_error(&path, &error))?;
            }
        }
        Ok(())
    }

    fn read(&self, key: &TokenKey) -> Result<Stored, StoreError> {
        let path = self.path(key);
        let place = path.display().to_string();
        let sealed = match std::fs::read(&path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Stored::default()),
            Err(error) => return Err(io_error(&path, &error)),
        };
        check_mode(&path)?;
        let plain = self.key.open(&Bound::record(TOKEN, key), &place, &sealed)?;
        Stored::from_bytes(&plain).map_err(|why| StoreError::Unreadable { place, why })
    }

    fn write(&self, key: &TokenKey, record: &Stored) -> Result<(), StoreError> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.folder);
        let failed = |why: String| StoreError::Io { place: path.display().to_string(), why };
        let plain = record.to_bytes().map_err(failed)?;
        let sealed = self.key.seal(&Bound::record(TOKEN, key), &plain).map_err(failed)?;
        make_private_folder(folder)?;
        replace_file(&path, &sealed).map_err(|error| io_error(&path, &error))
    }

    fn lock_file(&self, key: &TokenKey) -> Result<File, StoreError> {
        let path = self.path(key).with_extension("lock");
        make_private_folder(path.parent().unwrap_or(&self.folder))?;
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path).map_err(|error| io_error(&path, &error))
    }

    async fn lock(self, key: TokenKey, patience: Duration) -> Result<FileGuard, StoreError> {
        let (store, key_there) = (self.clone(), key.clone());
        let file = blocking(move || store.lock_file(&key_there)).await?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => {
                    let path = self.path(&key);
                    blocking(move || {
                        remove_leftovers(&path);
                        Ok(())
                    })
                    .await?;
                    return Ok(FileGuard { store: self, key, _lock: file });
                }
                Err(TryLockError::WouldBlock) if begun.elapsed() < patience => tokio::time::sleep(LOCK_POLL).await,
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Locked { waited_ms: begun.elapsed().as_millis() });
                }
                Err(TryLockError::Error(error)) => return Err(io_error(&self.path(&key), &error)),
            }
        }
    }
}

impl TokenStore for FileStore {
    fn keyed_hash(&self, parts: &[&str]) -> String {
        keyed_hash(self.key.as_bytes(), parts)
    }

    fn load<'a>(&'a self, key: &'a TokenKey) -> StoreFuture<'a, Stored> {
        let (store, key) = (self.clone(), key.clone());
        Box::pin(blocking(move || store.read(&key)))
    }

    fn exclusive<'a>(&'a self, key: &'a TokenKey, ttl: Duration) -> StoreFuture<'a, Box<dyn Exclusive>> {
        // The kernel sees a holder die, so the lease needs no end; one honest holder's time, twice, is patience enough.
        let guard = self.clone().lock(key.clone(), ttl.saturating_mul(2));
        Box::pin(async move { Ok(Box::new(guard.await?) as Box<dyn Exclusive>) })
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn place(&self) -> String {
        format!("encrypted files in {}", self.folder.display())
    }
}

impl FileGuard {
    fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Stored) -> Result<T, StoreError> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        let (store, key) = (self.store.clone(), self.key.clone());
        Box::pin(blocking(move || {
            let mut record = store.read(&key)?;
            let changed = change(&mut record)?;
            store.write(&key, &record)?;
            Ok(changed)
        }))
    }
}

impl Exclusive for FileGuard {
    fn load(&mut self) -> StoreFuture<'_, Stored> {
        let (store, key) = (self.store.clone(), self.key.clone());
        Box::pin(blocking(move || store.read(&key)))
    }

    fn mark_pending(&mut self, pending: Option<Pending>) -> StoreFuture<'_, ()> {
        self.change(move |record| {
            record.pending = pending;
            Ok(())
        })
    }

    fn remove_if(&mut self, expected: Version) -> StoreFuture<'_, ()> {
        self.change(move |record| {
            if record.version != expected {
                return Err(StoreError::Conflict);
            }
            *record = Stored { token: None, version: Version(expected.0 + 1), pending: None };
            Ok(())
        })
    }

    fn replace_if<'a>(&'a mut self, expected: Version, token: &'a Token) -> StoreFuture<'a, Version> {
        let token = token.clone();
        self.change(move |record| {
            if record.version != expected {
                return Err(StoreError::Conflict);
            }
            *record = Stored { token: Some(token), version: Version(expected.0 + 1), pending: None };
            Ok(record.version)
        })
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(StoreError::Io { place: "the token store".to_owned(), why: format!("its task ended: {error}") })
    })
}

/// Puts a file that its owner alone can read in the place of another: whole and durable, or not at all.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(&temporary_prefix(path)).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// How the temporary files of a file begin.
fn temporary_prefix(path: &Path) -> String {
    format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy())
}

/// Removes what a process that was killed left of a write. Only whoever holds the file's lock may: then nobody writes.
fn remove_leftovers(path: &Path) {
    let prefix = temporary_prefix(path);
    let entries = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    for entry in entries.into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            // It only takes up room: next time, then.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Removes a file, durably. Returns whether it was this call that did.
pub(crate) fn remove_file(path: &Path) -> std::io::Result<bool> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(()) => sync_folder(path.parent().unwrap_or(Path::new("."))).map(|()| true),
    }
}

pub(crate) fn make_private_folder(folder: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| io_error(folder, &error))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn io_error(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Io { place: path.display().to_string(), why: error.to_string() }
}

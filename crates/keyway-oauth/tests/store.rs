//! Both stores keep the same contract; the file store keeps its own promises on top.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use keyway_component::Secret;
use keyway_oauth::{
    ExpirySource, FileStore, MemoryStore, StoreError, Token, TokenKey, TokenStore,
    store::{Pending, StoreKey, Version},
};
use serde_json::json;

const TTL: Duration = Duration::from_secs(1);

fn key(credential: &str) -> TokenKey {
    TokenKey {
        component: "podio".into(),
        environment: "production".into(),
        credential: credential.into(),
        fingerprint: "0123456789abcdef0123456789abcdef".into(),
    }
}

fn token(access: &str) -> Token {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    Token {
        access_token: Secret::new(access),
        refresh_token: Some(Secret::new("refresh-canary")),
        obtained_at: now,
        expires_at: Some(now + Duration::from_secs(28_800)),
        expiry_source: ExpirySource::Answer,
        scope: Some("global:all".into()),
        extra: json!({"ref": {"type": "user", "id": 9_000_001}}).as_object().unwrap().clone(),
        dpop_key: None,
        captured: Default::default(),
        begun_with: Some("hash".into()),
    }
}

fn access(token: &Token) -> &str {
    token.access_token.expose_secret_text()
}

async fn keeps_the_contract(store: Arc<dyn TokenStore>) {
    let (one, other) = (key("one"), key("other"));
    assert!(store.load(&one).await.unwrap().token.is_none());

    let mut guard = store.exclusive(&one, TTL).await.unwrap();
    let pending = Pending { since: 1, what: "refresh".into(), sent: "h".into(), times: 1 };
    guard.mark_pending(Some(pending.clone())).await.unwrap();
    assert_eq!(store.load(&one).await.unwrap().pending, Some(pending));
    assert_eq!(guard.replace_if(Version(0), &token("a1")).await.unwrap(), Version(1));
    assert_eq!(guard.replace_if(Version(0), &token("a2")).await.unwrap_err(), StoreError::Conflict);

    let stored = store.load(&one).await.unwrap();
    let kept = stored.token.unwrap();
    assert_eq!((stored.version, stored.pending, access(&kept)), (Version(1), None, "a1"));
    assert_eq!(kept.extra["ref"]["id"], 9_000_001);
    assert_eq!((kept.obtained_at, kept.expires_at), (token("").obtained_at, token("").expires_at));
    assert!(store.load(&other).await.unwrap().token.is_none(), "another account has nothing of it");

    // A second one waits until the first is done.
    let (waiting_store, waiting_key) = (Arc::clone(&store), one.clone());
    let waiting = tokio::spawn(async move {
        let mut guard = waiting_store.exclusive(&waiting_key, TTL).await.unwrap();
        guard.load().await.unwrap().version
    });
    tokio::task::yield_now().await;
    guard.replace_if(Version(1), &token("a2")).await.unwrap();
    drop(guard);
    assert_eq!(waiting.await.unwrap(), Version(2));

    // Nothing is left of what is taken away, and only who knows what is there can take it.
    let mut guard = store.exclusive(&one, TTL).await.unwrap();
    assert_eq!(guard.remove_if(Version(1)).await.unwrap_err(), StoreError::Conflict);
    guard.remove_if(Version(2)).await.unwrap();
    drop(guard);
    let nothing = store.load(&one).await.unwrap();
    assert!(nothing.token.is_none() && nothing.version == Version(3));

    assert_eq!(store.keyed_hash(&["a"]), store.keyed_hash(&["a"]));
    assert_ne!(store.keyed_hash(&["a"]), store.keyed_hash(&["b"]));
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    keeps_the_contract(Arc::new(MemoryStore::new())).await;
}

#[tokio::test]
async fn files_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    keeps_the_contract(Arc::new(FileStore::open(folder.path()).unwrap())).await;
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

async fn with_one_token(folder: &std::path::Path) -> FileStore {
    let store = FileStore::open(folder).unwrap();
    let mut guard = store.exclusive(&key("one"), TTL).await.unwrap();
    guard.replace_if(Version(0), &token("access-canary")).await.unwrap();
    drop(guard);
    store
}

#[cfg(unix)]
#[tokio::test]
async fn c16_files_are_encrypted_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    with_one_token(folder.path()).await;
    let files = files(folder.path());
    assert_eq!(files.len(), 4, "key, its check, token and lock: {files:?}");
    for path in files {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("canary") && !text.contains("global"), "{}", path.display());
    }
}

#[tokio::test]
async fn a_file_under_another_name_or_key_does_not_open_and_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_one_token(folder.path()).await;
    let token_file = files(folder.path()).into_iter().find(|path| path.extension() == Some("token".as_ref())).unwrap();
    let swapped = token_file.with_file_name(token_file.file_name().unwrap().to_string_lossy().replace("one", "two"));
    std::fs::copy(&token_file, &swapped).unwrap();
    assert!(matches!(store.load(&key("two")).await, Err(StoreError::WrongKey { .. })));

    let before = std::fs::read(&token_file).unwrap();
    let refused = FileStore::with_key(folder.path(), StoreKey::from_bytes([7; 32])).unwrap_err();
    assert!(matches!(refused, StoreError::KeyMismatch { .. }), "{refused}");
    assert_eq!(std::fs::read(&token_file).unwrap(), before);
}

#[tokio::test]
async fn damage_is_told_and_a_later_version_is_not_guessed_at() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_one_token(folder.path()).await;
    let token_file = files(folder.path()).into_iter().find(|path| path.extension() == Some("token".as_ref())).unwrap();
    let good = std::fs::read(&token_file).unwrap();
    let mut later = good.clone();
    later[0] = 9;
    for (bytes, wanted) in [(&[][..], "it is empty"), (&good[..10], "it is cut off"), (&later, "version 9")] {
        std::fs::write(&token_file, bytes).unwrap();
        let error = store.load(&key("one")).await.unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    with_one_token(folder.path()).await;
    let key = folder.path().join("key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = FileStore::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::Permissions { mode: 0o644, .. }) && error.to_string().contains("chmod 600"));
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_one_token(folder.path()).await;
    let _held = store.exclusive(&key("one"), TTL).await.unwrap();
    let error = store.exclusive(&key("one"), Duration::from_millis(20)).await.err().unwrap();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
}

/// Files as Keyway 0.1 wrote them, under a key of sevens. They stay readable for good.
#[tokio::test]
async fn files_of_version_1_are_read() {
    let old = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store-v1");
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("podio/production");
    std::fs::create_dir_all(&home).unwrap();
    for (from, to) in
        [("key-check", folder.path().join("key-check")), ("token", home.join("one.0123456789abcdef.token"))]
    {
        let bytes = std::fs::read(old.join(from)).unwrap();
        assert_eq!(bytes[0], 1, "the version of {from}");
        let mut options = std::fs::File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        std::io::Write::write_all(&mut options.open(to).unwrap(), &bytes).unwrap();
    }
    let store = FileStore::with_key(folder.path(), StoreKey::from_bytes([7; 32])).unwrap();
    let stored = store.load(&key("one")).await.unwrap();
    let token = stored.token.unwrap();
    assert_eq!((stored.version, stored.pending), (Version(1), None));
    assert_eq!(token.access_token.expose_secret_text(), "access-canary");
    assert_eq!(token.refresh_token.unwrap().expose_secret_text(), "refresh-canary");
    assert_eq!((token.scope.as_deref(), token.expiry_source), (Some("global:all"), ExpirySource::Answer));
}

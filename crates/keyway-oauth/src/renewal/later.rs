//! A token that the store could not take when it came: stored as soon as that is possible again.

use std::time::Duration;

use crate::{
    shared::{Inner, Unstored},
    store::{StoreError, Version},
};

/// How often a token that could not be stored is tried again.
const STORE_AGAIN: Duration = Duration::from_secs(1);

/// Stores what could not be stored when it came: tried again and again, and a last time when the process ends.
pub(crate) async fn store_later(inner: &Inner) {
    loop {
        let last = tokio::select! {
            () = tokio::time::sleep(STORE_AGAIN) => false,
            () = inner.closing.cancelled() => true,
        };
        // At the end a peer's renewal is waited for; before that there is another time.
        let stored = store_unstored(inner, if last { inner.token_timeout } else { STORE_AGAIN }).await;
        let mut state = inner.state();
        if let (Err(error), true) = (&stored, last) {
            tracing::error!(
                event = "token_lost", account = %inner.account.label(), %error,
                "the process ends, and its token could not be stored; the account may need a new sign-in"
            );
        }
        if last || state.unstored.is_none() {
            state.stores_later = false;
            return;
        }
    }
}

/// One attempt at that, under the lock, so that no renewal changes what there is to store.
async fn store_unstored(inner: &Inner, patience: Duration) -> Result<(), StoreError> {
    let mut guard = inner.store.exclusive(&inner.key, patience).await?;
    let Some(unstored) = inner.state().unstored.clone() else { return Ok(()) };
    let Unstored { token, instead_of } = *unstored;
    let now = guard.load().await?;
    // A place whose file has gone is filled. One that a person emptied has a later version, and stays empty.
    let expected = if now.version == Version::default() { now.version } else { instead_of };
    match guard.replace_if(expected, &token).await {
        Ok(_) => {
            tracing::warn!(event = "token_stored_late", account = %inner.account.label(), "the new token is stored now");
        }
        // A peer went on from a new sign-in: its token stands.
        Err(StoreError::Conflict) => {}
        Err(error) => return Err(error),
    }
    inner.state().unstored = None;
    Ok(())
}

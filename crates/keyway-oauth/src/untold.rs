//! Variables that the API did not tell when a token was new: asked for again while the token serves. A token that never
//! ends would else never tell them.

use std::sync::Arc;

use crate::{source::TokenSource, store::StoreError, token::Token};

// === impl TokenSource ===

impl TokenSource {
    /// Asks the API once more for what it should tell (`from: api_response`). Gives the token with it, which is stored;
    /// `None` where nothing new was told.
    pub async fn ask_api_again(&self, token: &Arc<Token>) -> Option<Arc<Token>> {
        let inner = self.inner();
        let told = inner.exchange().told_by_api(token).await?;
        let stored = async {
            let mut guard = inner.store.exclusive(&inner.key, inner.token_timeout).await?;
            let stored = guard.load().await?;
            // A newer one was asked about when it came.
            if stored.token.as_ref().is_some_and(|stored| stored.is_same(token)) {
                guard.replace_if(stored.version, &told).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = stored.await {
            tracing::warn!(
                event = "variable_not_stored", account = %inner.account.label(), %error,
                "what the API told is known to this process only"
            );
        }
        let told = Arc::new(told);
        let mut state = inner.state();
        if state.current.as_ref().is_some_and(|current| current.is_same(token)) {
            state.current = Some(Arc::clone(&told));
        }
        Some(told)
    }
}

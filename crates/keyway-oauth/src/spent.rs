//! Codes that have been sent, whatever has become of their account's fingerprint since.
//!
//! A code works once (RFC 6749 section 4.1.2), and a server that sees one twice should end what it gave for the first.
//! A credential that still names its code finds no token once its scope or a variable has changed: the mark, which lies
//! beside the tokens under the code's own hash, keeps it from being sent again.

use crate::{
    account::Grant,
    shared::Inner,
    store::{Pending, StoreError, TokenKey},
};

/// What an account begins with, where its grant begins with something that is used up.
#[derive(Debug, Default)]
pub(crate) struct Beginning {
    /// Keyed hash of a code or refresh token that may be sent.
    pub(crate) input: Option<String>,
    /// Whether there is a code, and it has been sent.
    pub(crate) spent: bool,
}

// === impl Inner ===

impl Inner {
    /// What the account begins with now.
    pub(crate) async fn beginning(&self) -> Result<Beginning, StoreError> {
        let input = self.begins_with().await;
        let Some(hash) = input.as_deref().filter(|_| self.account.grant == Grant::AuthorizationCode) else {
            return Ok(Beginning { input, spent: false });
        };
        let spent = self.store.load(&self.spent_key(hash)).await?.pending.is_some();
        Ok(Beginning { input: input.filter(|_| !spent), spent })
    }

    /// Marks a code before it is sent. Returns whether it may be sent: nobody has marked it before.
    pub(crate) async fn spend(&self, hash: &str) -> Result<bool, StoreError> {
        let mut guard = self.store.exclusive(&self.spent_key(hash), self.token_timeout).await?;
        if guard.load().await?.pending.is_some() {
            return Ok(false);
        }
        let since = self.now_s();
        let mark = Pending { since, what: "code".to_owned(), sent: hash.to_owned(), times: 1 };
        guard.mark_pending(Some(mark)).await.map(|()| true)
    }

    /// Takes the mark away: the server has done nothing with the code.
    pub(crate) async fn unspend(&self, hash: &str) -> Result<(), StoreError> {
        let mut guard = self.store.exclusive(&self.spent_key(hash), self.token_timeout).await?;
        guard.mark_pending(None).await
    }

    fn spent_key(&self, hash: &str) -> TokenKey {
        TokenKey { fingerprint: hash.to_owned(), ..self.key.clone() }
    }
}

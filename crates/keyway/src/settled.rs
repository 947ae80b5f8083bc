//! A connection whose account is told something by its token: the same connection, with that filled in.

use keyway_oauth::{Account, Token};

use crate::{
    connection::Connection,
    failure::{Code, Failure},
    prepared::Prepared,
};

fn tells_all(account: &Account, token: &Token) -> bool {
    account.settled(&token.captured).is_ok_and(|settled| settled.endpoints.base_url.is_some())
}

// === impl Connection ===

impl Connection {
    /// The connection with what its token tells, where the account needs that; otherwise `None`. It asks for a token,
    /// since nothing can be resolved and confined before the host is known.
    pub(crate) async fn settled(&self) -> Result<Option<Self>, Failure> {
        if !self.account().awaits_captures() && !self.account().awaits_discovery() {
            return Ok(None);
        }
        // No message may go to an OAuth endpoint, so these are known before the first one.
        let account = self.tokens().discover().await?;
        let mut token = self.tokens().token(None).await?;
        if account.awaits_api(&token)
            && self.may_ask_api()
            && let Some(told) = self.tokens().ask_api_again(&token).await
        {
            token = told;
        }
        if let Some(settled) = self.settled_before().filter(|settled| settled.is_settled_for(&token)) {
            return Ok(Some(settled));
        }
        // A token of an earlier component may know nothing of a variable that a new one tells.
        let renewable = token.refresh_token.is_some() || account.mints_anew();
        if !tells_all(&account, &token)
            && renewable
            && self.may_ask_again()
            && let Ok(newer) = self.tokens().token(Some(&token)).await
        {
            token = newer;
        }
        let refused = |why: String| {
            let why = self.redactor().text(&why).into_owned();
            Failure::new(Code::TokenResponseInvalid, why)
        };
        let account = account.settled(&token.captured).map_err(|error| refused(error.to_string()))?;
        if account.endpoints.base_url.is_none() {
            let at = &account.component.api.base_url;
            return Err(refused(format!(
                "no answer told what `{at}` needs; give the variable in the credential, or correct its `from` and `pattern`"
            )));
        }
        let prepared = Prepared::of(&account).map_err(|error| refused(error.to_string()))?;
        Ok(Some(self.with_settled(account, prepared, token.captured.clone())))
    }
}

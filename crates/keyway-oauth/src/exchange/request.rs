//! What a token request sends.

use std::collections::BTreeMap;

use keyway_component::Secret;

use crate::account::Grant;

/// What a token request sends.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// The grant's own inputs.
    Mint,
    /// This refresh token, which is stored.
    Refresh(Secret),
    /// What a person brings.
    Redeem(Offer),
}

/// What a person brings to begin a new line of tokens. It works once, and the store does not have it.
#[derive(Debug, Clone)]
pub(crate) enum Offer {
    /// RFC 6749 section 4.1.3.
    Code {
        /// The code of the authorization response.
        code: Secret,
        /// RFC 7636 section 4.5, where the request had a challenge.
        code_verifier: Option<Secret>,
        /// The very text that the authorization request named.
        redirect_uri: String,
        /// Parameters of the authorization response that variables are read from.
        callback: BTreeMap<String, String>,
        /// The `state` of the authorization request.
        state: String,
        /// The key that the code is bound to (RFC 9449 section 10).
        dpop_key: Option<Secret>,
    },
    /// RFC 8628 section 3.4.
    DeviceCode(Secret),
    /// A refresh token that was got elsewhere.
    RefreshToken(Secret),
}

// === impl Request ===

impl Request {
    /// The grant of the request itself, which is not always the account's.
    pub(crate) fn grant<'a>(&'a self, account: &'a Grant) -> &'a Grant {
        match self {
            Self::Mint => account,
            Self::Refresh(_) | Self::Redeem(Offer::RefreshToken(_)) => &Grant::RefreshToken,
            Self::Redeem(Offer::Code { .. }) => &Grant::AuthorizationCode,
            Self::Redeem(Offer::DeviceCode(_)) => &Grant::DeviceCode,
        }
    }

    /// Parameters of the authorization response, where the request comes of one.
    pub(crate) fn callback(&self) -> Option<&BTreeMap<String, String>> {
        match self {
            Self::Redeem(Offer::Code { callback, .. }) => Some(callback),
            _ => None,
        }
    }

    /// The `state` of the sign-in that the request ends.
    pub(crate) fn state(&self) -> Option<&str> {
        match self {
            Self::Redeem(Offer::Code { state, .. }) => Some(state),
            _ => None,
        }
    }

    /// The secrets that the request itself has, by the names under which templates know them.
    pub(crate) fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        match self {
            Self::Mint => Vec::new(),
            Self::Refresh(token) | Self::Redeem(Offer::RefreshToken(token)) => vec![("refresh_token", token)],
            Self::Redeem(Offer::DeviceCode(code)) => vec![("device_code", code)],
            Self::Redeem(Offer::Code { code, code_verifier, .. }) => {
                let verifier = code_verifier.iter().map(|verifier| ("code_verifier", verifier));
                [("code", code)].into_iter().chain(verifier).collect()
            }
        }
    }
}

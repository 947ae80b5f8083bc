//! How a token is got, judged fresh, kept and shared.
//!
//! [`Account`] is a credential resolved against its component. [`TokenSource`] gives an account's token: one renewal
//! at a time, in a task that no message owns. Inside, the `oauth2` crate speaks RFC 6749; what vendors do otherwise is
//! the [`dialect`], laid around its HTTP client. [`TokenStore`] is where tokens rest.

pub mod account;
mod credential;
pub mod dialect;
mod exchange;
mod fault;
mod fingerprint;
mod freshness;
mod plan;
mod random;
mod renewal;
mod secrets;
mod shared;
mod source;
pub mod store;
mod token;

pub use account::{Account, AccountError, AccountOrigin, Grant, Overrides, grant_inputs};
pub use credential::{Credential, CredentialError};
pub use fault::{OAuthAnswer, TokenError, TokenErrorKind, TokenFault, TokenFaultKind};
pub use freshness::{Freshness, RenewalReason, freshness};
pub use shared::rfc3339;
pub use source::{TokenSource, TokenSourceParts, TokenStats};
pub use store::{FileStore, MemoryStore, StoreError, TokenKey, TokenStore};
pub use token::{ExpirySource, Token};

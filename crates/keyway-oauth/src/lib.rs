//! How a token is got, judged fresh, kept and shared.
//!
//! [`Account`] is a credential resolved against its component. [`TokenSource`] gives an account's token: one renewal
//! at a time, in a task that no message owns. Inside, the `oauth2` crate speaks RFC 6749; what vendors do otherwise is
//! the [`dialect`], laid around its HTTP client. [`TokenStore`] is where tokens rest.

pub mod account;
mod assertion;
mod bound;
mod credential;
mod credentials;
pub mod dialect;
mod discovery;
mod dpop;
mod exchange;
mod fault;
mod fingerprint;
mod freshness;
mod metadata;
mod plan;
mod random;
mod renewal;
mod revocation;
mod secrets;
mod shared;
pub mod sign_in;
mod source;
mod spent;
pub mod store;
mod token;
mod untold;

pub use account::{
    Account, AccountError, AccountOrigin, AccountSettings, Endpoints, Grant, client_owner, grant_inputs,
};
pub use credential::{Credential, CredentialError};
pub use credentials::CredentialFolder;
pub use fault::{OAuthAnswer, TokenError, TokenErrorKind, TokenFault, TokenFaultKind};
pub use freshness::{Freshness, RenewalReason, RenewalRule};
pub use revocation::Revocation;
pub use shared::rfc3339;
pub use source::{TokenSource, TokenSourceParts, TokenStats};
pub use store::{FileStore, MemoryStore, StoreError, TokenKey, TokenStore};
pub use token::{Captured, ExpirySource, Token};

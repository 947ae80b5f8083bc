//! The dialect: standard OAuth2 inside, the vendor's way at the edge. Pure, around the `oauth2` crate's HTTP client.
//!
//! [`speak`] turns the standard request into the vendor's, [`hear`] turns the vendor's answer into the standard one.

mod client_auth;
mod hear;
mod speak;

pub use hear::{Heard, Hearing, hear, hear_object};
pub use speak::{Words, speak};

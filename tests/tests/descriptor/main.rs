//! What a descriptor can say beyond RFC 6749, each against a server that insists on it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod assertions;
mod bound;
mod captured;
mod discovery;
mod exchanges;
mod forms;
mod places;

//! A server that misbehaves as a table says, and what has to hold whatever it does.
//!
//! A misbehaviour is a [`Case`]: the message that meets it, the bytes that it is answered with, and the codes that are
//! right for it. [`Stage`] is the place where cases happen; [`Stage::survives`] runs them and holds every one to the
//! same rules.

mod answer;
pub mod api;
mod bodies;
mod case;
mod request;
mod rules;
mod secrets;
mod server;
mod stage;
pub mod token;

pub use answer::{Answer, json, page, raw};
pub use bodies::{chunked, deflate, gzip, gzip_bomb, nested, zlib};
pub use case::{Case, case};
pub use request::Request;
pub use secrets::{ACCESS_TOKEN, CLIENT_SECRET, PASSWORD, REFRESH_TOKEN, held};
pub use server::{Hostile, OnAccept};
pub use stage::{Grant, Stage};

//! Podio and Podero on loopback, strict: what the real servers would refuse, these refuse.
//!
//! Made from what the vendors document and what their clients and a real django-oauth-toolkit server show, and of
//! nothing else: this crate depends on no other crate of Keyway, since a shared mistake would hide. All data is made up.
//!
//! [`Simulator::start`] binds three ports on 127.0.0.1: Podio, Podero production and Podero sandbox. Each has
//! `GET /_simulator` (origins and demo accounts), `GET /_simulator/stats`, `POST /_simulator/faults` and
//! `POST /_simulator/reset`.

mod client;
mod control;
mod faults;
mod ids;
mod options;
mod podero;
mod podio;
mod record;
mod server;

pub use client::ask;
pub use faults::{Fault, FaultKind, FaultTarget};
pub use options::{Options, PoderoBody};
pub use record::{Call, Stats};
pub use server::{Demo, Origin, Simulator};

//! How bytes travel: one transport for token requests and API requests alike.
//!
//! [`Transport`] takes a [`WireCall`] and says how it ended ([`AttemptEnd`]): never sent, maybe processed, or
//! answered. Around it: the [`OriginMap`], the [`AddressGuard`], bounded reading, waits that servers ask for, the
//! back-off [`Schedule`], and the [`Clock`] and [`Jitter`] that tests replace. What an answer *means* is decided by
//! `keyway` and `keyway-oauth`.

mod address_guard;
mod body_reader;
mod budget;
mod clock;
mod decoding;
mod direct;
mod fair;
mod faults;
mod http_transport;
mod options;
mod origin_map;
mod patience;
mod proxied;
mod resolver;
mod schedule;
mod tls_config;
mod transport;
mod waits;

pub use address_guard::{AddressGuard, AddressRefused};
pub use budget::{Body, ByteBudget};
pub use clock::{Clock, Jitter, NoJitter, SystemClock, SystemJitter};
pub use http_transport::HttpTransport;
pub use options::{Proxy, TransportOptions};
pub use origin_map::{OriginMap, UnmappedOrigin};
pub use schedule::Schedule;
pub use transport::{AttemptEnd, SendFuture, Transport, WireAnswer, WireCall, WireFault, WireFaultKind};
pub use waits::{fits, remaining, retry_after, throttle_wait};

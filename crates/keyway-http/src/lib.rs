//! How bytes travel: one transport for token requests and API requests alike.
//!
//! [`Transport`] takes a [`WireCall`] and says how it ended ([`AttemptEnd`]): never sent, maybe processed, or
//! answered. Around it: the [`OriginMap`], the [`AddressGuard`], bounded reading, waits that servers ask for, the
//! back-off [`Schedule`], and the [`Clock`] and [`Jitter`] that tests replace. What an answer *means* is decided by
//! `keyway` and `keyway-oauth`.

mod address_guard;
mod budget;
mod clock;
mod options;
mod origin_map;
mod reqwest_fault;
mod reqwest_transport;
mod schedule;
mod transport;
mod waits;

pub use address_guard::{AddressGuard, AddressRefused};
pub use budget::{Body, ByteBudget};
pub use clock::{Clock, Jitter, NoJitter, SystemClock, SystemJitter};
pub use options::{Proxy, TransportOptions};
pub use origin_map::{OriginMap, UnmappedOrigin};
pub use reqwest_transport::ReqwestTransport;
pub use schedule::Schedule;
pub use transport::{AttemptEnd, SendFuture, Transport, WireAnswer, WireCall, WireFault, WireFaultKind};
pub use waits::{remaining, retry_after, throttle_wait};

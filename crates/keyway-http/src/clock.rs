//! Time of day and randomness, passed in so that tests decide them.

use std::time::{Duration, SystemTime};

/// Nobody waits longer, whatever a server, a file or a message says: clocks can be moved on by so much without
/// overflowing.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// Tells the time of day. Durations are measured with tokio's clock instead, which tests can pause.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> SystemTime;
}

/// Spreads waits, so that many clients do not come back at once.
pub trait Jitter: Send + Sync + 'static {
    /// A number from 0 up to, but not including, 1.
    fn fraction(&self) -> f64;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// The machine's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemJitter;

/// No spread: always the middle. For tests and for schedules that are shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJitter;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

impl Jitter for SystemJitter {
    fn fraction(&self) -> f64 {
        // 53 bits are what an f64 holds; a machine without randomness gets no jitter rather than no retry.
        getrandom::u64().map_or(0.5, |bits| (bits >> 11) as f64 / (1u64 << 53) as f64)
    }
}

impl Jitter for NoJitter {
    fn fraction(&self) -> f64 {
        0.5
    }
}

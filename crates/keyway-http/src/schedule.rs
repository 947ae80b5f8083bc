//! The schedule of retries. The crate `backoff` is used in this file and nowhere else.
//!
//! `backoff` gives the intervals only. Its `retry_after`, its elapsed-time limit and its jitter are not used: the
//! first bypasses every limit, the second reads a clock that tests cannot move, the third exceeds `max_interval`.
//! Counting, deadlines and waits that a server asks for belong to the callers.

use std::time::Duration;

use backoff::{
    SystemClock,
    backoff::{Backoff as _, Constant},
    exponential::ExponentialBackoff,
};
use keyway_component::component::{Backoff, Retry};

use crate::clock::LONGEST_WAIT;

/// The waits before one message's retries, in turn.
pub struct Schedule {
    intervals: Intervals,
    longest: Duration,
}

enum Intervals {
    Fixed(Constant),
    Exponential(Box<ExponentialBackoff<SystemClock>>),
}

// === impl Schedule ===

impl Schedule {
    /// A schedule that has not begun.
    #[must_use]
    pub fn new(retry: &Retry) -> Self {
        let longest = Duration::from_millis(retry.max_wait_ms).min(LONGEST_WAIT);
        let first = Duration::from_millis(retry.delay_ms).min(longest);
        let intervals = match retry.backoff {
            Backoff::Fixed => Intervals::Fixed(Constant::new(first)),
            Backoff::Exponential => Intervals::Exponential(Box::new(ExponentialBackoff {
                current_interval: first,
                initial_interval: first,
                randomization_factor: 0.0,
                multiplier: 2.0,
                max_interval: longest,
                max_elapsed_time: None,
                ..ExponentialBackoff::default()
            })),
        };
        Self { intervals, longest }
    }

    /// The next wait, never longer than `max_wait_ms`. `fraction` (0 to 1) spreads an exponential wait over half to
    /// one and a half of its interval.
    pub fn next_wait(&mut self, fraction: f64) -> Duration {
        let wait = match &mut self.intervals {
            Intervals::Fixed(constant) => constant.next_backoff(),
            Intervals::Exponential(growing) => {
                growing.next_backoff().map(|interval| interval.mul_f64(0.5 + fraction.clamp(0.0, 1.0)))
            }
        };
        wait.unwrap_or(self.longest).min(self.longest)
    }
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schedule").field("longest", &self.longest).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waits(backoff: Backoff, delay_ms: u64, max_wait_ms: u64, fraction: f64) -> Vec<u128> {
        let mut schedule = Schedule::new(&Retry { backoff, delay_ms, max_wait_ms, ..Retry::default() });
        (0..5).map(|_| schedule.next_wait(fraction).as_millis()).collect()
    }

    #[test]
    fn fixed_is_fixed_and_exponential_doubles_up_to_the_limit() {
        assert_eq!(waits(Backoff::Fixed, 10_000, 60_000, 0.9), [10_000; 5]);
        assert_eq!(waits(Backoff::Exponential, 100, 1_000, 0.5), [100, 200, 400, 800, 1_000]);
    }

    #[test]
    fn jitter_stays_in_its_range_and_below_the_limit() {
        assert_eq!(waits(Backoff::Exponential, 100, 1_000, 0.0), [50, 100, 200, 400, 500]);
        assert_eq!(waits(Backoff::Exponential, 100, 1_000, 1.0), [150, 300, 600, 1_000, 1_000]);
        assert_eq!(waits(Backoff::Fixed, 5_000, 1_000, 0.5), [1_000; 5]);
        assert_eq!(waits(Backoff::Exponential, 5_000, 1_000, 0.0), [500; 5], "a delay above the limit is the limit");
    }

    #[test]
    fn absurd_numbers_do_not_overflow() {
        let year_ms = LONGEST_WAIT.as_millis();
        assert_eq!(waits(Backoff::Fixed, u64::MAX, u64::MAX, 1.0), [year_ms; 5]);
        assert_eq!(waits(Backoff::Exponential, u64::MAX, u64::MAX, 1.0), [year_ms; 5]);
    }

    #[test]
    fn a_delay_of_nothing_is_no_delay() {
        assert_eq!(waits(Backoff::Fixed, 0, 60_000, 0.5), [0; 5]);
        assert_eq!(waits(Backoff::Exponential, 0, 60_000, 0.5), [0; 5]);
    }

    proptest! {
        #[test]
        fn no_wait_is_above_the_limit_or_shorter_than_the_one_before(
            exponential in any::<bool>(),
            delay_ms in prop_oneof![any::<u64>(), 0u64..100_000],
            max_wait_ms in prop_oneof![any::<u64>(), 0u64..100_000],
            fraction in prop_oneof![-1e9f64..1e9, 0.0f64..=1.0],
        ) {
            let backoff = if exponential { Backoff::Exponential } else { Backoff::Fixed };
            let mut schedule = Schedule::new(&Retry { backoff, delay_ms, max_wait_ms, ..Retry::default() });
            let limit = Duration::from_millis(max_wait_ms).min(LONGEST_WAIT);
            let mut before = Duration::ZERO;
            for _ in 0..70 {
                let wait = schedule.next_wait(fraction);
                prop_assert!(wait <= limit && wait >= before, "{:?} after {:?}", wait, before);
                before = wait;
            }
        }
    }
}

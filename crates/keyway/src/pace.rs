//! The pace of a connection: how many requests may start in a second.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Hands out starting times, evenly spaced.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Option<Duration>,
    next: Mutex<Option<Instant>>,
}

// === impl Pace ===

impl Pace {
    pub(crate) fn new(max_per_second: Option<f64>) -> Self {
        let interval =
            max_per_second.filter(|rate| *rate > 0.0).and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok());
        Self { interval, next: Mutex::new(None) }
    }

    /// Waits for this attempt's turn.
    pub(crate) async fn turn(&self) {
        let Some(interval) = self.interval else { return };
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let turn = next.map_or(now, |next| next.max(now));
            *next = Some(turn + interval);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn attempts_are_spaced_evenly() {
        let (pace, begun) = (Pace::new(Some(10.0)), Instant::now());
        for _ in 0..6 {
            pace.turn().await;
        }
        assert_eq!(begun.elapsed().as_millis(), 500);
        let free = Pace::new(None);
        free.turn().await;
        assert_eq!(begun.elapsed().as_millis(), 500);
    }
}

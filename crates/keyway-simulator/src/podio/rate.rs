//! Podio's rate buckets: per user and client, one for all calls and one for operations that are marked.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::{auth::Caller, error::Refusal};
use crate::options::Options;

#[derive(Debug)]
pub(crate) struct Rates {
    general: u32,
    marked: u32,
    window: Duration,
    buckets: HashMap<Caller, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    began: Instant,
    general: u32,
    marked: u32,
}

/// What the two rate headers say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
}

// === impl Rates ===

impl Rates {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            general: options.podio_limit,
            marked: options.podio_marked_limit,
            window: Duration::from_secs(options.podio_window_s),
            buckets: HashMap::new(),
        }
    }

    /// Counts a call. After either limit all calls are refused until the window ends.
    pub(crate) fn count(&mut self, caller: &Caller, marked: bool) -> (Left, Option<Refusal>) {
        let now = Instant::now();
        let (window, general, limit_marked) = (self.window, self.general, self.marked);
        let bucket = self.buckets.entry(caller.clone()).or_insert(Bucket { began: now, general: 0, marked: 0 });
        if now.duration_since(bucket.began) >= window {
            *bucket = Bucket { began: now, general: 0, marked: 0 };
        }
        let limit = if marked { limit_marked } else { general };
        if bucket.general >= general || bucket.marked >= limit_marked {
            let left = window.saturating_sub(now.duration_since(bucket.began));
            let wait_s = (left.as_millis() as u64).div_ceil(1000).max(1);
            return (Left { limit, remaining: 0 }, Some(Refusal::rate_limit(wait_s)));
        }
        bucket.general += 1;
        bucket.marked += u32::from(marked);
        let used = if marked { bucket.marked } else { bucket.general };
        (Left { limit, remaining: limit.saturating_sub(used) }, None)
    }
}

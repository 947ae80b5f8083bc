//! The byte budget: large bodies share it, so that memory stays bounded whatever servers send.

use std::{ops::Deref, sync::Arc};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bodies up to this many bytes are free of the budget.
pub(crate) const FREE_BYTES: usize = 1 << 20;
/// The budget is counted in KiB, since a semaphore counts in `u32`.
const UNIT: u64 = 1 << 10;

/// A number of bytes that all large bodies of a host share.
#[derive(Debug, Clone)]
pub struct ByteBudget {
    units: Arc<Semaphore>,
    total: u32,
}

/// The bytes of a body, with their share of the budget, which is given back when the last clone is dropped.
#[derive(Debug, Clone, Default)]
pub struct Body {
    bytes: Bytes,
    share: Option<Arc<OwnedSemaphorePermit>>,
}

// === impl ByteBudget ===

impl ByteBudget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let total = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX >> 3).clamp(1, u32::MAX >> 3);
        Self { units: Arc::new(Semaphore::new(total as usize)), total }
    }

    /// Waits for a share that holds a body of up to `bytes`. A body that is larger than the whole budget gets all of
    /// it: one body at least can always be read.
    ///
    /// The share is taken in one piece. Two bodies that each took a part and waited for the rest would wait for ever.
    pub(crate) async fn share(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.total);
        Arc::clone(&self.units).acquire_many_owned(units).await.ok()
    }
}

// === impl Body ===

impl Body {
    /// A body with its share, cut down to what the body really needs.
    pub(crate) fn new(bytes: Bytes, share: Option<OwnedSemaphorePermit>) -> Self {
        let share = share.map(|mut share| {
            let needed = bytes.len().div_ceil(UNIT as usize);
            drop(share.split(share.num_permits().saturating_sub(needed)));
            Arc::new(share)
        });
        Self { bytes, share }
    }

    /// Gives the share back and keeps the bytes: for whoever holds bodies in an order that others must not wait for.
    pub fn release(&mut self) {
        self.share = None;
    }

    /// The bytes, without copying them. They may outlive the share.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, share: None }
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ashare_is_cut_to_size_and_comes_back() {
        let budget = ByteBudget::new(10 * UNIT);
        let share = budget.share(64 * UNIT).await;
        assert_eq!(budget.units.available_permits(), 0, "more than there is means all there is");
        let body = Body::new(Bytes::from(vec![0; 3 * UNIT as usize]), share);
        assert_eq!(budget.units.available_permits(), 7);
        let copy = body.clone();
        drop(body);
        assert_eq!(budget.units.available_permits(), 7);
        drop(copy);
        assert_eq!(budget.units.available_permits(), 10);
    }
}

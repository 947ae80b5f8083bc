//! Reading an answer's body: in pieces, decoded, up to the limit, within the byte budget.

use std::future::Future;

use bytes::Bytes;
use http::{HeaderMap, header};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use crate::{
    budget::{Body, ByteBudget, FREE_BYTES},
    decoding::{Decoder, PART_BYTES},
    transport::{WireFault, WireFaultKind},
};

/// So many parts of an encoded body are decoded in one go.
const PARTS_A_TURN: usize = 16;

/// Where the pieces of a body come from.
pub(crate) trait Pieces: Send {
    /// The body's length, where its head tells it.
    fn length(&self) -> Option<u64>;

    /// The next piece, `None` at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, WireFault>> + Send;
}

/// A body that is being read. A compressed bomb is counted as what it becomes.
pub(crate) struct BodyReader<'b> {
    budget: &'b ByteBudget,
    /// The most decoded bytes.
    limit: usize,
    /// The body's length, where it was announced and means decoded bytes.
    announced: Option<usize>,
    /// When the time for the whole answer is up.
    deadline: Instant,
    held: Held,
    share: Option<OwnedSemaphorePermit>,
}

/// What has come so far.
enum Held {
    Nothing,
    /// Most bodies come in one piece, which is then passed on as it is.
    One(Bytes),
    Many(Vec<u8>),
    Encoded(Box<Decoder>),
}

// === impl BodyReader ===

impl<'b> BodyReader<'b> {
    /// A reader for a body of up to `limit` decoded bytes, until the deadline.
    pub(crate) fn new(
        budget: &'b ByteBudget,
        headers: &HeaderMap,
        length: Option<u64>,
        limit: u64,
        deadline: Instant,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let held = Decoder::of(headers).map_or(Held::Nothing, |decoder| Held::Encoded(Box::new(decoder)));
        let length = length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let announced = length.filter(|_| matches!(held, Held::Nothing));
        Self { budget, limit, announced, deadline, held, share: None }
    }

    /// Reads all of it. The headers that belonged to an encoding that was undone go with it.
    ///
    /// # Errors
    /// What came in between.
    pub(crate) async fn read(mut self, pieces: &mut impl Pieces, headers: &mut HeaderMap) -> Result<Body, WireFault> {
        if self.announced.is_some_and(|length| length > self.limit) {
            return Err(self.too_large());
        }
        let mut came = false;
        while let Some(piece) = pieces.next().await? {
            came |= !piece.is_empty();
            self.take(piece).await?;
        }
        let bytes = match self.held {
            Held::Nothing => Bytes::new(),
            Held::One(piece) => piece,
            Held::Many(bytes) => fitting(bytes),
            // Answers to HEAD and the like name an encoding and have no body.
            Held::Encoded(_) if !came => Bytes::new(),
            Held::Encoded(decoder) => {
                headers.remove(header::CONTENT_ENCODING);
                headers.remove(header::CONTENT_LENGTH);
                fitting(decoder.finish().map_err(|error| undecodable(&error))?)
            }
        };
        Ok(Body::new(bytes, self.share))
    }

    async fn take(&mut self, piece: Bytes) -> Result<(), WireFault> {
        if !matches!(self.held, Held::Encoded(_)) {
            let so_far = match &self.held {
                Held::One(first) => first.len(),
                Held::Many(bytes) => bytes.len(),
                Held::Nothing | Held::Encoded(_) => 0,
            };
            self.make_room(so_far + piece.len()).await?;
            self.add(piece);
            return Ok(());
        }
        for (n, part) in piece.chunks(PART_BYTES).enumerate() {
            let Held::Encoded(decoder) = &mut self.held else { return Ok(()) };
            decoder.write(part).map_err(|error| undecodable(&error))?;
            let total = decoder.decoded().len();
            self.make_room(total).await?;
            // A piece may become a thousand times its size, and other messages have work too.
            if n % PARTS_A_TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// Sees to it that a body of so many bytes is within the limit and has its share of the budget.
    async fn make_room(&mut self, total: usize) -> Result<(), WireFault> {
        if total > self.limit {
            return Err(self.too_large());
        }
        if total <= FREE_BYTES || self.share.is_some() {
            return Ok(());
        }
        // The client's own time limits do not run while nothing is read, so this wait needs one.
        let most = self.most();
        let share = tokio::time::timeout_at(self.deadline, self.budget.share(most as u64)).await;
        self.share = share.map_err(|_| {
            let detail = "other large answers took all the memory for bodies until the time was up; use less concurrency, or a larger budget";
            WireFault::new(WireFaultKind::Timeout, detail)
        })?;
        if let Held::Encoded(decoder) = &mut self.held {
            reserve(decoder.decoded(), most);
        }
        Ok(())
    }

    fn add(&mut self, piece: Bytes) {
        self.held = match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => Held::One(piece),
            Held::One(first) => {
                // No more before there is a share: what the system gives in huge pages counts as used.
                let known = self.announced.unwrap_or_default().min(FREE_BYTES);
                let mut bytes = Vec::with_capacity(known.max(first.len() + piece.len()));
                bytes.extend_from_slice(&first);
                bytes.extend_from_slice(&piece);
                Held::Many(bytes)
            }
            Held::Many(mut bytes) => {
                if self.share.is_some() {
                    reserve(&mut bytes, self.most());
                }
                bytes.extend_from_slice(&piece);
                Held::Many(bytes)
            }
            encoded @ Held::Encoded(_) => encoded,
        };
    }

    /// The most bytes that this body can have.
    fn most(&self) -> usize {
        self.announced.unwrap_or(self.limit).min(self.limit)
    }

    fn too_large(&self) -> WireFault {
        let detail = format!("the answer's body is longer than {} bytes; raise the limit, or ask for less", self.limit);
        WireFault::new(WireFaultKind::TooLarge, detail)
    }
}

/// Room for all of a large body at once: growing by doubling would hold it up to three times. Pages that are never
/// written take no memory.
fn reserve(bytes: &mut Vec<u8>, most: usize) {
    bytes.reserve_exact(most.saturating_sub(bytes.len()));
}

/// The bytes without the room that they did not need.
fn fitting(mut bytes: Vec<u8>) -> Bytes {
    bytes.shrink_to_fit();
    Bytes::from(bytes)
}

fn undecodable(error: &std::io::Error) -> WireFault {
    WireFault::new(WireFaultKind::Protocol, format!("the answer cannot be decoded: {error}"))
}

//! First outcomes of messages, and whatever further ones some messages have, as one stream.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{
    Stream, StreamExt,
    stream::{BoxStream, SelectAll},
};

use crate::{outcome::Outcome, run::Ran};

/// Merges them.
pub(crate) struct Merged<S> {
    first: S,
    further: SelectAll<BoxStream<'static, Outcome>>,
    /// So many messages may have further outcomes under way before another one is begun.
    most: usize,
    /// Whether the next look is at the further ones.
    turn: bool,
    ended: bool,
}

// === impl Merged ===

impl<S: Stream<Item = Ran> + Unpin> Merged<S> {
    pub(crate) fn new(first: S, most: usize) -> Self {
        Self { first, further: SelectAll::new(), most, turn: false, ended: false }
    }

    /// All outcomes of a message come before any of the next one.
    pub(crate) fn in_order(first: S) -> Self {
        Self::new(first, 1)
    }

    fn poll_first(&mut self, context: &mut Context<'_>) -> Poll<Option<Outcome>> {
        if self.ended || self.further.len() >= self.most {
            return Poll::Pending;
        }
        match self.first.poll_next_unpin(context) {
            Poll::Ready(Some(Ran { outcome, further })) => {
                if let Some(further) = further {
                    self.further.push(further);
                }
                Poll::Ready(Some(outcome))
            }
            Poll::Ready(None) => {
                self.ended = true;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_further(&mut self, context: &mut Context<'_>) -> Poll<Option<Outcome>> {
        if self.further.is_empty() {
            return Poll::Pending;
        }
        match self.further.poll_next_unpin(context) {
            Poll::Ready(None) => Poll::Pending,
            other => other,
        }
    }
}

impl<S: Stream<Item = Ran> + Unpin> Stream for Merged<S> {
    type Item = Outcome;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Outcome>> {
        // They take turns, so that neither starves the other.
        self.turn = !self.turn;
        let (turn, before) = (self.turn, self.further.len());
        let mut found = if turn { self.poll_further(context) } else { self.poll_first(context) };
        if found.is_pending() {
            found = if turn { self.poll_first(context) } else { self.poll_further(context) };
        }
        // Where some have just ended there is room for another message.
        if found.is_pending() && self.further.len() < before {
            found = self.poll_first(context);
        }
        let is_done = found.is_pending() && self.ended && self.further.is_empty();
        if is_done { Poll::Ready(None) } else { found }
    }
}

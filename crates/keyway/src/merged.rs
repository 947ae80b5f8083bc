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
    /// Whether all outcomes of a message come before any of the next one.
    in_order: bool,
    /// Whether the next look is at the further ones.
    turn: bool,
    ended: bool,
}

// === impl Merged ===

impl<S: Stream<Item = Ran> + Unpin> Merged<S> {
    pub(crate) fn new(first: S, most: usize) -> Self {
        Self { first, further: SelectAll::new(), most, in_order: false, turn: false, ended: false }
    }

    pub(crate) fn in_order(first: S) -> Self {
        Self { in_order: true, ..Self::new(first, 1) }
    }

    fn is_done(&self) -> bool {
        self.ended && self.further.is_empty()
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
        self.turn = !self.turn || self.in_order;
        let before = self.further.len();
        let found = if self.turn {
            match self.poll_further(context) {
                Poll::Pending => self.poll_first(context),
                found => found,
            }
        } else {
            match self.poll_first(context) {
                Poll::Pending => self.poll_further(context),
                found => found,
            }
        };
        match found {
            // Where some have just ended there is room for another message.
            Poll::Pending if self.further.len() < before => match self.poll_first(context) {
                Poll::Pending if self.is_done() => Poll::Ready(None),
                found => found,
            },
            Poll::Pending if self.is_done() => Poll::Ready(None),
            found => found,
        }
    }
}

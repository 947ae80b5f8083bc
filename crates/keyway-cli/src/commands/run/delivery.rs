//! From outcomes to lines: what is counted, put aside and written, and when.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

use futures_util::{Stream, StreamExt};
use keyway::{Code, Outcome};

use super::{dead_letters::DeadLetters, output::Output, stop::Stop};
use crate::{exit::CliError, progress::Progress, summary::Summary};

/// All that an outcome goes through on its way out.
pub(super) struct Delivery {
    pub(super) output: Output,
    pub(super) dead_letters: DeadLetters,
    pub(super) progress: Progress,
    /// Messages that were taken in so far.
    pub(super) taken: Arc<AtomicU64>,
    pub(super) stop: Arc<Stop>,
    /// `--on-limit stop`: a message that the API asks to wait for ends the run.
    pub(super) stops_at_limit: bool,
    pub(super) summary: Summary,
    /// Whether a message has come to that.
    pub(super) limit_reached: bool,
}

/// How the run's output ended.
pub(super) enum Written {
    /// All of it is there.
    Whole,
    /// Nobody reads it any more, which is no fault.
    Unread,
    /// It could not be written.
    Failed(CliError),
}

// === impl Delivery ===

impl Delivery {
    /// Delivers all outcomes. When that cannot be done any more, no more is read, and what is under way comes to its end
    /// with nothing but its failures put aside.
    pub(super) async fn all(&mut self, mut outcomes: impl Stream<Item = Outcome> + Unpin) -> Written {
        let written = match self.until_it_fails(&mut outcomes).await {
            Ok(()) => return Written::Whole,
            Err(CliError::Output { why, .. }) if why.kind() == io::ErrorKind::BrokenPipe => Written::Unread,
            Err(error) => Written::Failed(error),
        };
        self.stop.ask();
        let mut unwritten = None;
        while let Some(outcome) = outcomes.next().await {
            if unwritten.is_none() {
                unwritten = self.dead_letters.keep(&outcome).err();
            }
        }
        match (written, unwritten) {
            (Written::Unread, Some(error)) => Written::Failed(error),
            (written, _) => written,
        }
    }

    async fn until_it_fails(&mut self, outcomes: &mut (impl Stream<Item = Outcome> + Unpin)) -> Result<(), CliError> {
        loop {
            // As long as more is ready it is collected. When nothing is, whoever is under way may go on once, and what there
            // is then goes out.
            let mut next = at_hand(outcomes).await;
            if next.is_pending() && self.is_under_way() {
                tokio::task::yield_now().await;
                next = at_hand(outcomes).await;
            }
            let outcome = match next {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => {
                    self.progress.show(self.summary.messages, self.summary.failed);
                    self.output.flush().await?;
                    outcomes.next().await
                }
            };
            match outcome {
                Some(outcome) => self.one(&outcome).await?,
                None => return self.output.flush().await,
            }
        }
    }

    /// Whether there is a message whose outcome is still to come.
    fn is_under_way(&self) -> bool {
        self.taken.load(Ordering::Relaxed) > self.summary.messages + self.summary.left
    }

    async fn one(&mut self, outcome: &Outcome) -> Result<(), CliError> {
        let limited = self.stops_at_limit && is(outcome, Code::RateLimited);
        if limited && !self.limit_reached {
            self.limit_reached = true;
            let wait_ms = outcome.result.as_ref().err().and_then(|failure| failure.retry_after);
            let wait_ms = wait_ms.map(|wait| wait.as_millis() as u64);
            tracing::warn!(event = "limit_reached", wait_ms, "the API asks for a longer pause; no more is read");
            self.stop.ask();
        }
        // What did not happen is no result of a run that goes on later.
        if self.output.is_resumable() && (limited || is(outcome, Code::Interrupted)) {
            self.summary.left += 1;
            return Ok(());
        }
        self.summary.count(outcome);
        self.dead_letters.keep(outcome)?;
        self.output.write(outcome).await
    }
}

/// Whether this is how the message ended.
fn is(outcome: &Outcome, code: Code) -> bool {
    matches!(&outcome.result, Err(failure) if failure.code == code)
}

/// The next item, if it is there.
async fn at_hand<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *stream).poll_next(context))).await
}

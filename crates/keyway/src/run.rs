//! Running a stream of messages: one outcome for each, in whatever order they are done or in the input's.

use std::future;

use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    failure::{Code, Failure},
    host::Host,
    lines::Line,
    merged::Merged,
    message::{InvalidMessage, Message, parse},
    outcome::{Input, Outcome},
    paged::{About, Paged},
    pages::Pages,
};

/// One item of input.
#[derive(Debug, Clone)]
pub enum Incoming {
    /// A message.
    Message(Box<Message>),
    /// A line that is yet to be read as one.
    Line(Line),
    /// A line with its number, for a run that passes others over.
    NumberedLine(u64, Line),
}

/// What a message came to.
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    /// Its further outcomes, where it asked for several.
    pub(crate) further: Option<BoxStream<'static, Outcome>>,
}

/// What is known of an item before it is run.
struct Read {
    message: Result<Message, InvalidMessage>,
    input: Option<Input>,
}

impl From<Message> for Incoming {
    fn from(message: Message) -> Self {
        Self::Message(Box::new(message))
    }
}

impl From<(u64, Line)> for Incoming {
    fn from((number, line): (u64, Line)) -> Self {
        Self::NumberedLine(number, line)
    }
}

impl From<Line> for Incoming {
    fn from(line: Line) -> Self {
        Self::Line(line)
    }
}

// === impl Host ===

impl Host {
    /// Runs messages through the connections that were made. Outcomes come in the order in which they are done; their
    /// `line` counts the input from 1, or is the number that came with a line. Memory stays bounded: only so many messages
    /// are taken as there are slots. A message with `paginate` has several outcomes, of which the last one says so.
    pub fn run<S>(&self, messages: S) -> BoxStream<'static, Outcome>
    where
        S: Stream<Item: Into<Incoming> + Send> + Send + 'static,
    {
        self.any_order(items(messages))
    }

    /// The same with outcomes in the order of the input. A slow message holds the finished ones behind it back.
    pub fn run_in_order<S>(&self, messages: S) -> BoxStream<'static, Outcome>
    where
        S: Stream<Item: Into<Incoming> + Send> + Send + 'static,
    {
        self.in_order(items(messages))
    }

    fn any_order(&self, items: BoxStream<'static, Incoming>) -> BoxStream<'static, Outcome> {
        let slots = self.slots();
        Merged::new(self.spawned(items).buffer_unordered(slots), slots).boxed()
    }

    fn in_order(&self, items: BoxStream<'static, Incoming>) -> BoxStream<'static, Outcome> {
        // A finished outcome may wait long for its turn, and nobody must wait for the memory that it holds.
        let released = self.spawned(items).map(|ran| async move {
            let mut ran = ran.await;
            ran.outcome.release();
            ran
        });
        Merged::in_order(released.buffered(self.slots())).boxed()
    }

    /// Each message in a task of its own, which ends when nobody wants its outcome any more.
    fn spawned(
        &self,
        items: BoxStream<'static, Incoming>,
    ) -> impl Stream<Item: Future<Output = Ran> + Send> + Send + 'static + use<> {
        let (host, stopped) = (self.clone(), self.interrupted());
        items.enumerate().map(move |(n, incoming)| {
            let line = if let Incoming::NumberedLine(line, _) = incoming { line } else { n as u64 + 1 };
            let (kept, host, interrupted) = (incoming.clone(), host.clone(), stopped.clone());
            // An interrupted host begins nothing any more. Boxed, the task is moved about as a pointer.
            let begin =
                || AbortOnDropHandle::new(tokio::spawn(Box::pin(async move { host.one(line, incoming).await })));
            let work = (!interrupted.is_cancelled()).then(begin);
            let task = async move {
                match work {
                    Some(task) => task.await,
                    None => future::pending().await,
                }
            };
            async move {
                tokio::select! {
                    biased;
                    done = task => match done {
                        Ok(ran) => ran,
                        // A fault of ours must not cost a line of output.
                        Err(_) => kept.read().failed(line, lost()),
                    },
                    () = interrupted.cancelled() => kept.read().failed(line, stopped_before()),
                }
            }
        })
    }

    async fn one(&self, line: u64, incoming: Incoming) -> Ran {
        let read = incoming.read();
        let message = match &read.message {
            Ok(message) => message,
            Err(invalid) => {
                let failure = Failure::new(Code::InvalidMessage, invalid.reason.clone());
                return read.failed(line, failure);
            }
        };
        let connection = match self.route(message) {
            Ok(connection) => connection,
            Err(failure) => return read.failed(line, failure),
        };
        let (id, passthrough) = (message.id.clone(), message.passthrough.clone());
        if let Some(paginate) = message.paginate {
            let pages = Pages::new(connection, message.clone());
            let paged = Paged::new(pages, paginate, About { line, id, passthrough, input: read.input });
            // Boxed: most messages are none of these, and each would have room for it.
            return Box::pin(self.first_of(paged)).await;
        }
        let result = crate::chain::run(&connection, message).await;
        Ran::only(Outcome { line, id, passthrough, result, position: None, input: read.input })
    }

    async fn first_of(&self, mut paged: Paged) -> Ran {
        let outcome = paged.next().await;
        let further = paged.has_next().then(|| further(paged, self.interrupted()));
        Ran { outcome, further }
    }
}

/// What is left of a message's outcomes, each asked for when it is wanted.
fn further(paged: Paged, stopped: CancellationToken) -> BoxStream<'static, Outcome> {
    stream::unfold(Some(paged), move |paged| {
        let stopped = stopped.clone();
        async move {
            let mut paged = paged.filter(Paged::has_next)?;
            if paged.has_one_at_hand() && !stopped.is_cancelled() {
                return Some((paged.next().await, Some(paged)));
            }
            let about = paged.about().clone();
            let task = AbortOnDropHandle::new(tokio::spawn(async move { (paged.next().await, paged) }));
            tokio::select! {
                biased;
                done = task => match done {
                    Ok((outcome, paged)) => Some((outcome, Some(paged))),
                    Err(_) => Some((about.outcome(Err(lost()), None), None)),
                },
                () = stopped.cancelled() => Some((about.outcome(Err(stopped_before()), None), None)),
            }
        }
    })
    .boxed()
}

fn lost() -> Failure {
    Failure::new(Code::Internal, "the message's task ended without a result; report this")
}

fn stopped_before() -> Failure {
    let why = "the run was stopped before this message was done; what it writes may have happened, so look before you \
               repeat it";
    Failure::new(Code::Interrupted, why)
}

/// What is run is compiled once and here, whatever its messages come from: the command is built small, and this fast.
fn items<S>(messages: S) -> BoxStream<'static, Incoming>
where
    S: Stream<Item: Into<Incoming> + Send> + Send + 'static,
{
    messages.map(Into::into).boxed()
}

// === impl Incoming ===

impl Incoming {
    fn read(self) -> Read {
        match self {
            Self::Message(message) => Read { message: Ok(*message), input: None },
            Self::Line(Line::Whole(line)) | Self::NumberedLine(_, Line::Whole(line)) => {
                Read { message: parse(&line), input: Some(Input::Line(line)) }
            }
            Self::Line(Line::TooLong { bytes, limit, kept })
            | Self::NumberedLine(_, Line::TooLong { bytes, limit, kept }) => {
                let reason = format!(
                    "the line has {bytes} bytes, and {limit} are the most; split the message, or raise the limit"
                );
                Read {
                    message: Err(InvalidMessage { reason, id: None, passthrough: None }),
                    input: kept.map(Input::Long),
                }
            }
        }
    }
}

// === impl Ran ===

impl Ran {
    fn only(outcome: Outcome) -> Self {
        Self { outcome, further: None }
    }
}

// === impl Read ===

impl Read {
    fn failed(self, line: u64, failure: Failure) -> Ran {
        let (id, passthrough) = match self.message {
            Ok(message) => (message.id, message.passthrough),
            Err(invalid) => (invalid.id, invalid.passthrough),
        };
        Ran::only(Outcome { line, id, passthrough, result: Err(failure), position: None, input: self.input })
    }
}

//! What a hostile server sends, as data.

use std::time::Duration;

use bytes::Bytes;

/// One answer: bytes in pieces, then an end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) steps: Vec<Step>,
    pub(super) end: End,
    /// Whether it is sent before the request's body was read.
    pub(super) early: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// These bytes.
    Send(Bytes),
    /// A status line with headers, and a body, with their places filled in and the length counted then.
    Page(String, Bytes),
    /// The same bytes so often, or until nobody takes them.
    Repeat(Bytes, usize),
    /// Byte by byte, with pauses in between.
    Drip(Bytes, Duration),
    Pause(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// In order: what was sent arrives.
    Close,
    /// At once.
    Reset,
    /// Open and silent until the peer goes.
    Hold,
    /// Open for the next request.
    Keep,
}

/// Bytes as they stand, then the connection is closed.
pub fn raw(bytes: impl Into<Bytes>) -> Answer {
    Answer { steps: vec![Step::Send(bytes.into())], end: End::Close, early: false }
}

/// A whole answer that keeps its connection. `head` is what follows `HTTP/1.1 `, without the length; both may have
/// places: `@SELF@`, `@LISTED@`, `@FILES@` and `@THIEF@` are origins (`@HOST@`, `@THIEFHOST@` and so on without their
/// scheme), `@TOKEN@` and `@TOKENPCT@` what the request carried, `@SECRET@`, `@SECRET64@` and `@SECRETPCT@` the client's.
pub fn page(head: impl Into<String>, body: impl Into<Bytes>) -> Answer {
    Answer { steps: vec![Step::Page(head.into(), body.into())], end: End::Keep, early: false }
}

/// A good answer with this body, labelled as JSON.
pub fn json(body: impl Into<Bytes>) -> Answer {
    page("200 OK\r\ncontent-type: application/json", body)
}

// === impl Answer ===

impl Answer {
    /// More bytes.
    #[must_use]
    pub fn send(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Send(bytes.into()))
    }

    /// The same bytes so often, or until the peer goes.
    #[must_use]
    pub fn repeat(self, bytes: impl Into<Bytes>, times: usize) -> Self {
        self.step(Step::Repeat(bytes.into(), times))
    }

    /// Byte by byte.
    #[must_use]
    pub fn drip(self, bytes: impl Into<Bytes>, every_ms: u64) -> Self {
        self.step(Step::Drip(bytes.into(), Duration::from_millis(every_ms)))
    }

    /// Nothing for a while.
    #[must_use]
    pub fn pause(self, ms: u64) -> Self {
        self.step(Step::Pause(Duration::from_millis(ms)))
    }

    /// Then the connection is reset.
    #[must_use]
    pub fn reset(self) -> Self {
        Self { end: End::Reset, ..self }
    }

    /// Then nothing more comes, and the connection stays.
    #[must_use]
    pub fn hold(self) -> Self {
        Self { end: End::Hold, ..self }
    }

    /// Then the connection waits for the next request.
    #[must_use]
    pub fn keep(self) -> Self {
        Self { end: End::Keep, ..self }
    }

    /// Then the connection is closed.
    #[must_use]
    pub fn close(self) -> Self {
        Self { end: End::Close, ..self }
    }

    /// All of it before the request's body is read.
    #[must_use]
    pub fn early(self) -> Self {
        Self { early: true, ..self }
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

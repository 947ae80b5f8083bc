//! What became of a message: one line out.

mod line;
mod schema;

use std::{
    fs::File,
    io::{self, Write},
    sync::Arc,
};

use bytes::Bytes;
pub(crate) use schema::generated_schema;
pub use schema::outcome_schema;

use crate::{answer::Answer, failure::Failure, raw_json::RawJson};

/// The result of one message of a stream.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The number of its line, from 1.
    pub line: u64,
    /// Its id, if it had one.
    pub id: Option<RawJson>,
    /// Its passthrough, if it had one.
    pub passthrough: Option<RawJson>,
    /// The answer, or why there is none that is good.
    pub result: Result<Answer, Failure>,
    /// Which of the message's outcomes it is, where `paginate` asks for several.
    pub position: Option<Position>,
    /// The line as it came, for a dead-letter file. `None` for messages that were not read from a line.
    pub input: Option<Input>,
}

/// The place of an outcome among those of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The page that it is, or is of, from 1.
    pub page: u64,
    /// The item's number among all items, from 1; `None` for whole pages, failures, and where there is no item at all.
    pub item: Option<u64>,
    /// Whether another outcome of the message follows.
    pub more: bool,
}

/// A line as it came.
#[derive(Debug, Clone)]
pub enum Input {
    /// Its bytes.
    Line(Bytes),
    /// A line that was too long, in a temporary file.
    Long(Arc<File>),
}

// === impl Outcome ===

impl Outcome {
    /// Writes the outcome as one line of JSON with its line break, in many small parts and a large one for the body:
    /// give it a buffer, or memory.
    ///
    /// # Errors
    /// What the writer says; memory says nothing.
    pub fn write_line(&self, out: &mut impl Write) -> io::Result<()> {
        line::write(self, out)
    }

    /// Whether another outcome of the same message follows.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.position.is_some_and(|position| position.more)
    }

    /// Gives the body's share of the host's memory budget back, and keeps the body.
    pub(crate) fn release(&mut self) {
        match &mut self.result {
            Ok(answer) => answer.body.release(),
            Err(failure) => {
                if let Some(answer) = &mut failure.parts_mut().answer {
                    answer.body.release();
                }
            }
        }
    }

    /// The answer, when there is one: also that of a failed message.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match &self.result {
            Ok(answer) => Some(answer),
            Err(failure) => failure.answer.as_ref(),
        }
    }
}

// === impl Input ===

impl Input {
    /// Writes the line as it came, with its line break.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_line(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Line(line) => out.write_all(line)?,
            Self::Long(file) => {
                io::copy(&mut &**file, out)?;
            }
        }
        out.write_all(b"\n")
    }
}

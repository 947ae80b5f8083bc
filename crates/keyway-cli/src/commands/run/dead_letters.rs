//! `--dead-letter`: failed messages, as they came in, appended to a file.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use keyway::{Input, Outcome};

use super::sink::Sink;
use crate::exit::CliError;

/// Where failed messages are put aside, if that is wanted.
pub(super) struct DeadLetters(Option<Place>);

struct Place {
    sink: Sink,
    what: String,
}

// === impl DeadLetters ===

impl DeadLetters {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, CliError> {
        let Some(path) = path else { return Ok(Self(None)) };
        let what = format!("`{}`", path.display());
        let sink = File::options().create(true).append(true).open(path).and_then(Sink::new);
        match sink {
            Ok(sink) => Ok(Self(Some(Place { sink, what }))),
            Err(why) => Err(CliError::Output { what, why }),
        }
    }

    /// Whether failed messages are put aside.
    pub(super) fn are_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Puts a failed message aside. One that succeeded is none.
    pub(super) fn keep(&mut self, outcome: &Outcome) -> Result<(), CliError> {
        match (&mut self.0, &outcome.result, &outcome.input) {
            (Some(place), Err(_), Some(input)) => {
                place.write(input).map_err(|why| CliError::Output { what: place.what.clone(), why })
            }
            _ => Ok(()),
        }
    }
}

// === impl Place ===

impl Place {
    fn write(&mut self, input: &Input) -> io::Result<()> {
        match input {
            // One write a line, so that two runs can share a file.
            Input::Line(_) => {
                let mut line = Vec::new();
                input.write_line(&mut line)?;
                self.sink.write_all(&line)
            }
            Input::Long(_) => input.write_line(&mut self.sink),
        }
    }
}

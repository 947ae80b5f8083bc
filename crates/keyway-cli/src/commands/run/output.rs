//! Where results go, and where it is noted that they are there.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use keyway::Outcome;

use super::sink::Sink;
use crate::{checkpoint::Checkpoint, exit::CliError};

/// Results are collected up to this many bytes before they are written, if more are ready.
const WRITE_AT: usize = 64 << 10;

/// The results' file or standard output.
pub(super) struct Output {
    written: Collected,
    what: String,
    /// The lines whose results are not noted yet, where somebody wants to know.
    lines: Vec<u64>,
    checkpoint: Option<Checkpoint>,
}

/// A sink behind a buffer that never grows: what is large goes past it.
struct Collected {
    sink: Sink,
    waiting: Vec<u8>,
    /// Bytes that the sink has.
    length: u64,
}

// === impl Output ===

impl Output {
    pub(super) fn open(path: Option<&Path>, checkpoint: Option<Checkpoint>) -> Result<Self, CliError> {
        let goes_on = checkpoint.as_ref().is_some_and(Checkpoint::goes_on);
        let what = path.map_or("standard output".to_owned(), |path| format!("`{}`", path.display()));
        let failed = |why| CliError::Output { what: what.clone(), why };
        let sink = match path {
            None => Sink::standard_output(),
            Some(path) if goes_on => File::options().create(true).append(true).open(path).and_then(Sink::new),
            Some(path) => File::create(path).and_then(Sink::new),
        };
        let sink = sink.map_err(failed)?;
        let length = if path.is_some() { sink.length().map_err(failed)? } else { 0 };
        let written = Collected { sink, waiting: Vec::with_capacity(WRITE_AT), length };
        Ok(Self { written, what, lines: Vec::new(), checkpoint })
    }

    /// Whether a later run goes on where this one ends.
    pub(super) fn is_resumable(&self) -> bool {
        self.checkpoint.is_some()
    }

    pub(super) fn write(&mut self, outcome: &Outcome) -> Result<(), CliError> {
        let written = outcome.write_line(&mut self.written);
        written.map_err(|why| CliError::Output { what: self.what.clone(), why })?;
        if self.checkpoint.is_some() && !outcome.has_more() {
            self.lines.push(outcome.line);
        }
        Ok(())
    }

    /// Sends all that was written on its way, and notes that it is there.
    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        self.written.flush().map_err(|why| CliError::Output { what: self.what.clone(), why })?;
        // Results first: what is noted is there.
        match &mut self.checkpoint {
            Some(checkpoint) if !self.lines.is_empty() => {
                checkpoint.note(&std::mem::take(&mut self.lines), self.written.length)
            }
            _ => Ok(()),
        }
    }
}

// === impl Collected ===

impl Collected {
    fn send(&mut self) -> io::Result<()> {
        self.sink.write_all(&self.waiting)?;
        self.length += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.waiting.len() + bytes.len() > WRITE_AT {
            self.send()?;
            if bytes.len() > WRITE_AT {
                self.sink.write_all(bytes)?;
                self.length += bytes.len() as u64;
                return Ok(());
            }
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

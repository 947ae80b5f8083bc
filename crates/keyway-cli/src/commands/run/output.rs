//! Where results go, and where it is noted that they are there.

use std::{fs::File, io::Write, path::Path};

use keyway::Outcome;

use super::sink::Sink;
use crate::{checkpoint::Checkpoint, exit::CliError};

/// Results are collected up to this many bytes before they are written, if more are ready.
const WRITE_AT: usize = 64 << 10;

/// The results' file or standard output.
pub(super) struct Output {
    sink: Sink,
    what: String,
    waiting: Vec<u8>,
    /// The lines whose results are waiting, where somebody wants to know.
    lines: Vec<u64>,
    /// Bytes that the output has.
    length: u64,
    checkpoint: Option<Checkpoint>,
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
        let (waiting, lines) = (Vec::with_capacity(WRITE_AT * 2), Vec::new());
        Ok(Self { sink, what, waiting, lines, length, checkpoint })
    }

    /// Whether a later run goes on where this one ends.
    pub(super) fn is_resumable(&self) -> bool {
        self.checkpoint.is_some()
    }

    pub(super) fn write(&mut self, outcome: &Outcome) -> Result<(), CliError> {
        outcome.write_line(&mut self.waiting);
        if self.checkpoint.is_some() {
            self.lines.push(outcome.line);
        }
        if self.waiting.len() >= WRITE_AT { self.flush() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> Result<(), CliError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let written = self.sink.write_all(&self.waiting);
        self.length += self.waiting.len() as u64;
        self.waiting.clear();
        // One very large result must not keep its memory.
        self.waiting.shrink_to(WRITE_AT * 2);
        written.map_err(|why| CliError::Output { what: self.what.clone(), why })?;
        // Results first: what is noted is there.
        match &mut self.checkpoint {
            Some(checkpoint) => checkpoint.note(&std::mem::take(&mut self.lines), self.length),
            None => Ok(()),
        }
    }
}

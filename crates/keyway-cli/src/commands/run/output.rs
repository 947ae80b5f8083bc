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
const WRITE_AT: usize = 32 << 10;
/// What there is room for. A result that does not fit behind those before it goes past the buffer, piece by piece.
const ROOM: usize = 64 << 10;

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
        let written = Collected { sink, waiting: Vec::with_capacity(ROOM), length };
        Ok(Self { written, what, lines: Vec::new(), checkpoint })
    }

    /// Whether a later run goes on where this one ends.
    pub(super) fn is_resumable(&self) -> bool {
        self.checkpoint.is_some()
    }

    pub(super) async fn write(&mut self, outcome: &Outcome) -> Result<(), CliError> {
        if self.written.waiting.len() >= WRITE_AT {
            self.send().await?;
        }
        let written = outcome.write_line(&mut self.written);
        written.map_err(|why| self.failed(why))?;
        if self.checkpoint.is_some() && !outcome.has_more() {
            self.lines.push(outcome.line);
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), CliError> {
        self.written.send().await.map_err(|why| self.failed(why))
    }

    fn failed(&self, why: io::Error) -> CliError {
        CliError::Output { what: self.what.clone(), why }
    }

    /// Sends all that was written on its way, and notes that it is there.
    pub(super) async fn flush(&mut self) -> Result<(), CliError> {
        self.send().await?;
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
    async fn send(&mut self) -> io::Result<()> {
        self.sink.send(&self.waiting).await?;
        self.is_sent();
        Ok(())
    }

    fn is_sent(&mut self) {
        self.length += self.waiting.len() as u64;
        self.waiting.clear();
    }
}

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.waiting.len() + bytes.len() > ROOM {
            self.flush()?;
            if bytes.len() > ROOM {
                self.sink.write_all(bytes)?;
                self.length += bytes.len() as u64;
                return Ok(());
            }
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.write_all(&self.waiting)?;
        self.is_sent();
        Ok(())
    }
}

//! What the clients of our own have in common: lines from a thread that reads, results to one that writes.

use std::io::{self, BufRead, Write};

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

/// One line.
#[derive(Deserialize)]
pub(crate) struct Line {
    pub(crate) id: Box<RawValue>,
    method: String,
    pub(crate) url: String,
    body: Option<Box<RawValue>>,
}

/// What came of it.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

// === impl Line ===

impl Line {
    pub(crate) fn method(&self) -> Method {
        self.method.parse().unwrap_or_default()
    }

    pub(crate) fn body(&self) -> Bytes {
        self.body.as_ref().map(|body| Bytes::copy_from_slice(body.get().as_bytes())).unwrap_or_default()
    }

    /// The result, as a line. The body is checked to be JSON, and passed on as it came.
    pub(crate) fn result(&self, answer: &Answer) -> io::Result<Vec<u8>> {
        let body: &RawValue = serde_json::from_slice(&answer.body)?;
        let mut line = Vec::with_capacity(answer.body.len() + 64);
        write!(line, "{{\"id\":{},\"status\":{},\"body\":{}}}", self.id, answer.status, body)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// Lines of standard input.
pub(crate) fn lines() -> mpsc::Receiver<Line> {
    let (sender, lines) = mpsc::channel(256);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let line = line.ok().and_then(|line| serde_json::from_str(&line).ok());
            if line.is_none_or(|line| sender.blocking_send(line).is_err()) {
                return;
            }
        }
    });
    lines
}

/// Writes results, and flushes when no more is ready.
pub(crate) async fn write_all(mut results: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(64 << 10, io::stdout());
    while let Some(line) = results.recv().await {
        out.write_all(&line)?;
        while let Ok(line) = results.try_recv() {
            out.write_all(&line)?;
        }
        tokio::task::yield_now().await;
        if results.is_empty() {
            out.flush()?;
        }
    }
    out.flush()
}

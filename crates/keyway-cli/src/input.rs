//! Input on a thread of its own: a read that waits for ever must not keep the process from ending.

use std::{
    fs::{File, Metadata},
    io::{self, BufReader, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use keyway::{Line, Lines};
use tokio::sync::{mpsc, oneshot};

use crate::{checkpoint::Answered, exit::CliError};

/// Lines that go to the run at once, if so many have come. Twice as many are read ahead; more would only cost memory.
const BATCH: usize = 64;
const BUFFER: usize = 64 << 10;

/// Lines as they come, and what ended them.
pub(crate) struct Input {
    /// Each with its number, as many as came together.
    pub(crate) lines: mpsc::Receiver<Vec<(u64, Line)>>,
    /// The reader's error, if it was no plain end.
    pub(crate) error: oneshot::Receiver<io::Error>,
    /// What it is, for people.
    pub(crate) what: String,
    /// Bytes read so far.
    pub(crate) read: Arc<AtomicU64>,
    /// The length of the input, where it is a file.
    pub(crate) total: Option<u64>,
}

/// Opens a file or standard input and begins to read. Lines that have their results are passed over.
pub(crate) fn open(
    path: Option<&Path>,
    max_line_bytes: usize,
    keep_long: bool,
    answered: Answered,
) -> Result<Input, CliError> {
    let read = Arc::new(AtomicU64::new(0));
    let what = path.map_or("standard input".to_owned(), |path| format!("`{}`", path.display()));
    let failed = |why| CliError::Input { what: what.clone(), why };
    let (source, total): (Box<dyn Read + Send>, Option<u64>) = match path {
        None => (Box::new(io::stdin()), standard_input_file().map(|file| file.len())),
        Some(path) => {
            let file = File::open(path).map_err(failed)?;
            let metadata = file.metadata().map_err(failed)?;
            (Box::new(file), metadata.is_file().then_some(metadata.len()))
        }
    };
    let (sender, batches) = mpsc::channel(1);
    let (broke_off, error) = oneshot::channel();
    let source = BufReader::with_capacity(BUFFER, Counted { source, read: Arc::clone(&read) });
    let lines = Lines::new(source, max_line_bytes).keeping_long(keep_long);
    let reading = move || {
        if let Err(error) = send(lines, &sender, &answered) {
            let _ = broke_off.send(error);
        }
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(reading).map_err(failed)?;
    Ok(Input { lines: batches, error, what, read, total })
}

/// Sends all lines, in batches of what can be had without waiting.
fn send(
    mut lines: Lines<BufReader<Counted>>,
    sender: &mpsc::Sender<Vec<(u64, Line)>>,
    answered: &Answered,
) -> io::Result<()> {
    let (mut batch, mut number) = (Vec::new(), 0);
    while let Some(line) = lines.next() {
        let line = line?;
        number += 1;
        if !answered.has(number) {
            batch.push((number, line));
        }
        let waits = batch.len() == BATCH || !lines.has_one_at_hand();
        // A closed channel means that the run stops reading.
        if waits && !batch.is_empty() && sender.blocking_send(std::mem::take(&mut batch)).is_err() {
            break;
        }
    }
    Ok(())
}

/// What standard input is, where it is a file.
pub(crate) fn standard_input_file() -> Option<Metadata> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let file = File::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
        file.metadata().ok().filter(Metadata::is_file)
    }
    #[cfg(not(unix))]
    {
        None
    }
}

/// Whether both are one file, whatever their names.
pub(crate) fn is_same_file(one: &Metadata, other: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        false
    }
}

struct Counted {
    source: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

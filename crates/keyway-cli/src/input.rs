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

/// Lines that are read ahead. More would only cost memory.
const READ_AHEAD: usize = 64;
const BUFFER: usize = 64 << 10;

/// Lines as they come, and what ended them.
pub(crate) struct Input {
    /// Each with its number.
    pub(crate) lines: mpsc::Receiver<(u64, Line)>,
    /// The reader's error, if it was no plain end.
    pub(crate) error: oneshot::Receiver<io::Error>,
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
    let (source, total): (Box<dyn Read + Send>, Option<u64>) = match path {
        None => (Box::new(io::stdin()), standard_input_file().map(|file| file.len())),
        Some(path) => {
            let what = || format!("`{}`", path.display());
            let file = File::open(path).map_err(|why| CliError::Input { what: what(), why })?;
            let metadata = file.metadata().map_err(|why| CliError::Input { what: what(), why })?;
            (Box::new(file), metadata.is_file().then_some(metadata.len()))
        }
    };
    let (sender, lines) = mpsc::channel(READ_AHEAD);
    let (failed, error) = oneshot::channel();
    let counted = Counted { source, read: Arc::clone(&read) };
    let reading = move || {
        let lines = Lines::new(BufReader::with_capacity(BUFFER, counted), max_line_bytes).keeping_long(keep_long);
        for (number, line) in (1..).zip(lines) {
            match line {
                Ok(_) if answered.has(number) => {}
                // A closed channel means that the run stops reading.
                Ok(line) => {
                    if sender.blocking_send((number, line)).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    let _ = failed.send(error);
                    return;
                }
            }
        }
    };
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(reading)
        .map_err(|why| CliError::Input { what: "the input".to_owned(), why })?;
    Ok(Input { lines, error, read, total })
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

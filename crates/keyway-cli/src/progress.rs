//! A progress bar on standard error, when that is a terminal and the input is a file.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts the input's bytes, or none.
pub(crate) struct Progress {
    bar: Option<(ProgressBar, Arc<AtomicU64>)>,
}

// === impl Progress ===

impl Progress {
    /// A bar over `total` bytes of which `read` are read.
    pub(crate) fn new(total: Option<u64>, read: &Arc<AtomicU64>) -> Self {
        let wanted = total.filter(|_| std::io::stderr().is_terminal());
        let bar = wanted.map(|total| {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template("{bar:30} {percent:>3}%  {msg}  {elapsed}, {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            (bar, Arc::clone(read))
        });
        Self { bar }
    }

    /// Shows where the run is.
    pub(crate) fn show(&self, done: u64, failed: u64) {
        if let Some((bar, read)) = &self.bar {
            bar.set_position(read.load(Ordering::Relaxed));
            bar.set_message(format!("{done} done, {failed} failed"));
        }
    }

    /// Takes the bar off the screen.
    pub(crate) fn end(&self) {
        if let Some((bar, _)) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

//! Logs and panics on standard error. Every line goes through the redactor: the last line of defence.

use std::io::{self, Write};

use keyway::Redactor;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::args::{Command, LogArgs, LogFormat, component::ComponentCommand};

/// Starts logging, and makes panics as careful as logs. What is only replayed goes wrong on purpose: it is told with `-v`.
pub(crate) fn start(args: &LogArgs, command: &Command, redactor: &Redactor) {
    let replays = matches!(command, Command::Component(ComponentCommand::Test { .. }));
    let level = match args.verbose {
        0 if replays => "off",
        0 => "warn",
        1 => "warn,keyway=info",
        2 => "warn,keyway=debug",
        _ => "info,keyway=trace",
    };
    let filter = EnvFilter::try_from_env("KEYWAY_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let writer = Redacted(redactor.clone());
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer.clone());
    let started = match args.log_format {
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
        LogFormat::Text => logs.with_ansi(crate::output::stderr_colours()).try_init(),
    };
    // Only a second start can fail, and there is none.
    let _ = started;
    std::panic::set_hook(Box::new(move |panic| {
        let mut line = writer.make_writer();
        let _ = writeln!(line, "internal error: {panic}\nplease report this");
    }));
}

#[derive(Clone)]
struct Redacted(Redactor);

/// One line, masked and written when it is whole.
struct LineWriter<'a> {
    redactor: &'a Redactor,
    line: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Redacted {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter { redactor: &self.0, line: Vec::with_capacity(256) }
    }
}

impl Write for LineWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter<'_> {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.line);
        // Nobody is left to tell when standard error is closed.
        let _ = io::stderr().lock().write_all(self.redactor.text(&text).as_bytes());
    }
}

//! `keyway run`: lines in, lines out.

use std::{
    fs::File,
    future,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt, stream};
use keyway::{Code, Host, Outcome, Redactor};
use tokio::sync::watch;

use crate::{
    args::{OnLimitArg, RunArgs, SummaryFormat},
    checkpoint::Checkpoint,
    connect::connect,
    exit::{CliError, FAILED, SUCCESS},
    input,
    progress::Progress,
    signals::signal,
    summary::Summary,
};

/// Results are collected up to this many bytes before they are written, if more are ready.
const WRITE_AT: usize = 64 << 10;

pub(crate) async fn run(args: RunArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let begun = Instant::now();
    let connected = connect(args.component.as_deref(), &args.host, usize::from(args.concurrency), redactor).await?;
    check_distinct(&args)?;
    let mut dead_letters = args.dead_letter.as_deref().map(DeadLetters::open).transpose()?;
    let checkpoint = match (&args.checkpoint, &args.input) {
        (Some(path), Some(input)) => Some(Checkpoint::open(path, input, args.output.as_deref())?),
        _ => None,
    };
    let answered = checkpoint.as_ref().map(|checkpoint| checkpoint.answered().clone()).unwrap_or_default();
    let input = input::open(args.input.as_deref(), args.max_line_bytes, dead_letters.is_some(), answered)?;
    let mut output = Output::open(args.output.as_deref(), checkpoint)?;
    let progress = Progress::new(input.total, &input.read);

    let stop = Stop::listen();
    let mut lines = input.lines;
    let lines = stream::poll_fn(move |context| lines.poll_recv(context)).take_until(stop.asked());
    let host = &connected.host;
    tokio::spawn(drain(host.clone(), stop.asked(), Duration::from_millis(args.drain_timeout_ms)));
    let mut outcomes = if args.keep_order { host.run_in_order(lines) } else { host.run(lines) };

    let on_limit_stop = args.host.retry.on_limit == OnLimitArg::Stop;
    let (mut summary, mut limit_told) = (Summary::default(), false);
    let written: Result<(), CliError> = loop {
        // As long as more is ready it is collected; when nothing is, what there is goes out.
        let outcome = match outcomes.next().now_or_never() {
            Some(next) => next,
            None => {
                progress.show(summary.messages, summary.failed);
                match output.flush() {
                    Ok(()) => outcomes.next().await,
                    Err(error) => break Err(error),
                }
            }
        };
        let Some(outcome) = outcome else { break output.flush() };
        let limited = on_limit_stop && is_limited(&outcome);
        if limited && !std::mem::replace(&mut limit_told, true) {
            let wait_ms = outcome
                .result
                .as_ref()
                .err()
                .and_then(|failure| failure.retry_after)
                .map(|wait| wait.as_millis() as u64);
            tracing::warn!(event = "limit_reached", wait_ms, "the API asks for a longer pause; no more is read");
            stop.ask(None);
        }
        // What did not happen is no result of a run that goes on later.
        if output.is_resumable() && (limited || is_interrupted(&outcome)) {
            summary.left += 1;
            continue;
        }
        summary.count(&outcome);
        let kept = match &mut dead_letters {
            Some(dead_letters) if outcome.result.is_err() => dead_letters.keep(&outcome),
            _ => Ok(()),
        };
        if let Err(error) = kept.and_then(|()| output.write(&outcome)) {
            break Err(error);
        }
    };
    let closed = matches!(&written, Err(CliError::Output { why, .. }) if why.kind() == io::ErrorKind::BrokenPipe);
    if written.is_err() {
        // Nobody reads any more: stop reading, and let what is under way come to its end unseen.
        stop.ask(None);
        while outcomes.next().await.is_some() {}
    }
    host.close().await;
    progress.end();
    summary.close(host, begun.elapsed());
    tell(&summary, args.summary);
    if closed {
        return Ok(ExitCode::from(SUCCESS));
    }
    written?;
    if let Some(Ok(why)) = input.error.now_or_never() {
        return Err(CliError::Input { what: "the input".to_owned(), why });
    }
    let failed = if summary.failed + summary.left > 0 { FAILED } else { SUCCESS };
    Ok(ExitCode::from(stop.signal().unwrap_or(failed)))
}

/// Whether the API asked for a longer pause than the message could wait.
fn is_limited(outcome: &Outcome) -> bool {
    matches!(&outcome.result, Err(failure) if failure.code == Code::RateLimited)
}

/// Whether the run was stopped before the message was done.
fn is_interrupted(outcome: &Outcome) -> bool {
    matches!(&outcome.result, Err(failure) if failure.code == Code::Interrupted)
}

/// Refuses to write where the input is read from, or two outputs to one place: opening would empty it.
fn check_distinct(args: &RunArgs) -> Result<(), CliError> {
    let place =
        |path: &Option<PathBuf>| path.as_ref().and_then(|path| path.canonicalize().ok()).filter(|path| path.is_file());
    let files = [
        ("--input", place(&args.input)),
        ("--output", place(&args.output)),
        ("--dead-letter", place(&args.dead_letter)),
        ("--checkpoint", place(&args.checkpoint)),
    ];
    for (n, (flag, path)) in files.iter().enumerate() {
        if let Some((other, _)) = files[..n].iter().find(|(_, earlier)| path.is_some() && earlier == path) {
            return Err(CliError::Usage(format!("{other} and {flag} are the same file; give each its own")));
        }
    }
    let stdin = input::standard_input_file();
    let output = args.output.as_ref().and_then(|path| path.metadata().ok());
    match (args.input.is_none(), stdin, output) {
        (true, Some(stdin), Some(output)) if input::is_same_file(&stdin, &output) => {
            Err(CliError::Usage("--output is the file that standard input is read from; give another".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Gives what is under way its time after a stop, and then interrupts the rest.
async fn drain(host: Host, asked: impl Future<Output = ()>, timeout: Duration) {
    asked.await;
    tokio::time::sleep(timeout).await;
    host.interrupt();
}

fn tell(summary: &Summary, format: SummaryFormat) {
    // Nobody is left to tell when standard error is closed.
    let _ = io::stderr().lock().write_all(summary.text(format).as_bytes());
}

/// Where results go, and where it is noted that they are there.
struct Output {
    sink: Box<dyn Write>,
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
    fn open(path: Option<&Path>, checkpoint: Option<Checkpoint>) -> Result<Self, CliError> {
        let (mut length, goes_on) = (0, checkpoint.as_ref().is_some_and(Checkpoint::goes_on));
        let (sink, what): (Box<dyn Write>, String) = match path {
            None => (Box::new(io::stdout()), "standard output".to_owned()),
            Some(path) => {
                let what = format!("`{}`", path.display());
                let failed = |why| CliError::Output { what: what.clone(), why };
                let file = if goes_on {
                    File::options().create(true).append(true).open(path).map_err(failed)?
                } else {
                    File::create(path).map_err(failed)?
                };
                length = file.metadata().map_err(failed)?.len();
                (Box::new(file), what)
            }
        };
        let (waiting, lines) = (Vec::with_capacity(WRITE_AT * 2), Vec::new());
        Ok(Self { sink, what, waiting, lines, length, checkpoint })
    }

    /// Whether a later run goes on where this one ends.
    fn is_resumable(&self) -> bool {
        self.checkpoint.is_some()
    }

    fn write(&mut self, outcome: &Outcome) -> Result<(), CliError> {
        outcome.write_line(&mut self.waiting);
        if self.checkpoint.is_some() {
            self.lines.push(outcome.line);
        }
        if self.waiting.len() >= WRITE_AT { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), CliError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let written = self.sink.write_all(&self.waiting).and_then(|()| self.sink.flush());
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

/// Failed messages, as they came in, appended.
struct DeadLetters {
    file: File,
    what: String,
}

// === impl DeadLetters ===

impl DeadLetters {
    fn open(path: &Path) -> Result<Self, CliError> {
        let what = format!("`{}`", path.display());
        let file = File::options().create(true).append(true).open(path);
        let file = file.map_err(|why| CliError::Output { what: what.clone(), why })?;
        Ok(Self { file, what })
    }

    fn keep(&mut self, outcome: &Outcome) -> Result<(), CliError> {
        let Some(input) = &outcome.input else { return Ok(()) };
        let failed = |why| CliError::Output { what: self.what.clone(), why };
        match input {
            // One write a line, so that two runs can share a file.
            keyway::Input::Line(_) => {
                let mut line = Vec::new();
                input.write_line(&mut line).and_then(|()| self.file.write_all(&line)).map_err(failed)
            }
            keyway::Input::Long(_) => input.write_line(&mut self.file).map_err(failed),
        }
    }
}

/// Asks the run to stop reading: by a signal, or because nobody reads its output. A second signal ends the process.
struct Stop(watch::Sender<Option<Option<u8>>>);

// === impl Stop ===

impl Stop {
    fn listen() -> Self {
        let (sender, _) = watch::channel(None);
        let told = sender.clone();
        tokio::spawn(async move {
            let first = signal().await;
            tracing::warn!(event = "stopping", "no more is read; what is under way comes to its end");
            told.send_replace(Some(Some(first)));
            let second = signal().await;
            std::process::exit(i32::from(second));
        });
        Self(sender)
    }

    fn ask(&self, code: Option<u8>) {
        self.0.send_replace(Some(code));
    }

    fn asked(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let mut told = self.0.subscribe();
        async move {
            if told.wait_for(Option::is_some).await.is_err() {
                future::pending::<()>().await;
            }
        }
    }

    fn signal(&self) -> Option<u8> {
        (*self.0.borrow()).flatten()
    }
}

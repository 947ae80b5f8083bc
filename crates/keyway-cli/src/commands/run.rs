//! `keyway run`: lines in, lines out.

mod dead_letters;
mod delivery;
mod output;
mod sink;
mod stop;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt, stream};
use keyway::Redactor;

use self::{
    dead_letters::DeadLetters,
    delivery::{Delivery, Written},
    output::Output,
    stop::Stop,
};
use crate::{
    args::{OnLimitArg, RunArgs, SummaryFormat},
    checkpoint::Checkpoint,
    connect::connect,
    exit::{CliError, FAILED, SUCCESS},
    input,
    progress::Progress,
    summary::Summary,
};

pub(crate) async fn run(args: RunArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let begun = Instant::now();
    let connected = connect(args.component.as_deref(), &args.host, usize::from(args.concurrency), redactor).await?;
    check_distinct(&args)?;
    let dead_letters = DeadLetters::open(args.dead_letter.as_deref())?;
    let checkpoint = match (&args.checkpoint, &args.input) {
        (Some(path), Some(input)) => Some(Checkpoint::open(path, input, args.output.as_deref())?),
        _ => None,
    };
    let answered = checkpoint.as_ref().map(|checkpoint| checkpoint.answered().clone()).unwrap_or_default();
    let input = input::open(args.input.as_deref(), args.max_line_bytes, dead_letters.are_wanted(), answered)?;
    let output = Output::open(args.output.as_deref(), checkpoint)?;
    let progress = Progress::new(input.total, &input.read);

    let stop = Arc::new(Stop::listen());
    let host = connected.host;
    stop.drain(host.clone(), Duration::from_millis(args.drain_timeout_ms));
    let mut batches = input.lines;
    let lines = stream::poll_fn(move |context| batches.poll_recv(context)).flat_map(stream::iter);
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    let lines = lines.take_until(stop.asked()).inspect(move |_| _ = count.fetch_add(1, Ordering::Relaxed));
    let outcomes = if args.keep_order { host.run_in_order(lines) } else { host.run(lines) };
    let mut delivery = Delivery {
        output,
        dead_letters,
        progress,
        taken,
        stop: Arc::clone(&stop),
        stops_at_limit: args.host.retry.on_limit == OnLimitArg::Stop,
        summary: Summary::default(),
        limit_reached: false,
    };
    // On the runtime's own threads, where the messages are: each outcome would else have to wake this one.
    let delivered = tokio::spawn(async move { (delivery.all(outcomes).await, delivery) }).await;
    let (written, mut delivery) = delivered.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));

    host.close().await;
    delivery.progress.end();
    delivery.summary.close(&host, begun.elapsed());
    tell(&delivery.summary, args.summary);
    match written {
        Written::Whole => {}
        Written::Unread => return Ok(ExitCode::from(SUCCESS)),
        Written::Failed(error) => return Err(error),
    }
    if let Some(Ok(why)) = input.error.now_or_never() {
        return Err(CliError::Input { what: input.what, why });
    }
    let failed = if delivery.summary.failed + delivery.summary.left > 0 { FAILED } else { SUCCESS };
    Ok(ExitCode::from(stop.signal().unwrap_or(failed)))
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

fn tell(summary: &Summary, format: SummaryFormat) {
    // Nobody is left to tell when standard error is closed.
    let _ = io::stderr().lock().write_all(summary.text(format).as_bytes());
}

//! Keyway beside bare HTTP loops and beside what people use today, in one run: `just bench`. All clients read the same
//! lines and write the same results; what they write is checked before anything is timed.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench talks to the person who runs it")]

mod clients;
mod cores;
mod counts;
mod fault;
mod input;
mod measure;
mod peers;
mod plot;
mod report;
mod scenario;
mod server;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::fault::Fault;

#[derive(Debug, Parser)]
#[command(about = "Keyway beside bare HTTP loops and beside what people use today")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Time all clients in all scenarios, in rounds that take turns, and write docs/performance.md.
    All(AllArgs),
    /// Count instructions and system calls, which do not depend on the machine's mood.
    Count {
        /// Fail where a core takes more than its budget in `budget.tsv` and five per cent.
        #[arg(long, conflicts_with = "write")]
        check: bool,
        /// Write the budget anew.
        #[arg(long)]
        write: bool,
        /// The clients' counts too: instructions and system calls a message.
        #[arg(long)]
        clients: bool,
        /// The `keyway` to count.
        #[arg(long, default_value = "target/release/keyway")]
        keyway: PathBuf,
    },
    /// Serve, and print the address.
    #[command(hide = true)]
    Serve,
    /// Be a client: lines on standard input, results on standard output.
    #[command(hide = true)]
    Client {
        kind: clients::Kind,
        #[arg(long)]
        server: String,
        #[arg(long)]
        concurrency: usize,
    },
    /// Run a core so many times.
    #[command(hide = true)]
    Core { name: String, times: u64 },
}

#[derive(Debug, clap::Args)]
pub(crate) struct AllArgs {
    /// Rounds; each runs every client once.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// About how long a client runs in each scenario, in seconds, at the speed of bare reqwest.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Only clients whose name begins with one of these.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Two rounds of half a second: to see that all is well.
    #[arg(long)]
    quick: bool,
    /// Leave docs/performance.md as it is.
    #[arg(long)]
    no_docs: bool,
    /// The `keyway` to time.
    #[arg(long, default_value = "target/release/keyway")]
    keyway: PathBuf,
}

fn main() -> ExitCode {
    let ended = match Args::parse().command {
        Command::All(args) => report::all(&args),
        Command::Count { check, write, clients, keyway } => counts::count(check, write, clients.then_some(&keyway)),
        Command::Serve => server::serve(),
        Command::Client { kind, server, concurrency } => clients::run(kind, &server, concurrency),
        Command::Core { name, times } => cores::run(&name, times),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Fault(why)) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

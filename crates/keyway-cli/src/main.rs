//! The `keyway` command: words and printing. Everything it does, the library can do.

mod accounts;
mod args;
mod ask;
mod checkpoint;
mod commands;
mod connect;
mod draw;
mod exit;
mod files;
mod folders;
mod input;
mod keys;
mod logs;
mod output;
mod progress;
mod signals;
mod summary;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let redactor = keyway::Redactor::default();
    logs::start(&args.logs, &args.command, &redactor);
    match commands::run(args.command, &redactor) {
        Ok(code) => code,
        Err(error) => error.tell(&redactor),
    }
}

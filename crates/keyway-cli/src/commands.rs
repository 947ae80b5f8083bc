//! One file a command.

mod client;
mod component;
mod credential;
mod doctor;
mod login;
mod logout;
mod request;
mod run;
mod simulator;
mod token;

use std::{io::Write, process::ExitCode};

use clap::CommandFactory;
use keyway::Redactor;

use crate::{
    args::{Args, Command, SchemaName},
    exit::{CliError, SUCCESS},
};

/// A token that the store did not take is gone with this process.
const NOT_STORED: &str =
    "the server gave a token, and it could not be stored, so it is lost; mend the token store and sign in again";

/// Runs a command to its end.
pub(crate) fn run(command: Command, redactor: &Redactor) -> Result<ExitCode, CliError> {
    match command {
        Command::Run(args) => block_on(run::run(*args, redactor)),
        Command::Request(args) => block_on(request::run(*args, redactor)),
        Command::Simulator(args) => block_on(simulator::run(args)),
        Command::Component(command) => component::run(command, redactor),
        Command::Client(command) => client::run(command),
        Command::Credential(command) => block_on(credential::run(command, redactor)),
        Command::Login(args) => block_on(login::run(*args, redactor)),
        Command::Logout(args) => block_on(logout::logout(*args, redactor)),
        Command::Token(command) => block_on(token::run(command, redactor)),
        Command::Doctor(args) => block_on(doctor::run(*args, redactor)),
        Command::Schema { name } => {
            let schema = match name {
                SchemaName::Component => keyway::component_schema(),
                SchemaName::Credential => keyway::credential_schema(),
                SchemaName::Client => keyway::client_schema(),
                SchemaName::Message => keyway::message_schema(),
                SchemaName::Outcome => keyway::outcome_schema(),
                SchemaName::Exchanges => keyway::replay::exchanges_schema(),
            };
            print(schema.as_bytes())
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "keyway", &mut script);
            print(&script)
        }
    }
}

pub(super) fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Usage(format!("the runtime cannot be started: {error}")))?;
    let result = runtime.block_on(work);
    // A read that is still waiting for input must not hold the end up.
    runtime.shutdown_background();
    result
}

/// Prints data on standard output. A reader that has seen enough is no error.
fn print(bytes: &[u8]) -> Result<ExitCode, CliError> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(why) if why.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::Output { what: "standard output".to_owned(), why })
        }
        _ => Ok(ExitCode::from(SUCCESS)),
    }
}

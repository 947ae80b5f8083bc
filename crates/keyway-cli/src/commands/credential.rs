//! `keyway credential`: accounts as files.

mod add;
mod inputs;
mod seal;
mod set;
mod show;

use std::process::ExitCode;

use keyway::{Host, Message, Redactor};

use super::print;
use crate::{
    accounts,
    args::account::{CredentialCommand, OneArgs},
    ask,
    connect::{connect_one, host_for},
    exit::{CliError, FAILED, SUCCESS},
};

pub(crate) use seal::references;

pub(crate) async fn run(command: CredentialCommand, redactor: &Redactor) -> Result<ExitCode, CliError> {
    match command {
        CredentialCommand::Add(args) => add::run(*args, redactor),
        CredentialCommand::Set(args) => set::run(*args),
        CredentialCommand::List { sources } => show::list(&sources),
        CredentialCommand::Show { credential } => show::show(&credential),
        CredentialCommand::Check { credentials, sources } => show::check(&credentials, &sources),
        CredentialCommand::Verify(args) => verify(&args, redactor).await,
        CredentialCommand::Remove { credential, yes, sources, account } => {
            let (host, kept) = host_for(&sources, &account, None, redactor)?;
            kept.must_last()?;
            remove(&host, &credential, yes).await
        }
    }
}

/// Sends the component's `verify` action.
async fn verify(args: &OneArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let (host, connection, _) = connect_one(args, redactor)?;
    let component = &connection.account().component;
    let Some(action) = &component.verify else {
        let why = format!("`{}` declares no `verify` action; send a request with `keyway request`", component.name);
        return Err(CliError::Usage(why));
    };
    let label = connection.account().label();
    let sent = connection.send(Message::action(action)).await;
    host.close().await;
    match sent {
        Ok(answer) => {
            print(format!("{label}: works ({} in {} ms)\n", answer.status, answer.elapsed.as_millis()).as_bytes())
        }
        Err(failure) => {
            ask::say(&redactor.text(&format!("{label}: does not work: {failure}")));
            Ok(ExitCode::from(FAILED))
        }
    }
}

/// Removes an account's file and its token, token first: a file without a token can be signed in again.
async fn remove(host: &Host, name: &str, yes: bool) -> Result<ExitCode, CliError> {
    let folder = accounts::folder()?;
    let credential = folder.get(name)?;
    if !yes {
        let question = format!(
            "Remove the account `{name}` and its token from this machine? (`keyway logout {name}` first ends the token at the server)"
        );
        if !ask::on_terminal() {
            return Err(CliError::Usage(format!("`{name}` is not removed without being asked; add --yes")));
        }
        if !ask::yes(&question)? {
            return Ok(ExitCode::from(FAILED));
        }
    }
    // A file that makes no account has no token to look for.
    let had_token = match host.connect(credential) {
        Ok(connection) => connection.tokens().forget().await?,
        Err(_) => false,
    };
    folder.remove(name)?;
    let left = if had_token {
        "; the server may still take its token until that ends, or until you revoke it there"
    } else {
        ""
    };
    ask::say(&format!("Removed `{name}`{left}."));
    Ok(ExitCode::from(SUCCESS))
}

//! `keyway credential`: accounts as files.

mod add;
mod inputs;
mod seal;
mod set;
mod show;

use std::process::ExitCode;

use keyway::{Connection, Host, Message, Redactor};

use super::print;
use crate::{
    accounts,
    args::account::{CredentialCommand, OneArgs},
    ask,
    connect::{connect_one, host_for},
    exit::{CliError, FAILED, SUCCESS},
    keys::Kept,
    signals::to_its_end,
};

pub(crate) use seal::references;

pub(crate) async fn run(command: CredentialCommand, redactor: &Redactor) -> Result<ExitCode, CliError> {
    match command {
        CredentialCommand::Add(args) => add::run(*args, redactor),
        CredentialCommand::Set(args) => set::run(*args),
        CredentialCommand::List { sources } => show::list(&sources),
        CredentialCommand::Show { credential, sources } => show::show(&credential, &sources),
        CredentialCommand::Check { credentials, sources } => show::check(&credentials, &sources),
        CredentialCommand::Verify(args) => verify(&args, redactor).await,
        CredentialCommand::Remove { credential, yes, sources, account } => {
            let (host, kept) = host_for(&sources, &account, None, redactor)?;
            kept.must_last()?;
            remove(&host, &kept, &credential, yes).await
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
    let sent = to_its_end(&host, connection.send(Message::action(action))).await?;
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
async fn remove(host: &Host, kept: &Kept, name: &str, yes: bool) -> Result<ExitCode, CliError> {
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
    let left = match host.connect(credential) {
        Ok(connection) if end(&connection, kept).await? => {
            "; the server may still take its token until that ends, or until you revoke it there"
        }
        Ok(_) => "",
        // A file that makes no account, or whose component is not named: nobody knows which token is its.
        Err(_) => "; it makes no account here, so a token that it may have had was not looked for (see --components)",
    };
    folder.remove(name)?;
    ask::say(&format!("Removed `{name}`{left}."));
    Ok(ExitCode::from(SUCCESS))
}

/// Takes an account's token away, and all that it left. Returns whether there was a token.
async fn end(connection: &Connection, kept: &Kept) -> Result<bool, CliError> {
    let had_token = connection.tokens().forget().await?;
    if let Kept::Files(open) = kept {
        open.store.purge(connection.tokens().key())?;
    }
    Ok(had_token)
}

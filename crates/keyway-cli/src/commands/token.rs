//! `keyway token`: show, renew, revoke, import.

use std::{fmt::Write as _, process::ExitCode};

use keyway::{Connection, Host, Redactor, Secret, Token, rfc3339, store::Stored};
use serde_json::json;

use super::{logout, print};
use crate::{
    accounts,
    args::account::{OneArgs, RenewArgs, TokenCommand},
    ask,
    connect::{connect_one, host_for},
    exit::{CliError, FAILED, SUCCESS},
    signals::to_its_end,
};

pub(crate) async fn run(command: TokenCommand, redactor: &Redactor) -> Result<ExitCode, CliError> {
    match command {
        TokenCommand::Show { one, json } => show(&one, json, redactor).await,
        TokenCommand::Renew(args) => renew(args, redactor).await,
        TokenCommand::Revoke(one) => logout::revoke(&one, redactor).await,
        TokenCommand::Import(one) => import(&one, redactor).await,
    }
}

async fn show(args: &OneArgs, as_json: bool, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let (_host, connection, _) = connect_one(args, redactor)?;
    let stored = connection.tokens().stored().await?;
    let text = if as_json { described_as_json(&connection, &stored) } else { described(&connection, &stored) };
    print(redactor.values(&text).as_bytes())
}

fn described(connection: &Connection, stored: &Stored) -> String {
    let mut text = format!("{}\n", connection.account().label());
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<14} {value}");
    };
    match &stored.token {
        None => line("access token", "none"),
        Some(token) => {
            line("access token", "*** (never shown)");
            line("refresh token", if token.refresh_token.is_some() { "*** (never shown)" } else { "none" });
            line("got at", &rfc3339(token.obtained_at));
            line("ends at", &format!("{} ({})", ends(token), token.expiry_source));
            line(
                "scope",
                &token.scope.as_deref().map_or_else(|| "not told".to_owned(), |scope| keyway::printable(scope, 300)),
            );
            let further: Vec<&str> = token.extra.keys().map(String::as_str).collect();
            line("came with", &if further.is_empty() { "nothing more".to_owned() } else { further.join(", ") });
        }
    }
    if let Some(pending) = &stored.pending {
        let since = rfc3339(pending.begun_at());
        line("interrupted", &format!("a {} begun at {since}; the next renewal shows what became of it", pending.what));
    }
    text
}

fn ends(token: &Token) -> String {
    token.expires_at.map_or_else(|| "not known".to_owned(), rfc3339)
}

/// The same for programs. Members that the server added are named, not shown: they may be secrets too.
fn described_as_json(connection: &Connection, stored: &Stored) -> String {
    let token = stored.token.as_ref();
    let shown = json!({
        "account": connection.account().label(),
        "has_access_token": token.is_some(),
        "has_refresh_token": token.is_some_and(|token| token.refresh_token.is_some()),
        "obtained_at": token.map(|token| rfc3339(token.obtained_at)),
        "expires_at": token.and_then(|token| token.expires_at).map(rfc3339),
        "expiry_source": token.map(|token| token.expiry_source.to_string()),
        "scope": token.and_then(|token| token.scope.as_deref()),
        "further_members": token.map(|token| token.extra.keys().collect::<Vec<_>>()),
        "interrupted_since": stored.pending.as_ref().map(|pending| rfc3339(pending.begun_at())),
    });
    format!("{shown}\n")
}

async fn renew(args: RenewArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let (host, kept) = host_for(&args.sources, &args.account, Some(&args.network), redactor)?;
    kept.must_last()?;
    let renewed = to_its_end(&host, renew_all(&host, &args, redactor)).await??;
    let lost: Vec<_> = host.connections().into_iter().filter(|connection| !connection.tokens().is_stored()).collect();
    for connection in &lost {
        ask::say(&format!("error: {}: {}", connection.account().label(), super::NOT_STORED));
    }
    Ok(if lost.is_empty() { renewed } else { ExitCode::from(FAILED) })
}

async fn renew_all(host: &Host, args: &RenewArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let mut failed = false;
    for (name, connection) in chosen(host, args) {
        let told = match connection {
            Err(error) => Err(error),
            Ok(connection) => renew_one(&connection, args).await,
        };
        match told {
            Ok(None) => {}
            Ok(Some(told)) => ask::say(&redactor.text(&told)),
            // One account that cannot be renewed must not keep the others from it.
            Err(error) => {
                failed = true;
                ask::say(&redactor.text(&format!("error: {name}: {error}")));
            }
        }
    }
    Ok(ExitCode::from(if failed { FAILED } else { SUCCESS }))
}

/// The accounts that are meant, each connected or with why it is not.
fn chosen(host: &Host, args: &RenewArgs) -> Vec<(String, Result<Connection, CliError>)> {
    let connect = |credential: keyway::Credential| host.connect(credential).map_err(CliError::from);
    if !args.all {
        let one = |who: &String| (who.clone(), accounts::whoever(host, who).and_then(connect));
        return args.who.iter().map(one).collect();
    }
    match accounts::all_of(None) {
        Ok(all) => all.into_iter().map(|(name, credential)| (name, credential.and_then(connect))).collect(),
        Err(error) => vec![("the folder of credentials".to_owned(), Err(error))],
    }
}

/// Renews one account's token. `None` where `--all` meets an account that has none.
async fn renew_one(connection: &Connection, args: &RenewArgs) -> Result<Option<String>, CliError> {
    let (tokens, label) = (connection.tokens(), connection.account().label());
    let stored = tokens.stored().await?;
    let age = stored.token.as_ref().map(|token| token.obtained_at.elapsed().unwrap_or_default());
    match (age, args.older_than) {
        // An account that was never signed in has nothing to keep alive.
        (None, _) if args.all => return Ok(None),
        (Some(age), Some(limit)) if age < limit => return Ok(Some(format!("{label}: young enough"))),
        _ => {}
    }
    let token = tokens.renew().await.map_err(|error| CliError::Usage(error.message))?;
    Ok(Some(format!("{label}: renewed, ends at {}", ends(&token))))
}

async fn import(args: &OneArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let (host, connection, _) = connect_one(args, redactor)?;
    let refresh_token = if ask::on_terminal() { ask::secret("Refresh token")? } else { Secret::new(ask::all_input()?) };
    if refresh_token.is_empty() {
        let why = "standard input holds no refresh token; pipe it in, or type it on a terminal";
        return Err(CliError::Usage(why.to_owned()));
    }
    let imported = to_its_end(&host, connection.tokens().import_refresh_token(refresh_token)).await?;
    match imported {
        Ok(_) if !connection.tokens().is_stored() => Err(CliError::Usage(super::NOT_STORED.to_owned())),
        Ok(token) => {
            ask::say(&format!("{}: imported, ends at {}.", connection.account().label(), ends(&token)));
            Ok(ExitCode::from(SUCCESS))
        }
        Err(error) => {
            ask::say(&redactor.text(&format!("error: {error}")));
            Ok(ExitCode::from(FAILED))
        }
    }
}

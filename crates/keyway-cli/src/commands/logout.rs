//! `keyway logout` and `keyway token revoke`: the end of a token, at the server and here.

use std::process::ExitCode;

use keyway::{Connection, Redactor, Revocation};

use crate::{
    args::account::{LogoutArgs, OneArgs},
    ask,
    connect::connect_one,
    exit::{CliError, FAILED, SUCCESS},
};

pub(crate) async fn logout(args: LogoutArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let (host, connection, _) = connect_one(&args.one, redactor)?;
    let ended = end(&connection, args.forget, redactor).await;
    host.close().await;
    ended
}

pub(crate) async fn revoke(args: &OneArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let (host, connection, _) = connect_one(args, redactor)?;
    let account = connection.tokens().discover().await.map_err(|error| CliError::Usage(error.to_string()))?;
    if account.endpoints.revocation.is_none() {
        let name = &connection.account().component.name;
        let why = format!("`{name}` has no `revocation_endpoint`; `keyway logout` forgets the token here");
        return Err(CliError::Usage(why));
    }
    let ended = end(&connection, false, redactor).await;
    host.close().await;
    ended
}

/// Revokes and forgets. What the server keeps valid stays here too, so that it can be revoked later.
async fn end(connection: &Connection, forget: bool, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let (tokens, label) = (connection.tokens(), connection.account().label());
    let until = match tokens.current().await {
        Ok(Some(token)) => token.expires_at.map(keyway::rfc3339),
        _ => None,
    };
    let until = until.map_or_else(|| "until it ends by itself".to_owned(), |end| format!("until {end} at the latest"));
    let told = match tokens.revoke().await {
        // What cannot be read cannot be revoked, and can still be put away by hand.
        Err(error) => return Err(error.into()),
        Ok(Revocation::NoToken) => format!("{label}: there is no token"),
        Ok(Revocation::Revoked) => format!("{label}: the token is revoked at the server, and forgotten here"),
        Ok(Revocation::NoEndpoint) => format!(
            "{label}: the token is forgotten here. This API has no revocation endpoint, so the access token is still valid at the server {until}"
        ),
        Ok(Revocation::StillValid { why, retry_after }) => {
            let again = retry_after.map_or_else(|| "later".to_owned(), |wait| format!("in {} s", wait.as_secs()));
            let then = if forget {
                "It is forgotten here all the same.".to_owned()
            } else {
                format!("It is kept here: try again {again}, or add --forget.")
            };
            ask::say(&redactor.text(&format!("{label}: the token is still valid at the server: {why}. {then}")));
            if forget {
                tokens.forget().await?;
            }
            return Ok(ExitCode::from(FAILED));
        }
    };
    tokens.forget().await?;
    ask::say(&format!("{told}."));
    Ok(ExitCode::from(SUCCESS))
}

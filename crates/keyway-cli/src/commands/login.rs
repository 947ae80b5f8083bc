//! `keyway login`: from a person to a stored token.

mod browser;
mod paste;

use std::{process::ExitCode, sync::Arc};

use keyway::{
    Connection, Grant, Redactor, Token, TokenSource, rfc3339,
    sign_in::{AuthorizationRequest, Code, Redirect, SignInError},
};

use crate::{
    args::account::LoginArgs,
    ask,
    connect::connect_one,
    exit::{CliError, FAILED, SUCCESS},
    keys::Kept,
    signals::to_its_end,
};

/// How a sign-in ended without a token. The person has been told all that there is.
pub(super) enum Ended {
    /// By a mistake in the command, or of the machine.
    Wrong(CliError),
    /// The server, or the person, said no.
    Refused(SignInError),
}

pub(crate) async fn run(args: LoginArgs, redactor: &Redactor) -> Result<ExitCode, CliError> {
    let (host, connection, kept) = connect_one(&args.one, redactor)?;
    connection.account().check_secrets().await.map_err(CliError::Usage)?;
    let ended = to_its_end(&host, sign_in(&connection, &args, &kept)).await?;
    match ended {
        Ok(Some(_)) if !connection.tokens().is_stored() => Err(CliError::Usage(super::NOT_STORED.to_owned())),
        Ok(Some(token)) => {
            ask::say(&redactor.text(&signed_in(&connection, &token)));
            Ok(ExitCode::from(SUCCESS))
        }
        // The address is printed, and somebody else goes on.
        Ok(None) => Ok(ExitCode::from(SUCCESS)),
        Err(Ended::Wrong(error)) => Err(error),
        Err(Ended::Refused(error)) => {
            ask::say(&redactor.text(&format!("error: {error}")));
            Ok(ExitCode::from(FAILED))
        }
    }
}

async fn sign_in(connection: &Connection, args: &LoginArgs, kept: &Kept) -> Result<Option<Arc<Token>>, Ended> {
    let tokens = connection.tokens();
    tokens.discover().await.map_err(|error| Ended::Refused(error.into()))?;
    match &connection.account().grant {
        Grant::AuthorizationCode => match (&args.answer, args.print_url) {
            (Some(answer), _) => paste::finish(tokens, answer, kept).await.map(Some),
            (None, true) => paste::begin(connection, kept).map(|()| None),
            (None, false) => authorize(connection, args).await.map(Some),
        },
        Grant::DeviceCode => device(tokens).await.map(Some),
        // The grant is all in the credential: a new token shows whether it is right.
        _ => tokens.mint().await.map(Some).map_err(|error| Ended::Refused(error.into())),
    }
}

/// In a browser on this machine, or with the address pasted.
async fn authorize(connection: &Connection, args: &LoginArgs) -> Result<Arc<Token>, Ended> {
    match Redirect::of(connection.account())? {
        Redirect::Loopback(redirect) if !args.paste => browser::sign_in(connection, &redirect, args).await,
        redirect => paste::sign_in(connection, &redirect, args.no_browser).await,
    }
}

async fn device(tokens: &TokenSource) -> Result<Arc<Token>, Ended> {
    let sign_in = tokens.device_sign_in().await?;
    let authorization = sign_in.authorization();
    ask::say(&format!("Open {} and enter the code {}", authorization.verification_uri, authorization.user_code));
    if let Some(complete) = &authorization.verification_uri_complete {
        ask::say(&format!("or open\n  {complete}\nand see that it shows the same code."));
    }
    Ok(sign_in.wait().await?)
}

/// Exchanges a code, and stores what comes of it.
async fn redeem(tokens: &TokenSource, request: AuthorizationRequest, code: Code) -> Result<Arc<Token>, Ended> {
    tokens.redeem_code(request, code).await.map_err(|error| Ended::Refused(error.into()))
}

fn signed_in(connection: &Connection, token: &Token) -> String {
    let label = connection.account().label();
    let ends = token
        .expires_at
        .map_or_else(|| "until the server refuses it".to_owned(), |end| format!("until {}", rfc3339(end)));
    let account = connection.account();
    let renews = token.refresh_token.is_some() || account.mints_anew() || account.renews_with_access_token();
    let renewal = if renews { "and is renewed without a person" } else { "and then a person has to sign in again" };
    let scope = token.scope.as_deref().map(|scope| format!(" Scope: {}.", keyway::printable(scope, 300)));
    format!("Signed in: {label}. The token is good {ends}, {renewal}.{}", scope.unwrap_or_default())
}

impl From<CliError> for Ended {
    fn from(error: CliError) -> Self {
        Self::Wrong(error)
    }
}

impl From<SignInError> for Ended {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::NotPossible(why) => Self::Wrong(CliError::Usage(why)),
            other => Self::Refused(other),
        }
    }
}

//! Where the browser cannot be sent back to this process: the person brings the address that it ends at.

use std::sync::Arc;

use keyway::{
    Connection, Token, TokenSource,
    sign_in::{Redirect, SavedSignIns},
};

use super::{Ended, redeem};
use crate::{ask, commands::print, exit::CliError, keys::Kept};

/// At once: the address is printed, and what the browser ends at is read from standard input.
pub(super) async fn sign_in(connection: &Connection, redirect: &Redirect, quiet: bool) -> Result<Arc<Token>, Ended> {
    let tokens = connection.tokens();
    let request = tokens.authorization_request(&uri(redirect))?;
    ask::say(&format!("Sign in at\n  {}", request.url()));
    if !quiet {
        ask::say(&format!(
            "The browser ends at an address that begins with {}. It may show an error there: that is no matter.",
            request.redirect_uri()
        ));
    }
    loop {
        ask::say("Paste that whole address (or the code in it), then press Enter:");
        let pasted =
            ask::line_beside().await?.ok_or_else(|| CliError::Usage("nothing was pasted; begin anew".to_owned()))?;
        match request.read_pasted(&pasted) {
            Ok(code) => return redeem(tokens, request, code).await,
            // A person at a terminal can try again; a script cannot.
            Err(error) if error.leaves_open() && ask::on_terminal() => ask::say(&format!("{error}.")),
            Err(error) => return Err(Ended::Refused(error.into())),
        }
    }
}

/// The first half: the address goes to standard output, its request is kept.
pub(super) fn begin(connection: &Connection, kept: &Kept) -> Result<(), Ended> {
    let redirect = Redirect::of(connection.account())?;
    let saved = saved(kept)?;
    let tokens = connection.tokens();
    let request = tokens.authorization_request(&uri(&redirect))?;
    saved.keep(tokens.key(), &request).map_err(CliError::from)?;
    print(format!("{}\n", request.url()).as_bytes())?;
    Ok(())
}

/// The second half, perhaps in another process and on another day.
pub(super) async fn finish(tokens: &TokenSource, answer: &str, kept: &Kept) -> Result<Arc<Token>, Ended> {
    let saved = saved(kept)?;
    let none = || {
        let label = tokens.account().label();
        CliError::Usage(format!("no sign-in is under way for `{label}`; begin one with `keyway login --print-url`"))
    };
    let Some(request) = saved.get(tokens.key()).map_err(CliError::from)? else { return Err(none().into()) };
    let answer = if answer == "-" { ask::all_input()? } else { answer.to_owned() };
    match request.read_pasted(&answer) {
        Ok(code) => {
            // Used once, whatever becomes of it (RFC 6749 section 4.1.2).
            if !saved.remove(tokens.key()).map_err(CliError::from)? {
                return Err(none().into());
            }
            redeem(tokens, request, code).await
        }
        Err(error) => {
            if !error.leaves_open() {
                saved.remove(tokens.key()).map_err(CliError::from)?;
            }
            Err(Ended::Refused(error.into()))
        }
    }
}

fn saved(kept: &Kept) -> Result<SavedSignIns, CliError> {
    match kept {
        Kept::Files(open) => Ok(SavedSignIns::new(&open.store)),
        Kept::InMemory | Kept::Nowhere => {
            let why = "a sign-in in two steps is kept in the token store's folder; give one with --token-store";
            Err(CliError::Usage(why.to_owned()))
        }
    }
}

/// The redirect URI, where no listener chooses its port: as it is registered.
fn uri(redirect: &Redirect) -> String {
    match redirect {
        Redirect::Elsewhere(uri) => uri.clone(),
        Redirect::Loopback(redirect) => {
            let port = redirect.port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("http://{}{port}{}", redirect.host, redirect.path)
        }
    }
}

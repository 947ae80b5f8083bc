//! In the system's browser, which is sent back to this machine (RFC 8252). No embedded browser, ever.

use std::{sync::Arc, time::Duration};

use keyway::{
    Connection, Token,
    sign_in::{Code, Loopback, LoopbackRedirect, Page},
};

use super::{Ended, redeem};
use crate::{args::account::LoginArgs, ask, exit::CliError};

pub(super) async fn sign_in(
    connection: &Connection,
    redirect: &LoopbackRedirect,
    args: &LoginArgs,
) -> Result<Arc<Token>, Ended> {
    let listener = Loopback::bind(redirect, args.port).await.map_err(|why| {
        let port = args.port.or(redirect.port).map_or_else(|| "a free port".to_owned(), |port| format!("port {port}"));
        CliError::Usage(format!("{port} of 127.0.0.1 cannot be had: {why}; give another --port, or use --paste"))
    })?;
    let tokens = connection.tokens();
    let request = tokens.authorization_request(listener.redirect_uri())?;
    let place = listener.redirect_uri().to_owned();
    ask::say(&format!("Sign in at\n  {}", request.url()));
    if !args.no_browser {
        open(request.url().as_str());
    }
    ask::say(&format!("Waiting for the browser at {place}"));
    let waiting = tokio::time::timeout(Duration::from_secs(args.wait), listener.answer(&request)).await;
    let callback = waiting
        .map_err(|_| {
            CliError::Usage(format!("nobody signed in within {} s; begin anew, or give more with --wait", args.wait))
        })?
        .map_err(|why| CliError::Usage(format!("the browser's answer cannot be taken: {why}; use --paste")))?;
    let code: Code = match callback.answer() {
        Ok(code) => code.clone(),
        Err(error) => {
            let error = error.clone();
            callback.show(error.page()).await;
            return Err(Ended::Refused(error.into()));
        }
    };
    let ended = redeem(tokens, request, code).await;
    let account = connection.account();
    callback
        .show(match &ended {
            Ok(_) => Page::signed_in(&account.component.title, &account.name),
            Err(_) => Page::failed("The server gave no token"),
        })
        .await;
    ended
}

/// Opens the system's browser where there is one to see. The address is printed in any case.
fn open(url: &str) {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_screen = cfg!(not(all(unix, not(target_os = "macos")))) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    let is_remote = is_set("SSH_CONNECTION") || is_set("SSH_TTY");
    if !has_screen || is_remote {
        ask::say("There is no browser here: open the address in one on this machine, or use --paste.");
        return;
    }
    if open::that_detached(url).is_err() {
        ask::say("No browser could be started: open the address yourself.");
    }
}

//! In the system's browser, which is sent back to this machine (RFC 8252). No embedded browser, ever.

use std::{sync::Arc, time::Duration};

use keyway::{
    Connection, Token,
    sign_in::{AuthorizationRequest, Code, Loopback, LoopbackRedirect, Page},
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
    let opened = !args.no_browser && open(request.url().as_str());
    ask::say(&format!("Waiting for the browser at {place}"));
    let waiting = tokio::time::timeout(Duration::from_secs(args.wait), listener.answer(&request));
    // A browser on another machine cannot be sent back to this one: then the person brings the address.
    let callback = tokio::select! {
        answered = waiting => answered
            .map_err(|_| CliError::SignIn(format!("nobody signed in within {} s; begin anew, or give more with --wait", args.wait)))?
            .map_err(|why| CliError::Usage(format!("the browser's answer cannot be taken: {why}; use --paste")))?,
        pasted = pasted(&request), if !opened && ask::on_terminal() => {
            return redeem(tokens, request.clone(), pasted?).await;
        }
    };
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

/// The code of an address that is pasted, as soon as one is right.
async fn pasted(request: &AuthorizationRequest) -> Result<Code, Ended> {
    ask::say("or paste the address that the browser ends at, and press Enter:");
    loop {
        let line = ask::line_beside().await?;
        match line.as_deref().map(|line| request.read_pasted(line)) {
            // Nobody types any more, and the browser may still come.
            None => std::future::pending::<()>().await,
            Some(Ok(code)) => return Ok(code),
            Some(Err(error)) if error.leaves_open() => ask::say(&format!("{error}.")),
            Some(Err(error)) => return Err(Ended::Refused(error.into())),
        }
    }
}

/// Opens the system's browser where there is one to see, and tells whether it did. The address is printed in any case.
fn open(url: &str) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_screen = cfg!(not(all(unix, not(target_os = "macos")))) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    let is_remote = is_set("SSH_CONNECTION") || is_set("SSH_TTY");
    if !has_screen || is_remote {
        ask::say("There is no browser here: open the address in another one.");
        return false;
    }
    let opened = open::that_detached(url).is_ok();
    if !opened {
        ask::say("No browser could be started: open the address yourself.");
    }
    opened
}

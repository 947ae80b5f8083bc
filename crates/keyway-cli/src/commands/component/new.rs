//! `keyway component new`: a component that is sound and tested from its first minute.

mod draft;

use std::{fs, io, process::ExitCode};

use self::draft::Draft;
use crate::{
    args::component::{NewArgs, NewGrant},
    ask,
    commands::print,
    exit::{CliError, SUCCESS},
    files::create,
};

pub(super) fn run(args: NewArgs) -> Result<ExitCode, CliError> {
    let folder = args.dir.join(&args.name);
    let dir = args.dir.clone();
    let draft = completed(args)?;
    let text = format!("{:#}\n", draft.component());
    // Before anything is written: what is faulty is told as in any file.
    keyway::check_component(draft.name(), &text).map_err(|faults| CliError::Faults(Box::new(faults)))?;
    let shown = folder.display();
    match fs::create_dir_all(&dir).and_then(|()| fs::create_dir(&folder)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(CliError::Usage(format!("`{shown}` is there already; give another name, or another --dir")));
        }
        made => made.map_err(|why| CliError::Output { what: format!("`{shown}`"), why })?,
    }
    create(&folder.join("component.json"), text.as_bytes())?;
    create(&folder.join("examples/messages.ndjson"), format!("{}\n", draft.message()).as_bytes())?;
    create(&folder.join("exchanges/first.json"), format!("{:#}\n", draft.exchange()).as_bytes())?;
    let said = format!(
        "{shown}/component.json           the component: what differs from the standard is said here\n\
         {shown}/examples/messages.ndjson messages to try it with\n\
         {shown}/exchanges/first.json     what is sent and answered; `***` stands for anything\n\n\
         Next:   keyway component check {shown}\n        keyway component test {shown}\n"
    );
    print(said.as_bytes())?;
    Ok(ExitCode::from(SUCCESS))
}

/// What the flags say, and a person where there is one to ask for the rest.
fn completed(mut args: NewArgs) -> Result<Draft, CliError> {
    let base_url = given_or_asked(args.base_url.take(), "--base-url", "The API's base URL")?;
    if args.grant.is_empty() {
        args.grant.push(first_grant(&args)?);
    }
    let has = |grant: NewGrant| args.grant.contains(&grant);
    let asks = args.grant.iter().any(|grant| !draft::is_unasked(*grant));
    if !asks {
        refuse_useless(&args)?;
    }
    // An issuer tells its endpoints itself.
    let tells = args.issuer.is_some();
    let endpoint = |needed: bool, given: Option<String>, flag: &str, question: &str| match needed {
        true if tells => Ok(given),
        true => given_or_asked(given, flag, question).map(Some),
        false if given.is_some() => {
            Err(CliError::Usage(format!("{flag} is for other grants than the chosen ones; leave it out")))
        }
        false => Ok(None),
    };
    let token = endpoint(asks, args.token_endpoint.take(), "--token-endpoint", "Its token endpoint")?;
    let authorization = endpoint(
        has(NewGrant::AuthorizationCode),
        args.authorization_endpoint.take(),
        "--authorization-endpoint",
        "Where a person signs in",
    )?;
    let device = endpoint(
        has(NewGrant::DeviceCode),
        args.device_authorization_endpoint.take(),
        "--device-authorization-endpoint",
        "Where a device asks for a code",
    )?;
    Ok(Draft { base_url, token, authorization, device, args })
}

/// Where no server is asked for a token, nothing says how.
fn refuse_useless(args: &NewArgs) -> Result<(), CliError> {
    let given = [
        ("--issuer", args.issuer.is_some()),
        ("--scope", !args.scope.is_empty()),
        ("--encoding", args.encoding != "form"),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => {
            Err(CliError::Usage(format!("{flag} is for grants that ask a server for a token; leave it out")))
        }
        None => Ok(()),
    }
}

/// The grant of a person who names none: what an endpoint tells, or what is answered.
fn first_grant(args: &NewArgs) -> Result<NewGrant, CliError> {
    if args.authorization_endpoint.is_some() {
        return Ok(NewGrant::AuthorizationCode);
    }
    if args.device_authorization_endpoint.is_some() {
        return Ok(NewGrant::DeviceCode);
    }
    if args.token_endpoint.is_some() || args.issuer.is_some() || !ask::on_terminal() {
        return Ok(NewGrant::ClientCredentials);
    }
    let known = draft::GRANTS.map(|(_, name)| name);
    let chosen = ask::choice("How the first token is got", &known, Some("client_credentials"))?;
    let grant = draft::GRANTS.into_iter().find(|(_, name)| *name == chosen);
    Ok(grant.map_or(NewGrant::ClientCredentials, |(grant, _)| grant))
}

fn given_or_asked(given: Option<String>, flag: &str, question: &str) -> Result<String, CliError> {
    match given {
        Some(text) => Ok(text),
        None if ask::on_terminal() => ask::text(question, None),
        None => Err(CliError::Usage(format!("{flag} is missing; give it, or run this on a terminal"))),
    }
}

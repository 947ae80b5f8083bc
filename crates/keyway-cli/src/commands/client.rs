//! `keyway client`: clients that several accounts share.

use std::{fmt::Write as _, process::ExitCode};

use keyway::{ClientFile, Faults, Host, component::FORMAT};

use super::{credential::references, print};
use crate::{
    accounts,
    args::account::{ClientAddArgs, ClientCommand},
    ask,
    connect::with_components,
    exit::{CliError, SUCCESS},
};

pub(crate) fn run(command: ClientCommand) -> Result<ExitCode, CliError> {
    match command {
        ClientCommand::Add(args) => add(*args),
        ClientCommand::List => list(),
    }
}

fn add(args: ClientAddArgs) -> Result<ExitCode, CliError> {
    let (builder, component) = with_components(Host::builder(), &args.sources, Some(&args.component))?;
    let host = builder.build()?;
    let loaded = host.component(&component.unwrap_or_default())?;
    let (component, folder) = (loaded.component(), accounts::clients()?);
    if folder.has(&args.name) && !args.replace {
        return Err(CliError::Usage(format!("there is a client `{}` already; add --replace", args.name)));
    }
    let owner = keyway::client_owner(&args.name);
    let client = ClientFile {
        schema: None,
        keyway: FORMAT,
        component: component.name.clone(),
        environment: args.environment,
        client_id: args.client_id,
        redirect_uri: args.redirect_uri,
        secrets: references(component, &owner, &args.secrets)?,
    };
    let place = folder.file(&args.name).display().to_string();
    let text = serde_json::to_string_pretty(&client).unwrap_or_default();
    let find = |name: &str| (name == component.name).then_some(component.as_ref());
    keyway::check_client(&place, &text, find).map_err(|faults: Faults| CliError::Faults(Box::new(faults)))?;
    let path = folder.save_client(&args.name, &client)?;
    ask::say(&format!(
        "Wrote {}.\nNext: keyway credential add {} --client {}",
        path.display(),
        component.name,
        args.name
    ));
    Ok(ExitCode::from(SUCCESS))
}

fn list() -> Result<ExitCode, CliError> {
    let folder = accounts::clients()?;
    let mut text = String::new();
    for name in folder.names()? {
        let _ = writeln!(text, "{name}");
    }
    print(text.as_bytes())
}

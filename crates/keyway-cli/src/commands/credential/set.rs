//! `keyway credential set`: changes a file, or leaves it as it is.

use std::process::ExitCode;

use keyway::{CredentialFile, Host};

use super::{
    inputs::{apply, check},
    seal::references,
    show::read,
};
use crate::{
    accounts,
    args::account::SetArgs,
    ask,
    connect::with_components,
    exit::{CliError, SUCCESS},
};

pub(super) fn run(args: SetArgs) -> Result<ExitCode, CliError> {
    let (builder, _) = with_components(Host::builder(), &args.sources, None)?;
    let host = builder.build()?;
    let folder = accounts::folder()?;
    folder.get(&args.credential)?;
    let path = folder.file(&args.credential);
    let mut file = read(&path, &host)?;
    for member in &args.unset {
        unset(&mut file, member)?;
    }
    apply(&args.inputs, &mut file);
    // The account's name is the file's member where it has one: what is sealed is bound to it.
    let owner = file.name.clone().unwrap_or_else(|| args.credential.clone());
    let loaded = host.component(&file.component)?;
    file.secrets.extend(references(loaded.component(), &owner, &args.inputs.secrets)?);
    check(&path.display().to_string(), &file, loaded.component())?;
    let path = folder.save(&args.credential, &file)?;
    ask::say(&format!("Wrote {}.", path.display()));
    Ok(ExitCode::from(SUCCESS))
}

fn unset(file: &mut CredentialFile, member: &str) -> Result<(), CliError> {
    match member {
        "client" => file.client = None,
        "client_id" => file.client_id = None,
        "environment" => file.environment = None,
        "grant" => file.grant = None,
        "username" => file.username = None,
        "redirect_uri" => file.redirect_uri = None,
        "scope" => file.scope = None,
        "authorization_params" => file.authorization_params.clear(),
        "retry" => file.retry = Default::default(),
        "oauth2" => file.oauth2 = Default::default(),
        name => {
            if file.variables.remove(name).is_none() && file.secrets.remove(name).is_none() {
                let why = format!("the credential has no `{}` to take out", keyway::printable(name, 80));
                return Err(CliError::Usage(why));
            }
        }
    }
    Ok(())
}

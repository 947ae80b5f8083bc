//! `keyway credential list`, `show` and `check`.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use keyway::{CredentialFile, Host, SecretRef};

use crate::{
    accounts,
    args::{
        ComponentSources,
        account::{is_path, path_of},
    },
    commands::print,
    connect::with_components,
    draw,
    exit::{CliError, SUCCESS, USAGE},
    files::read_text,
};

/// Reads a credential file, held against its component.
pub(super) fn read(path: &Path, host: &Host) -> Result<CredentialFile, CliError> {
    let place = path.display().to_string();
    let text = read_text(path)?;
    let loaded: Vec<_> = host.component_names().into_iter().filter_map(|name| host.component(name).ok()).collect();
    let find = |name: &str| loaded.iter().map(|loaded| loaded.component().as_ref()).find(|known| known.name == name);
    match keyway::check_credential(&place, &text, find) {
        Ok(checked) => Ok(checked.value),
        Err(faults) => Err(CliError::Faults(Box::new(faults))),
    }
}

/// Where a credential's file is, by its name or its path.
fn file_of(credential: &str) -> Result<PathBuf, CliError> {
    if is_path(credential) {
        return Ok(path_of(credential));
    }
    let folder = accounts::folder()?;
    folder.get(credential)?;
    Ok(folder.file(credential))
}

pub(super) fn list(sources: &ComponentSources) -> Result<ExitCode, CliError> {
    let (builder, _) = with_components(Host::builder(), sources, None)?;
    let host = builder.build()?;
    let folder = accounts::folder()?;
    let mut rows = vec![["NAME", "COMPONENT", "ENVIRONMENT", "GRANT", "CLIENT"].map(str::to_owned)];
    for name in folder.names()? {
        let row = match read(&folder.file(&name), &host) {
            Ok(file) => {
                let loaded = host.component(&file.component)?;
                let implied = loaded.component().implied_environment().unwrap_or_default();
                let client = file.client.map(|client| format!("{client} (shared)"));
                [
                    name,
                    file.component,
                    file.environment.unwrap_or_else(|| implied.to_owned()),
                    file.grant.unwrap_or_else(|| "by its inputs".to_owned()),
                    client.or(file.client_id).unwrap_or_default(),
                ]
            }
            Err(_) => {
                let hint = format!("faulty: `keyway credential check {name}`");
                [name, hint, String::new(), String::new(), String::new()]
            }
        };
        rows.push(row);
    }
    print(draw::table(&rows).as_bytes())
}

/// The file, with sealed secrets shortened: they are of no use to a reader.
pub(super) fn show(credential: &str, sources: &ComponentSources) -> Result<ExitCode, CliError> {
    let (builder, _) = with_components(Host::builder(), sources, None)?;
    let host = builder.build()?;
    let path = file_of(credential)?;
    // Only what is a credential is shown: anything else may have secrets written out in it.
    let mut file: CredentialFile = match read(&path, &host) {
        Ok(file) => file,
        // The component may be in a folder that was not named. Nobody knows which of its variables are secret then.
        Err(CliError::Faults(faults)) if faults.faults.iter().all(|fault| fault.code == "unknown_component") => {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let Ok(mut file) = serde_json::from_str::<CredentialFile>(&text) else {
                return Err(CliError::Faults(faults));
            };
            file.variables.values_mut().for_each(|value| "…".clone_into(value));
            file
        }
        Err(error) => return Err(error),
    };
    for secret in file.secrets.values_mut() {
        if let SecretRef::Sealed(text) = secret {
            "…".clone_into(text);
        }
    }
    let text = serde_json::to_string_pretty(&file).unwrap_or_default();
    print(format!("{}\n", crate::output::pretty(&text, crate::output::stdout_colours())).as_bytes())
}

pub(super) fn check(credentials: &[String], sources: &ComponentSources) -> Result<ExitCode, CliError> {
    let (builder, _) = with_components(Host::builder(), sources, None)?;
    let host = builder.build()?;
    let folder = accounts::folder();
    let files: Vec<PathBuf> = if credentials.is_empty() {
        let folder = folder?;
        folder.names()?.iter().map(|name| folder.file(name)).collect()
    } else {
        credentials.iter().map(|name| file_of(name)).collect::<Result<_, _>>()?
    };
    let mut sound = true;
    for file in files {
        match read(&file, &host) {
            Ok(_) => {
                print(format!("{}: sound\n", file.display()).as_bytes())?;
            }
            Err(CliError::Faults(faults)) => {
                let _ = std::io::stderr().lock().write_all(draw::faults(&faults).as_bytes());
                sound = false;
            }
            Err(other) => {
                let _ = writeln!(std::io::stderr().lock(), "error: {other}");
                sound = false;
            }
        }
    }
    Ok(ExitCode::from(if sound { SUCCESS } else { USAGE }))
}

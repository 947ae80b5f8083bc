//! Which accounts are meant: credentials by name or path, or a component's only one.

use std::path::Path;

use keyway::{Component, Credential, CredentialError, CredentialFolder, Host};

use crate::{
    args::account::{is_path, path_of},
    exit::CliError,
    folders,
};

/// The folder of credentials.
pub(crate) fn folder() -> Result<CredentialFolder, CliError> {
    let folder = folders::credentials().map(CredentialFolder::new);
    folder.ok_or_else(|| CliError::Usage("there is no folder for credentials; set KEYWAY_HOME or HOME".to_owned()))
}

/// The folder of clients that credentials share.
pub(crate) fn clients() -> Result<CredentialFolder, CliError> {
    let folder = folders::clients().map(CredentialFolder::new);
    folder.ok_or_else(|| CliError::Usage("there is no folder for clients; set KEYWAY_HOME or HOME".to_owned()))
}

/// A credential by its name or path; `env` is the environment's, where the component is known.
pub(crate) fn by_name(text: &str, component: Option<&str>) -> Result<Credential, CliError> {
    match (text, component) {
        ("env", Some(component)) => Ok(Credential::from_env(component)?),
        ("env", None) => {
            let why = "`--credential env` means a component's environment variables; name the component as well";
            Err(CliError::Usage(why.to_owned()))
        }
        (path, _) if is_path(path) => by_path(&path_of(path)),
        (name, _) => Ok(folder()?.get(name)?),
    }
}

/// A credential by its path. One in the folder of credentials is the same account as by its name.
fn by_path(path: &Path) -> Result<Credential, CliError> {
    let real = |path: &Path| path.canonicalize().ok();
    let folder = folders::credentials().filter(|folder| path.parent().and_then(real) == real(folder));
    let name = path.file_stem().and_then(|name| name.to_str());
    match (folder, name) {
        (Some(folder), Some(name)) if real(path).is_some() => Ok(CredentialFolder::new(folder).get(name)?),
        _ => Ok(Credential::from_file(path)?),
    }
}

/// Whoever a person means: a credential by name or path, or the only account of a component.
pub(crate) fn whoever(host: &Host, who: &str) -> Result<Credential, CliError> {
    let named = folders::credentials().map(CredentialFolder::new).filter(|folder| folder.has(who));
    if is_path(who) || named.is_some() {
        return by_name(who, None);
    }
    if host.component(who).is_ok() {
        return only_account(host, who);
    }
    let why = match by_name(who, None) {
        Err(CliError::Usage(why)) => why,
        _ => format!("there is no credential `{who}`"),
    };
    Err(CliError::Usage(format!("{why}. There is no component of that name either")))
}

/// The account of a component where nobody says which: its only credential, or the environment's variables. Two are
/// one too many: production must not be met by accident.
pub(crate) fn only_account(host: &Host, component: &str) -> Result<Credential, CliError> {
    let found = all_of(Some(component))?.into_iter().map(|(name, credential)| Ok((name, credential?)));
    let mut found: Vec<(String, Credential)> = found.collect::<Result<_, CliError>>()?;
    let prefix = Component::variable_prefix(component);
    let is_set = |name: &str| std::env::var_os(format!("{prefix}{name}")).is_some_and(|value| !value.is_empty());
    let in_environment = is_set("CLIENT_ID") || is_set("CLIENT_ID_FILE");
    match (found.len(), in_environment) {
        (1, false) => Ok(found.remove(0).1),
        (0, _) => Credential::from_env(component).map_err(|error| missing(host, component, &error)),
        (_, in_environment) => {
            let mut names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
            if in_environment {
                names.push("env (the environment's variables)");
            }
            let names = names.join(", ");
            Err(CliError::Usage(format!("`{component}` has several accounts: {names}; name one with --credential")))
        }
    }
}

/// A credential's name, and the credential or why it cannot be read.
pub(crate) type Found = (String, Result<Credential, CliError>);

/// All credentials of the folder, or those of a component; none where there is no folder. A file that cannot be read is
/// no component's: it must not keep other accounts from work.
pub(crate) fn all_of(component: Option<&str>) -> Result<Vec<Found>, CliError> {
    let mut found = Vec::new();
    let Some(folder) = folders::credentials().map(CredentialFolder::new) else { return Ok(found) };
    for name in folder.names()? {
        let credential = folder.get(&name);
        let of_component = |name: &str| credential.as_ref().is_ok_and(|it| it.component().as_deref() == Some(name));
        if component.is_none_or(of_component) {
            found.push((name, credential.map_err(CliError::from)));
        }
    }
    Ok(found)
}

/// Nobody has an account yet: how to get one.
fn missing(host: &Host, component: &str, error: &CredentialError) -> CliError {
    let steps = host.component(component).map(|loaded| setup_steps(loaded.component())).unwrap_or_default();
    CliError::Usage(if steps.is_empty() { error.to_string() } else { format!("{error}\n\n{}", steps.trim_end()) })
}

/// How a person gets a key, as the component says it.
pub(crate) fn setup_steps(component: &Component) -> String {
    if component.setup.steps.is_empty() {
        return String::new();
    }
    let mut text = "How to get a key\n".to_owned();
    if let Some(url) = &component.setup.registration_url {
        text.push_str(&format!("  {url}\n"));
    }
    for (n, step) in component.setup.steps.iter().enumerate() {
        text.push_str(&format!("  {}. {step}\n", n + 1));
    }
    text
}

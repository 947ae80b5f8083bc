//! Secrets on their way into a file: as references, or sealed.

use std::collections::BTreeMap;

use keyway::{Component, Secret, SecretRef, credential::STANDARD_SECRETS};
use serde_json::Value;

use crate::{args::account::SecretArgs, ask, exit::CliError, keys};

/// Reads `NAME=env:VARIABLE`, `NAME=file:PATH` or `NAME=command:PROGRAM ARGUMENT…`. A literal is refused, and not shown:
/// neither is a name that the component does not have, since base64 has a `=` as well.
fn reference(component: &Component, flag: &str) -> Result<(String, SecretRef), CliError> {
    let (name, text) = flag.split_once('=').unwrap_or_default();
    let is_known = |name: &str| STANDARD_SECRETS.contains(&name) || component.variables.contains_key(name);
    let refused = || {
        let shown = if is_known(name) { format!(" {name}") } else { String::new() };
        CliError::Usage(format!(
            "--secret{shown} holds neither `env:`, `file:` nor `command:`; write NAME=env:VARIABLE or NAME=file:PATH. A \
             secret itself never stands in a command, where others can see it: give it with --secrets-stdin, or on a \
             terminal"
        ))
    };
    let at = match text.split_once(':') {
        Some((_, "")) => Err(refused()),
        Some(("env", variable)) => Ok(SecretRef::Env(variable.to_owned())),
        Some(("file", path)) => {
            // A file is read from wherever keyway is run later.
            let path = std::path::absolute(path).map_err(|why| CliError::Input { what: format!("`{path}`"), why })?;
            Ok(SecretRef::File(path))
        }
        Some(("command", words)) => Ok(SecretRef::Command(words.split_whitespace().map(str::to_owned).collect())),
        _ => Err(refused()),
    };
    Ok((name.to_owned(), at?))
}

/// The references of flags, and what stands on standard input, sealed for their owner.
pub(crate) fn references(
    component: &Component,
    owner: &str,
    args: &SecretArgs,
) -> Result<BTreeMap<String, SecretRef>, CliError> {
    let mut secrets = BTreeMap::new();
    for flag in &args.secret {
        secrets.extend([reference(component, flag)?]);
    }
    if args.secrets_stdin {
        for (name, secret) in read_stdin()? {
            secrets.insert(name.clone(), seal(component, owner, &name, &secret)?);
        }
    }
    Ok(secrets)
}

/// Seals one secret with the key of the token store.
pub(crate) fn seal(component: &Component, owner: &str, name: &str, secret: &Secret) -> Result<SecretRef, CliError> {
    let key = keys::secret_key(true)?.ok_or_else(|| {
        CliError::Usage(
            "there is no folder for the key that seals secrets; set KEYWAY_HOME, HOME or KEYWAY_KEY".to_owned(),
        )
    })?;
    Ok(SecretRef::Sealed(key.seal_secret(component, owner, name, secret)?))
}

/// One JSON object of secrets. What is wrong with it is said without showing it.
fn read_stdin() -> Result<Vec<(String, Secret)>, CliError> {
    let wrong =
        || CliError::Usage("standard input is no JSON object of texts; write {\"client_secret\":\"…\"}".to_owned());
    let Ok(Value::Object(members)) = serde_json::from_str(&ask::all_input()?) else { return Err(wrong()) };
    let mut secrets = Vec::new();
    for (name, value) in members {
        match value {
            Value::String(text) if !text.is_empty() => secrets.push((name, Secret::new(text))),
            _ => return Err(wrong()),
        }
    }
    Ok(secrets)
}

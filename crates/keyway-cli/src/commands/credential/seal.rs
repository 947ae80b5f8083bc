//! Secrets on their way into a file: as references, or sealed.

use std::collections::BTreeMap;

use keyway::{Component, Secret, SecretRef};
use serde_json::Value;

use crate::{args::account::SecretArgs, ask, exit::CliError, keys};

/// Reads `env:NAME`, `file:PATH` or `command:PROGRAM ARGUMENT…`. A literal is refused, and not shown.
fn reference(name: &str, text: &str) -> Result<SecretRef, CliError> {
    let refused = || {
        CliError::Usage(format!(
            "--secret {name} holds neither `env:`, `file:` nor `command:`; a secret itself never stands in a command, \
             where others can see it: give it with --secrets-stdin, or on a terminal"
        ))
    };
    match text.split_once(':') {
        Some((_, "")) => Err(refused()),
        Some(("env", variable)) => Ok(SecretRef::Env(variable.to_owned())),
        Some(("file", path)) => {
            // A file is read from wherever keyway is run later.
            let path = std::path::absolute(path).map_err(|why| CliError::Input { what: format!("`{path}`"), why })?;
            Ok(SecretRef::File(path))
        }
        Some(("command", words)) => Ok(SecretRef::Command(words.split_whitespace().map(str::to_owned).collect())),
        _ => Err(refused()),
    }
}

/// The references of flags, and what stands on standard input, sealed for their owner.
pub(crate) fn references(
    component: &Component,
    owner: &str,
    args: &SecretArgs,
) -> Result<BTreeMap<String, SecretRef>, CliError> {
    let mut secrets = BTreeMap::new();
    for (name, text) in &args.secret {
        secrets.insert(name.clone(), reference(name, text)?);
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

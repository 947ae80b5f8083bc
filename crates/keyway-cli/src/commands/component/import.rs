//! `keyway component import`: from a description to a component file, with a list of what is not in it.

use std::{
    io::Write as _,
    path::{Component, Path},
    process::ExitCode,
};

use keyway::import::{ImportChoices, ImportError, Imported, elasticio, openapi};
use serde_json::Value;

use super::yaml::yaml;
use crate::{
    args::component::{ImportArgs, ImportCommand},
    commands::print,
    draw,
    exit::{CliError, SUCCESS, USAGE},
    files::{create, read_text},
};

/// Reads a description as one of these.
type Import = fn(&Value, &ImportChoices) -> Result<Imported, ImportError>;

pub(super) fn run(command: ImportCommand) -> Result<ExitCode, CliError> {
    let (args, import): (ImportArgs, Import) = match command {
        ImportCommand::Openapi(args) => (args, openapi),
        ImportCommand::Elasticio(args) => (args, elasticio),
    };
    let file = args.file.display().to_string();
    let mut document = read(&args.file)?;
    read_schemas(&args.file, &mut document);
    let choices = ImportChoices {
        name: args.name,
        base_url: args.base_url,
        token_endpoint: args.token_endpoint,
        authorization_endpoint: args.authorization_endpoint,
    };
    let Imported { component, left_out } =
        import(&document, &choices).map_err(|error| CliError::Usage(format!("`{file}`: {error}")))?;
    let text = format!("{component:#}\n");
    let written = match &args.output {
        Some(path) => create(path, text.as_bytes()).map(|()| path.display().to_string())?,
        None => print(text.as_bytes()).map(|_| "the component".to_owned())?,
    };
    let mut stderr = std::io::stderr().lock();
    if !left_out.is_empty() {
        let _ = writeln!(stderr, "Not carried over, or to be looked at:");
    }
    for line in left_out {
        let _ = writeln!(stderr, "  - {line}");
    }
    // What was made is held to the same rules as what people write.
    let (faults, code) = match keyway::check_component(&written, &text) {
        Ok(checked) => (checked.warnings, SUCCESS),
        Err(faults) => (faults, USAGE),
    };
    if !faults.faults.is_empty() {
        let _ = stderr.write_all(draw::faults(&faults).as_bytes());
    }
    Ok(ExitCode::from(code))
}

fn read(path: &Path) -> Result<Value, CliError> {
    let what = format!("`{}`", path.display());
    let text = read_text(path)?;
    // Some editors of other systems begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    // JSON is YAML too, but reading it as JSON is faster and its errors are better.
    let begins_as_json = text.trim_start().starts_with('{');
    let fault = match begins_as_json.then(|| serde_json::from_str(text)) {
        Some(Ok(document)) => return Ok(document),
        Some(Err(error)) => Some(error),
        None => None,
    };
    yaml(text).map_err(|error| {
        CliError::Usage(match fault {
            Some(fault) => format!("{what} is no valid JSON: {fault}; give another file"),
            None => format!("{what} is neither JSON nor YAML: {error}; give another file"),
        })
    })
}

/// elastic.io's components have schemas in files of their own, named from where the description is. One that cannot be
/// read stays a name, which is told.
fn read_schemas(description: &Path, document: &mut Value) {
    let folder = description.parent().unwrap_or(Path::new("."));
    for kind in ["actions", "triggers"] {
        let all = document.get_mut(kind).and_then(Value::as_object_mut).into_iter().flatten();
        for schema in all.filter_map(|(_, action)| action.get_mut("metadata")?.get_mut("in")) {
            // Only what lies beside it, or below.
            let path = schema
                .as_str()
                .map(Path::new)
                .filter(|path| path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)));
            if let Some(read) = path.and_then(|path| read(&folder.join(path)).ok()) {
                *schema = read;
            }
        }
    }
}

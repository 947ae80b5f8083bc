//! `keyway component`: list, show, check, new, test, import.

mod import;
mod new;
mod show;
mod test;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use keyway::Host;

use super::print;
use crate::{
    args::{ComponentSources, component::ComponentCommand},
    connect::with_components,
    draw,
    exit::{CliError, SUCCESS, USAGE},
    files::{component_files, read_text},
};

pub(crate) fn run(command: ComponentCommand) -> Result<ExitCode, CliError> {
    match command {
        ComponentCommand::List { sources } => list(&sources),
        ComponentCommand::Show { component, markdown, sources } => show::run(&component, markdown, &sources),
        ComponentCommand::Check { paths } => check(&paths),
        ComponentCommand::New(args) => new::run(args),
        ComponentCommand::Test { paths } => test::run(&paths),
        ComponentCommand::Import(command) => import::run(command),
    }
}

fn list(sources: &ComponentSources) -> Result<ExitCode, CliError> {
    let (builder, _) = with_components(Host::builder(), sources, None)?;
    let host = builder.build()?;
    let mut rows = vec![["NAME".to_owned(), "TITLE".to_owned(), "GRANTS".to_owned(), "FROM".to_owned()]];
    for name in host.component_names() {
        let loaded = host.component(name)?;
        let from = loaded.path().map_or_else(|| "built in".to_owned(), |path| path.display().to_string());
        let component = loaded.component();
        rows.push([name.to_owned(), component.title.clone(), component.grant_names().join(", "), from]);
    }
    print(draw::table(&rows).as_bytes())
}

fn check(paths: &[PathBuf]) -> Result<ExitCode, CliError> {
    let mut sound = true;
    for path in paths {
        for file in component_files(path)? {
            // A file that cannot be read must not keep the others from being checked.
            match check_file(&file) {
                Err(CliError::Input { what, why }) => {
                    let _ = writeln!(std::io::stderr().lock(), "error: {what} cannot be read: {why}");
                    sound = false;
                }
                checked => sound &= checked?,
            }
        }
    }
    Ok(ExitCode::from(if sound { SUCCESS } else { USAGE }))
}

/// Checks one file and says what was found. Returns whether it can be used.
fn check_file(file: &Path) -> Result<bool, CliError> {
    let name = file.display().to_string();
    let text = read_text(file)?;
    match keyway::check_component(&name, &text) {
        Ok(checked) => {
            if !checked.warnings.faults.is_empty() {
                let _ = std::io::stderr().lock().write_all(draw::faults(&checked.warnings).as_bytes());
            }
            print(format!("{name}: `{}` is sound\n", checked.value.name).as_bytes())?;
            Ok(true)
        }
        Err(faults) => {
            let _ = std::io::stderr().lock().write_all(draw::faults(&faults).as_bytes());
            Ok(false)
        }
    }
}
